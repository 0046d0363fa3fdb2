import type { Product } from '../kernel/product.ts'
import { settleBookings } from './core/settling.ts'
import { approverRoutes } from './people/approvers/routes.ts'
import { banRoutes } from './people/bans/routes.ts'
import { buildingRoutes } from './places/buildings/routes.ts'
import { roomSettings } from './settings.ts'
import { approvalRoutes } from './visits/approval/routes.ts'
import { bookingListRoutes } from './visits/bookingLists/routes.ts'
import { leaveRooms } from './visits/bookings/leaving.ts'
import { bookingRoutes } from './visits/bookings/routes.ts'
import { calendarFeedRoutes } from './visits/calendarFeed/routes.ts'
import './constraints.ts'
import { contract } from './contract.ts'
import { fillDemo } from './demo/service.ts'
import { statisticsRoutes } from './figures/statistics/routes.ts'
import { findDifferences } from './figures/verify/store.ts'
import { notificationTypes } from './notificationTypes.ts'
import { inboxRoutes } from './people/inbox/routes.ts'
import { noShowRoutes } from './people/noShows/routes.ts'
import { personalRecords } from './people/privacy/store.ts'
import { staffRoutes } from './people/staff/routes.ts'
import { captchaJob } from './people/webClient/captcha.ts'
import { webClientRoutes } from './people/webClient/routes.ts'
import { PORTAL_ROLE, permissions, roles } from './permissions.ts'
import { closureRoutes } from './places/closures/routes.ts'
import { roomRoutes } from './places/rooms/routes.ts'
import { searchRoutes } from './places/search/routes.ts'
import { settingRoutes } from './places/settings/routes.ts'
import { timelineRoutes } from './places/timeline/routes.ts'
import { tags } from './tags.ts'
import { recurringRoutes } from './visits/recurring/routes.ts'

/** The manifest of the room product. */
export const room: Product = {
  name: 'room',
  title: 'Room 功能房预约',
  description: 'A campus’ function rooms: bookings with participants, audit, bans, closures.',
  tags,
  permissions,
  roles,
  registerRole: PORTAL_ROLE,
  notificationTypes,
  jobs: [{ name: 'room.settle', cron: '* * * * *', run: settleBookings }, captchaJob],
  contract,
  pathRoots: [
    ...['/manage', '/portal', '/system'],
    ...['/captchaImage', '/login', '/register', '/logout', '/getInfo', '/getRouters'],
  ],
  basePrefixes: (config) => roomSettings.of(config).basePrefixes,
  tokenUrl: '/login',
  beforeUserLeaves: leaveRooms,
  personalRecords: ({ reads, clock }, userId) => personalRecords(reads, userId, clock.now()),
  routes(app, kernel) {
    approverRoutes(app, kernel)
    approvalRoutes(app, kernel)
    banRoutes(app, kernel)
    noShowRoutes(app, kernel)
    recurringRoutes(app, kernel)
    buildingRoutes(app, kernel)
    closureRoutes(app, kernel)
    roomRoutes(app, kernel)
    settingRoutes(app, kernel)
    staffRoutes(app, kernel)
    bookingRoutes(app, kernel)
    bookingListRoutes(app, kernel)
    timelineRoutes(app, kernel)
    searchRoutes(app, kernel)
    statisticsRoutes(app, kernel)
    calendarFeedRoutes(app, kernel)
    webClientRoutes(app, kernel)
    inboxRoutes(app, kernel)
  },
  verify: ({ db }) => findDifferences(db),
  demo: fillDemo,
}
