import type { App } from '../../../kernel/http/app.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { exportRoute } from '../../../site/exports/exportRoute.ts'
import { reservations } from './sources.ts'

/** Route that exports the administrators' list of reservations as a file. */
export function exportRoutes(app: App, kernel: Kernel): void {
  exportRoute(app, kernel, reservations, {
    paths: ['/api/admin/reservations/export'],
    summary: 'Export reservations',
    order: 'In order of their ids.',
    tag: 'Reservations',
  })
}
