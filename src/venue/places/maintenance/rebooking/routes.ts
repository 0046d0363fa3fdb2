import { Type } from 'typebox'
import type { App } from '../../../../kernel/http/app.ts'
import { callerOf } from '../../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../../kernel/http/request/idempotency.ts'
import { route } from '../../../../kernel/http/route.ts'
import { Id, IdParams, Instant, Nullable } from '../../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../../kernel/kernel.ts'
import { localTimestamp } from '../../../../kernel/time.ts'
import { v1 } from '../../../../site/paths.ts'
import { presentReservation, ReservationSchema } from '../../../core/reservationSchemas.ts'
import { AlternativeSchema, presentAlternative } from '../schemas.ts'
import { alternativesOf, rebook } from './service.ts'

const tag = 'Reservations'
const own = 'venue:reservations.book'

/** Routes to book a displaced reservation again. */
export function rebookingRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: [...v1('/reservations/{id}/alternatives'), ...v1('/reservations/{id}/rebook')],
    permission: own,
    summary: 'List slots to book instead of a reservation',
    description:
      'Open slots with room for the same party that don’t overlap the person’s other reservations: first those of ' +
      'the same venue within 14 days, the nearest first, then those of sibling venues at the same time. At most 20; ' +
      'nothing is held. Messages about displaced reservations link to this page (`…/rebook`).',
    tag,
    schema: {
      params: IdParams,
      response: {
        200: Type.Object({
          reservation_id: Id,
          rebook_until: Nullable(Instant),
          rebooked_as: Nullable(Id),
          items: Type.Array(AlternativeSchema),
        }),
      },
    },
    handler: async (request) => {
      const { reservation, alternatives } = await alternativesOf(kernel, callerOf(request), request.params.id)
      return {
        reservation_id: reservation.id,
        rebook_until: reservation.rebookUntil && localTimestamp(reservation.rebookUntil, zone),
        rebooked_as: reservation.rebookedAs,
        items: alternatives.map((slot) => presentAlternative(slot, zone)),
      }
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/reservations/{id}/rebook'),
    permission: own,
    summary: 'Book a displaced reservation again',
    description:
      'Possible once, until `rebook_until`, for the same number of people. It never costs more points than the ' +
      'reservation did, and may be further ahead than `advance_booking_days`. Taking the same slot from its waiting ' +
      'list counts as booking again. Refused with `bad_state`, `already_rebooked`, `too_late_to_rebook`, and for ' +
      'the same reasons as a booking.',
    tag,
    idempotent: true,
    schema: { params: IdParams, body: Type.Object({ time_slot_id: Id }), response: { 201: ReservationSchema } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) =>
        presentReservation(await rebook(kernel, callerOf(request), request.params.id, request.body.time_slot_id), zone),
      ),
  })
}
