import type { Product } from '../kernel/product.ts'
import { audienceRoutes } from '../site/audiences/routes.ts'
import { answerForgotten, answerMessage } from '../support/chat/answer.ts'
import { ANSWER_JOB, closeIdleChats } from '../support/chat/service.ts'
import { audienceConditions } from './people/audiences/store.ts'
import { closureRoutes } from './places/closures/routes.ts'
import { verifyClosures } from './places/closures/store.ts'
import { catalogueRoutes } from './places/routes.ts'
import { approvalRoutes } from './visits/approval/routes.ts'
import { attendanceRoutes } from './visits/attendance/routes.ts'
import { settleAttendance } from './visits/attendance/service.ts'
import { calendarFeedRoutes } from './visits/calendarFeed/routes.ts'
import './constraints.ts'
import { userRoutes } from '../site/accounts/routes.ts'
import { exportJobRoutes } from '../site/exports/routes.ts'
import { deadLetterRoutes } from '../site/jobs/routes.ts'
import { notificationControlRoutes } from '../site/notifications/controlRoutes.ts'
import { notificationHistoryRoutes } from '../site/notifications/historyRoutes.ts'
import { preferenceRoutes } from '../site/notifications/preferenceRoutes.ts'
import { notificationRoutes } from '../site/notifications/routes.ts'
import { notificationSendRoutes } from '../site/notifications/sendRoutes.ts'
import { notificationTypeRoutes } from '../site/notifications/typeRoutes.ts'
import { privacyRoutes } from '../site/privacy/routes.ts'
import { handSupportOver, leaveSupport } from '../support/leaving.ts'
import { supportRoutes } from '../support/routes.ts'
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
import { permissions, roles } from './permissions.ts'
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
  description: 'A company’s gym and courts: slots, reservations, waiting lists, notifications.',
  tags,
  permissions,
  roles,
  notificationTypes,
  audienceConditions,
  jobs: [
    { name: 'venue.waiting-list', cron: '* * * * *', run: sweep },
    { name: PROMOTE_JOB, run: promoteOffer },
    { name: 'venue.attendance', cron: '* * * * *', run: settleAttendance },
    { name: 'venue.reminders', cron: '* * * * *', run: sendReminders },
    { name: 'venue.use-sessions', cron: '* * * * *', run: stopOverdue },
    { name: ANSWER_JOB, run: answerMessage },
    { name: 'venue.support-forgotten', cron: '* * * * *', run: answerForgotten },
    { name: 'venue.support-idle-chats', cron: '7 * * * *', run: closeIdleChats },
  ],
  exports: exportSources,
  contract,
  tokenUrl: '/api/v1/users/login',
  async beforeUserLeaves(tx, kernel, userId) {
    await leaveVenue(tx, kernel, userId)
    await leaveSupport(tx, kernel, userId)
  },
  afterRightsChange: handSupportOver,
  personalRecords: ({ reads }, userId) => personalRecords(reads, userId),
  routes(app, kernel, live) {
    userRoutes(app, kernel)
    privacyRoutes(app, kernel)
    catalogueRoutes(app, kernel)
    reservationRoutes(app, kernel)
    staffChangeRoutes(app, kernel)
    waitingListRoutes(app, kernel)
    closureRoutes(app, kernel)
    attendanceRoutes(app, kernel)
    reservationMessageRoutes(app, kernel)
    memberRoutes(app, kernel)
    ratingRoutes(app, kernel)
    repairRoutes(app, kernel)
    useSessionRoutes(app, kernel)
    statisticsRoutes(app, kernel)
    exportRoutes(app, kernel)
    exportJobRoutes(app, kernel)
    calendarFeedRoutes(app, kernel)
    seriesRoutes(app, kernel)
    approvalRoutes(app, kernel)
    notificationRoutes(app, kernel)
    preferenceRoutes(app, kernel)
    notificationTypeRoutes(app, kernel)
    notificationControlRoutes(app, kernel)
    notificationHistoryRoutes(app, kernel)
    audienceRoutes(app, kernel)
    notificationSendRoutes(app, kernel)
    deadLetterRoutes(app, kernel)
    supportRoutes(app, kernel, live)
  },
  async verify({ db, clock }) {
    return [...(await findDifferences(db)), ...(await verifyClosures(db, clock.now()))]
  },
  demo: fillDemo,
}
