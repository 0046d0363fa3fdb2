import type { Product } from '../kernel/product.ts'
import { approvalRoutes } from './approval/routes.ts'
import { attendanceRoutes } from './attendance/routes.ts'
import { settleAttendance } from './attendance/service.ts'
import { audienceRoutes } from './audiences/routes.ts'
import { audienceConditions } from './audiences/store.ts'
import { calendarFeedRoutes } from './calendarFeed/routes.ts'
import { catalogueRoutes } from './catalogue.ts'
import { answerForgotten, answerMessage } from './chat/answer.ts'
import { ANSWER_JOB, closeIdleChats } from './chat/service.ts'
import { closureRoutes } from './closures/routes.ts'
import { verifyClosures } from './closures/store.ts'
import './constraints.ts'
import { contract } from './contract.ts'
import { fillDemo } from './demo/service.ts'
import { deskRoutes } from './desk/routes.ts'
import { exportJobRoutes } from './exports/jobRoutes.ts'
import { exportRoutes } from './exports/routes.ts'
import { exportSources } from './exports/sources.ts'
import { memberRoutes } from './members/routes.ts'
import { noticeRoutes } from './notices/routes.ts'
import { notificationControlRoutes } from './notifications/controlRoutes.ts'
import { deadLetterRoutes } from './notifications/deadLetters.ts'
import { notificationHistoryRoutes } from './notifications/historyRoutes.ts'
import { preferenceRoutes } from './notifications/preferenceRoutes.ts'
import { notificationRoutes } from './notifications/routes.ts'
import { notificationSendRoutes } from './notifications/sendRoutes.ts'
import { notificationTypeRoutes } from './notifications/typeRoutes.ts'
import { notificationTypes } from './notificationTypes.ts'
import { permissions, roles } from './permissions.ts'
import { privacyRoutes } from './privacy/routes.ts'
import { personalRecords } from './privacy/store.ts'
import { ratingRoutes } from './ratings/routes.ts'
import { sendReminders } from './reminders/service.ts'
import { repairRoutes } from './repairs/routes.ts'
import { leaveVenue } from './reservations/leaving.ts'
import { reservationRoutes } from './reservations/routes.ts'
import { seriesRoutes } from './series/routes.ts'
import { statisticsRoutes } from './statistics/routes.ts'
import { handSupportOver, leaveSupport } from './support/leaving.ts'
import { supportRoutes } from './support/routes.ts'
import { tags } from './tags.ts'
import { userRoutes } from './users/routes.ts'
import { stopOverdue } from './useSessions/ending.ts'
import { useSessionRoutes } from './useSessions/routes.ts'
import { findDifferences } from './verify/store.ts'
import { PROMOTE_JOB } from './waitingList/offers.ts'
import { waitingListRoutes } from './waitingList/routes.ts'
import { promoteOffer, sweep } from './waitingList/service.ts'

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
    deskRoutes(app, kernel)
    waitingListRoutes(app, kernel)
    closureRoutes(app, kernel)
    attendanceRoutes(app, kernel)
    noticeRoutes(app, kernel)
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
