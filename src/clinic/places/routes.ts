import type { App } from '../../kernel/http/app.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { addSlotRoutes } from './addSlots/routes.ts'
import { areaRoutes } from './areas/routes.ts'
import { clinicRoutes } from './clinics/routes.ts'
import { configurationRoutes } from './configuration/routes.ts'
import { departmentRoutes } from './departments/routes.ts'
import { doctorRoutes } from './doctors/routes.ts'
import { leaveRoutes } from './leaves/routes.ts'
import { priceRoutes } from './prices/routes.ts'
import { scheduleAuditRoutes } from './scheduleAudits/routes.ts'
import { scheduleRoutes } from './schedules/routes.ts'

/** Routes of the hospital's places, prices and rules. */
export function placeRoutes(app: App, kernel: Kernel): void {
  areaRoutes(app, kernel)
  departmentRoutes(app, kernel)
  clinicRoutes(app, kernel)
  doctorRoutes(app, kernel)
  priceRoutes(app, kernel)
  configurationRoutes(app, kernel)
  scheduleRoutes(app, kernel)
  scheduleAuditRoutes(app, kernel)
  leaveRoutes(app, kernel)
  addSlotRoutes(app, kernel)
}
