import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../kernel/http/request/idempotency.ts'
import { route } from '../../../kernel/http/route.ts'
import { LocalDate, Nullable, type Of } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, data } from '../../contract.ts'
import { BookingBody, requestOf } from '../../core/bookingSchemas.ts'
import { BOOKING_STATES } from '../../core/states.ts'
import { Id, PORTAL } from '../../fields.ts'
import { FEWEST_WEEKS, MOST_WEEKS } from './rules.ts'
import { bookSeries, cancelSeries } from './service.ts'

const tag = 'Room portal'

const SeriesBody = Type.Object({
  ...BookingBody.properties,
  weeks: Type.Optional(
    Nullable(
      Type.Integer({
        minimum: FEWEST_WEEKS,
        maximum: MOST_WEEKS,
        description: 'Number of weeks, including the given one.',
      }),
    ),
  ),
  until: Type.Optional(Nullable(LocalDate)),
  mode: Type.Optional(Nullable(Type.Enum(['all', 'best_effort']))),
})

const SeriesAnswer = Data(
  Type.Object({
    seriesId: Type.String(),
    booked: Type.Array(
      Type.Object({
        id: Id,
        date: LocalDate,
        status: Type.Enum([...BOOKING_STATES]),
        doubleBooked: Type.Array(Type.String()),
      }),
    ),
    failed: Type.Array(Type.Object({ date: LocalDate, msg: Type.String() })),
  }),
)

/** Routes for weekly series. */
export function recurringRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  function seriesOf({ weeks, until, mode, ...first }: Of<typeof SeriesBody>) {
    return { first: requestOf(first, zone), weeks: weeks ?? null, until: until ?? null, mode: mode ?? 'all' }
  }

  route(app, {
    method: 'POST',
    paths: [`${PORTAL}/booking/recurring`],
    operationId: 'bookRoomWeekly',
    permission: 'signed-in',
    summary: 'Book the same time in several weeks',
    description:
      'Give `weeks`, the number of weeks, or `until`, the last day. Mode `all` (the default) books every week or ' +
      'none; if it fails, `msg` names the dates that can’t be booked. `best_effort` books the weeks that can be ' +
      'booked and fails only if there is none. Each week follows the rules of a booking: weeks beyond the days that ' +
      'can be booked ahead (`advanceDays`) fail.',
    tag,
    idempotent: true,
    schema: { body: SeriesBody, response: { 200: SeriesAnswer } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) => {
        const { seriesId, booked, failed } = await bookSeries(kernel, callerOf(request), seriesOf(request.body))
        return data({ seriesId, booked: [...booked], failed: [...failed] })
      }),
  })
  route(app, {
    method: 'DELETE',
    paths: [`${PORTAL}/booking/series/{seriesId}`],
    operationId: 'cancelSeries',
    permission: 'signed-in',
    summary: 'Cancel the future bookings of a series',
    description: 'For the applicant. Bookings that have begun stay.',
    tag,
    schema: {
      params: Type.Object({ seriesId: Type.String({ format: 'uuid' }) }),
      response: { 200: Data(Type.Object({ cancelled: Type.Array(Id) })) },
    },
    handler: async (request) =>
      data({ cancelled: [...(await cancelSeries(kernel, callerOf(request), request.params.seriesId))] }),
  })
}
