import type { App } from '../../kernel/http/app.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Live } from '../../kernel/product.ts'
import { appointmentRoutes } from './appointments/routes.ts'
import { appointmentVisitRoutes } from './appointments/visitRoutes.ts'
import { attendanceRoutes } from './attendance/routes.ts'
import { workbenchRoutes } from './attendance/workbenchRoutes.ts'
import { calendarFeedRoutes } from './calendarFeed/routes.ts'
import { deskRoutes } from './desk/routes.ts'
import { passLimitRoutes } from './passes/routes.ts'
import { paymentRoutes } from './payments/routes.ts'
import { displayRoutes } from './queue/displayRoutes.ts'
import { liveQueueRoutes } from './queue/live.ts'
import { queueRoutes } from './queue/routes.ts'
import { recordRoutes } from './records/routes.ts'
import { reminderRoutes } from './reminders/routes.ts'
import { waitingListRoutes } from './waitingList/routes.ts'

/** Routes of orders and visits. */
export function visitRoutes(app: App, kernel: Kernel, live: Live): void {
  appointmentRoutes(app, kernel)
  appointmentVisitRoutes(app, kernel)
  waitingListRoutes(app, kernel)
  queueRoutes(app, kernel)
  displayRoutes(app, kernel)
  liveQueueRoutes(app, kernel, live)
  deskRoutes(app, kernel)
  paymentRoutes(app, kernel)
  workbenchRoutes(app, kernel)
  attendanceRoutes(app, kernel)
  recordRoutes(app, kernel)
  passLimitRoutes(app, kernel)
  calendarFeedRoutes(app, kernel)
  reminderRoutes(app, kernel)
}
