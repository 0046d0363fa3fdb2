import type { App } from '../kernel/http/app.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Live } from '../kernel/product.ts'
import { userRoutes } from './accounts/routes.ts'
import { audienceRoutes } from './audiences/routes.ts'
import { clockRoutes } from './development/clockRoutes.ts'
import { exportFileRoutes } from './exports/fileRoutes.ts'
import { exportJobRoutes, exportRoutes } from './exports/routes.ts'
import { fileRoutes } from './files/routes.ts'
import { deadLetterRoutes } from './jobs/routes.ts'
import { notificationControlRoutes } from './notifications/controlRoutes.ts'
import { notificationHistoryRoutes } from './notifications/historyRoutes.ts'
import { linkRoutes } from './notifications/linkRoutes.ts'
import { preferenceRoutes } from './notifications/preferenceRoutes.ts'
import { receiptRoutes } from './notifications/receiptRoutes.ts'
import { notificationRoutes } from './notifications/routes.ts'
import { notificationSendRoutes } from './notifications/sendRoutes.ts'
import { notificationTypeRoutes } from './notifications/typeRoutes.ts'
import { dataExportRoutes } from './privacy/fileRoutes.ts'
import { privacyRoutes } from './privacy/routes.ts'
import { identityRoutes } from './setUp/routes.ts'

/** Routes of every installation, whatever products are switched on. */
export function siteRoutes(app: App, kernel: Kernel, live: Pick<Live, 'catchUp'>): void {
  identityRoutes(app, kernel)
  userRoutes(app, kernel)
  privacyRoutes(app, kernel)
  dataExportRoutes(app, kernel)
  fileRoutes(app, kernel)
  exportRoutes(app, kernel)
  exportJobRoutes(app, kernel)
  exportFileRoutes(app, kernel)
  notificationRoutes(app, kernel)
  preferenceRoutes(app, kernel)
  notificationTypeRoutes(app, kernel)
  notificationControlRoutes(app, kernel)
  notificationHistoryRoutes(app, kernel)
  audienceRoutes(app, kernel)
  notificationSendRoutes(app, kernel)
  linkRoutes(app, kernel)
  receiptRoutes(app, kernel)
  deadLetterRoutes(app, kernel)
  clockRoutes(app, kernel, live.catchUp)
}
