import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../kernel/http/request/idempotency.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, type Of } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { v1 } from '../../../site/paths.ts'
import { presentReservation, ReservationSchema } from '../../core/reservationSchemas.ts'
import { bookSeries, type Series } from './service.ts'

const Mode = Type.Enum(['all', 'best_effort'])

const SeriesBody = Type.Object({
  time_slot_id: Id,
  weeks: Type.Integer({ minimum: 2, maximum: 26, description: 'Number of weeks, including that of the slot.' }),
  mode: Mode,
  user_id: Type.Optional(Id),
  party_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})

const SeriesAnswer = Type.Object(
  {
    series_id: Type.String(),
    mode: Mode,
    booked: Type.Integer(),
    results: Type.Array(
      Type.Object({
        week: Type.Integer(),
        date: Type.String({ examples: ['2026-03-14'] }),
        time_slot_id: Nullable(Id),
        reservation: Nullable(ReservationSchema),
        code: Nullable(Type.String({ description: 'Reason why the week was not booked.' })),
        message: Nullable(Type.String()),
      }),
    ),
  },
  { title: 'Series' },
)

function presentSeries({ id, booked, results }: Series, mode: Of<typeof Mode>, zone: string): Of<typeof SeriesAnswer> {
  return {
    series_id: id,
    mode,
    booked,
    results: results.map(({ week, date, slotId, reservation, code, message }) => ({
      week,
      date,
      time_slot_id: slotId,
      reservation: reservation && presentReservation(reservation, zone),
      code,
      message,
    })),
  }
}

/** Route of weekly series. */
export function seriesRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: v1('/reservations/recurring'),
    operationId: 'bookSlotWeekly',
    permission: 'venue:reservations.book',
    summary: 'Book the same time in several weeks',
    description:
      'Books the slots of the same venue with the same local weekday and times. Mode `all` books every week or none ' +
      '(`series_refused`, with `results`). Mode `best_effort` books the weeks that are possible; it is refused only ' +
      'if there are none.',
    tag: 'Series',
    idempotent: true,
    schema: { body: SeriesBody, response: { 201: SeriesAnswer } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (inside) => {
        const { time_slot_id: slotId, user_id: userId, party_size: partySize = 1, weeks, mode } = request.body
        const series = await bookSeries(inside, callerOf(request), { slotId, userId, partySize, weeks, mode })
        return presentSeries(series, mode, kernel.config.timeZone)
      }),
  })
}
