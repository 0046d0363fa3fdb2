import { Type } from 'typebox'
import type { App } from '../../../../kernel/http/app.ts'
import { route } from '../../../../kernel/http/route.ts'
import { Id, Instant, LocalDate, Nullable, type Of } from '../../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../../kernel/kernel.ts'
import { localTimestamp } from '../../../../kernel/time.ts'
import { v1 } from '../../../../site/paths.ts'
import { RESERVATION_STATES } from '../../../core/states.ts'
import { presentSlot, slotFields } from '../present.ts'
import { type Calendar, readCalendar } from './service.ts'

const CalendarSchema = Type.Object(
  {
    venue_id: Id,
    start_date: LocalDate,
    end_date: LocalDate,
    days: Type.Array(
      Type.Object({
        date: LocalDate,
        open: Type.Array(Type.Object({ opens: Type.String(), closes: Type.String() })),
        closures: Type.Array(
          Type.Object({
            kind: Type.Enum(['closed', 'maintenance']),
            start_at: Instant,
            end_at: Nullable(Instant),
            reason: Nullable(Type.String()),
          }),
        ),
        slots: Type.Array(
          Type.Object({
            ...slotFields,
            mine: Nullable(
              Type.Object(
                { reservation_id: Id, status: Type.Enum([...RESERVATION_STATES]) },
                { description: 'The reader’s own reservation.' },
              ),
            ),
          }),
        ),
      }),
    ),
  },
  { title: 'Calendar' },
)

function present(
  venueId: number,
  { startDate, endDate, days }: Calendar,
  now: Date,
  zone: string,
): Of<typeof CalendarSchema> {
  return {
    venue_id: venueId,
    start_date: startDate,
    end_date: endDate,
    days: days.map(({ date, open, closures, slots }) => ({
      date,
      open: [...open],
      closures: closures.map(({ kind, startAt, endAt, reason }) => ({
        kind,
        start_at: localTimestamp(startAt, zone),
        end_at: endAt && localTimestamp(endAt, zone),
        reason,
      })),
      slots: slots.map((slot) => ({
        ...presentSlot(slot, now, zone),
        mine:
          slot.reservationId === null || slot.reservationStatus === null
            ? null
            : { reservation_id: slot.reservationId, status: slot.reservationStatus },
      })),
    })),
  }
}

/** Route of the calendar of a venue. */
export function calendarRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/venues/{venue_id}/calendar'),
    permission: 'public',
    summary: 'Read the calendar of a venue',
    description:
      'Opening times, closures and slots by day; at most 92 days; this week (Monday to Sunday) by default. It shows ' +
      'signed-in people their own reservations.',
    tag: 'Time slots',
    schema: {
      params: Type.Object({ venue_id: Id }),
      querystring: Type.Object({ start_date: Type.Optional(LocalDate), end_date: Type.Optional(LocalDate) }),
      response: { 200: CalendarSchema },
    },
    handler: async ({ params, query, actor }) => {
      const span = { startDate: query.start_date, endDate: query.end_date }
      const calendar = await readCalendar(kernel, params.venue_id, span, actor?.userId ?? null)
      return present(params.venue_id, calendar, kernel.clock.now(), kernel.config.timeZone)
    },
  })
}
