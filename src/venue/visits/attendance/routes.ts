import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, IdParams, Instant, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { v1 } from '../../../site/paths.ts'
import { presentReservation, ReservationSchema } from '../../core/reservationSchemas.ts'
import { checkIn, checkInCode, checkOut } from './service.ts'

const tag = 'Attendance'
const Code = Type.String({ pattern: '^[0-9]{6}$', examples: ['042137'] })

/** Routes to check in and out, and to read the code that a venue shows at its door. */
export function attendanceRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'POST',
    paths: v1('/reservations/{id}/check-in'),
    permission: 'venue:reservations.book',
    summary: 'Check in',
    description:
      'The owner can check in within the check-in window, with the venue’s code if its rules require one ' +
      '(`too_early`, `too_late`, `wrong_code`). Staff can check in others until the slot ends, even after a no-show ' +
      'was recorded: it is undone and its credit returned, if the place is still free (`slot_full`, `venue_closed`, ' +
      '`own_overlap`).',
    tag,
    schema: {
      params: IdParams,
      body: Nullable(Type.Object({ code: Type.Optional(Code) })),
      response: { 200: ReservationSchema },
    },
    handler: async (request) => {
      const reservation = await checkIn(kernel, callerOf(request), request.params.id, request.body?.code)
      return presentReservation(reservation, zone)
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/reservations/{id}/check-out'),
    permission: 'venue:reservations.book',
    summary: 'Check out',
    description:
      'Completes the visit, records its minutes within the slot and gives the credit of a kept booking. Not before ' +
      'the slot begins (`too_early`).',
    tag,
    schema: { params: IdParams, response: { 200: ReservationSchema } },
    handler: async (request) => {
      const reservation = await checkOut(kernel, callerOf(request), request.params.id)
      return presentReservation(reservation, zone)
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/venues/{venue_id}/check-in-code'),
    permission: 'venue:reservations.manage',
    summary: 'Read the check-in code of a venue',
    description:
      'The code for the screen at the door. It changes every 30 seconds; the previous code is still accepted.',
    tag,
    schema: {
      params: Type.Object({ venue_id: Id }),
      response: { 200: Type.Object({ code: Code, valid_until: Instant }, { title: 'CheckInCode' }) },
    },
    handler: ({ params }) => checkInCode(kernel, params.venue_id),
  })
}
