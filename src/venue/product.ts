import type { Product } from '../kernel/product.ts'
import { audienceConditions } from './people/audiences/store.ts'
import { maintenanceRoutes } from './places/maintenance/routes.ts'
import { verifyClosures } from './places/maintenance/store.ts'
import { catalogueRoutes } from './places/routes.ts'
import { approvalRoutes } from './visits/approval/routes.ts'
import { attendanceRoutes } from './visits/attendance/routes.ts'
import { settleAttendance } from './visits/attendance/service.ts'
import { calendarFeedRoutes } from './visits/calendarFeed/routes.ts'
import './constraints.ts'
import { contract } from './contract.ts'
import { PROMOTE_JOB } from './core/offers.ts'
import { fillDemo } from './demo/service.ts'
import { exportRoutes } from './figures/exports/routes.ts'
import { exportSources } from './figures/exports/sources.ts'
import { statisticsRoutes } from './figures/statistics/routes.ts'
import { findDifferences } from './figures/verify/store.ts'
import { notificationTypes } from './notificationTypes.ts'
import { memberRoutes } from './people/members/routes.ts'
import { personalRecords } from './people/privacy/store.ts'
import { ratingRoutes } from './people/ratings/routes.ts'
import { EMPLOYEE, permissions, roles } from './permissions.ts'
import { repairRoutes } from './places/repairs/routes.ts'
import { staffChangeRoutes } from './staffChanges/routes.ts'
import { tags } from './tags.ts'
import { sendReminders } from './visits/reminders/service.ts'
import { reservationMessageRoutes } from './visits/reservationMessages/routes.ts'
import { leaveVenue } from './visits/reservations/leaving.ts'
import { reservationRoutes } from './visits/reservations/routes.ts'
import { seriesRoutes } from './visits/series/routes.ts'
import { stopOverdue } from './visits/useSessions/ending.ts'
import { useSessionRoutes } from './visits/useSessions/routes.ts'
import { waitingListRoutes } from './visits/waitingList/routes.ts'
import { promoteOffer, sweep } from './visits/waitingList/service.ts'

/** The manifest of the venue product. */
export const venue: Product = {
  name: 'venue',
  title: 'Venue 场馆预约',
  description: 'A company’s gym and courts: slots, reservations, waiting lists.',
  tags,
  permissions,
  roles,
  registerRole: EMPLOYEE,
  notificationTypes,
  audienceConditions,
  jobs: [
    { name: 'venue.waiting-list', cron: '* * * * *', run: sweep },
    { name: PROMOTE_JOB, run: promoteOffer },
    { name: 'venue.attendance', cron: '* * * * *', run: settleAttendance },
    { name: 'venue.reminders', cron: '* * * * *', run: sendReminders },
    { name: 'venue.use-sessions', cron: '* * * * *', run: stopOverdue },
  ],
  exports: exportSources,
  contract,
  tokenUrl: '/api/v1/users/login',
  beforeUserLeaves: leaveVenue,
  personalRecords: ({ reads }, userId) => personalRecords(reads, userId),
  routes(app, kernel) {
    catalogueRoutes(app, kernel)
    reservationRoutes(app, kernel)
    staffChangeRoutes(app, kernel)
    waitingListRoutes(app, kernel)
    maintenanceRoutes(app, kernel)
    attendanceRoutes(app, kernel)
    reservationMessageRoutes(app, kernel)
    memberRoutes(app, kernel)
    ratingRoutes(app, kernel)
    repairRoutes(app, kernel)
    useSessionRoutes(app, kernel)
    statisticsRoutes(app, kernel)
    exportRoutes(app, kernel)
    calendarFeedRoutes(app, kernel)
    seriesRoutes(app, kernel)
    approvalRoutes(app, kernel)
  },
  async verify({ db, clock }) {
    return [...(await findDifferences(db)), ...(await verifyClosures(db, clock.now()))]
  },
  demo: fillDemo,
}
