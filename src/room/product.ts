import type { Product } from '../kernel/product.ts'
import { approverRoutes } from './approvers/routes.ts'
import { auditRoutes } from './audit/routes.ts'
import { banRoutes } from './bans/routes.ts'
import { bookingListRoutes } from './bookingLists/routes.ts'
import { leaveRooms } from './bookings/leaving.ts'
import { bookingRoutes } from './bookings/routes.ts'
import { settleBookings } from './bookings/settling.ts'
import { buildingRoutes } from './buildings/routes.ts'
import { calendarFeedRoutes } from './calendarFeed/routes.ts'
import './constraints.ts'
import { closureRoutes } from './closures/routes.ts'
import { contract } from './contract.ts'
import { fillDemo } from './demo/service.ts'
import { figureRoutes } from './figures/routes.ts'
import { captchaJob } from './frontDoor/captcha.ts'
import { frontDoorRoutes } from './frontDoor/routes.ts'
import { noShowRoutes } from './noShows/routes.ts'
import { noticeRoutes } from './notices/routes.ts'
import { notificationTypes } from './notificationTypes.ts'
import { permissions, roles } from './permissions.ts'
import { personalRecords } from './privacy/store.ts'
import { recurringRoutes } from './recurring/routes.ts'
import { roomRoutes } from './rooms/routes.ts'
import { searchRoutes } from './search/routes.ts'
import { settingRoutes } from './settings/routes.ts'
import { staffRoutes } from './staff/routes.ts'
import { tags } from './tags.ts'
import { timelineRoutes } from './timeline/routes.ts'
import { findDifferences } from './verify/store.ts'

/** The manifest of the room product. */
export const room: Product = {
  name: 'room',
  title: 'Room 功能房预约',
  description: 'A campus’ function rooms: bookings with participants, audit, bans, closures.',
  tags,
  permissions,
  roles,
  notificationTypes,
  jobs: [{ name: 'room.settle', cron: '* * * * *', run: settleBookings }, captchaJob],
  contract,
  basePrefixes: (config) => config.roomBasePrefixes,
  tokenUrl: '/login',
  beforeUserLeaves: leaveRooms,
  personalRecords: ({ reads, clock }, userId) => personalRecords(reads, userId, clock.now()),
  routes(app, kernel) {
    approverRoutes(app, kernel)
    auditRoutes(app, kernel)
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
    figureRoutes(app, kernel)
    calendarFeedRoutes(app, kernel)
    frontDoorRoutes(app, kernel)
    noticeRoutes(app, kernel)
  },
  verify: ({ db }) => findDifferences(db),
  demo: fillDemo,
}
