import type { Product } from '../kernel/product.ts'
import { approvalRoutes } from './approval/routes.ts'
import { attendanceRoutes } from './attendance/routes.ts'
import { settleAttendance } from './attendance/service.ts'
import { catalogueRoutes } from './catalogue.ts'
import { closureRoutes } from './closures/routes.ts'
import { verifyClosures } from './closures/store.ts'
import './constraints.ts'
import { contract } from './contract.ts'
import { fillDemo } from './demo/service.ts'
import { deskRoutes } from './desk/routes.ts'
import { memberRoutes } from './members/routes.ts'
import { noticeRoutes } from './notices/routes.ts'
import { deadLetterRoutes } from './notifications/deadLetters.ts'
import { notificationRoutes } from './notifications/routes.ts'
import { notificationTypes } from './notificationTypes.ts'
import { permissions, roles } from './permissions.ts'
import { ratingRoutes } from './ratings/routes.ts'
import { sendReminders } from './reminders/service.ts'
import { leaveVenue } from './reservations/leaving.ts'
import { reservationRoutes } from './reservations/routes.ts'
import { seriesRoutes } from './series/routes.ts'
import { tags } from './tags.ts'
import { userRoutes } from './users/routes.ts'
import { findDifferences } from './verify/store.ts'
import { waitingListRoutes } from './waitingList/routes.ts'
import { sweep } from './waitingList/service.ts'

/** The manifest of the venue product. */
export const venue: Product = {
  name: 'venue',
  title: 'Venue 场馆预约',
  description: 'A company’s gym and courts: slots, reservations, waiting lists, notifications.',
  tags,
  permissions,
  roles,
  notificationTypes,
  jobs: [
    { name: 'venue.waiting-list', cron: '* * * * *', run: sweep },
    { name: 'venue.attendance', cron: '* * * * *', run: settleAttendance },
    { name: 'venue.reminders', cron: '* * * * *', run: sendReminders },
  ],
  contract,
  beforeUserLeaves: leaveVenue,
  routes(app, kernel) {
    userRoutes(app, kernel)
    catalogueRoutes(app, kernel)
    reservationRoutes(app, kernel)
    deskRoutes(app, kernel)
    waitingListRoutes(app, kernel)
    closureRoutes(app, kernel)
    attendanceRoutes(app, kernel)
    noticeRoutes(app, kernel)
    memberRoutes(app, kernel)
    ratingRoutes(app, kernel)
    seriesRoutes(app, kernel)
    approvalRoutes(app, kernel)
    notificationRoutes(app, kernel)
    deadLetterRoutes(app, kernel)
  },
  async verify({ db, clock }) {
    return [...(await findDifferences(db)), ...(await verifyClosures(db, clock.now()))]
  },
  demo: fillDemo,
}
