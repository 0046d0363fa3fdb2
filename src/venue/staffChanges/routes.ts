import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { Id, IdParams, Text } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { presentReservation, ReservationSchema } from '../core/reservationSchemas.ts'
import { changeReservation, STATUSES } from './service.ts'

/** Route for staff to change any reservation. */
export function staffChangeRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'PUT',
    paths: ['/api/admin/reservations/{id}'],
    operationId: 'updateAnyReservation',
    permission: 'venue:reservations.manage',
    summary: 'Change any reservation: its slot or its state',
    description:
      'The same rules, notifications and refusals as the separate operations for moving, deciding, cancelling ' +
      'and attendance.',
    tag: 'Reservations',
    schema: {
      params: IdParams,
      body: Type.Object({
        time_slot_id: Type.Optional(Id),
        status: Type.Optional(Type.Enum([...STATUSES])),
        reason: Type.Optional(Text(200)),
      }),
      response: { 200: ReservationSchema },
    },
    handler: async (request) =>
      presentReservation(
        await changeReservation(kernel, callerOf(request), request.params.id, request.body),
        kernel.config.timeZone,
      ),
  })
}
