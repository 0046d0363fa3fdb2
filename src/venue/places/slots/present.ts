import { Type } from 'typebox'
import { Id, Instant, LocalDate, type Of } from '../../../kernel/http/schemas.ts'
import { addDays, localDate, localTime, localTimestamp } from '../../../kernel/time.ts'
import { slotStatus } from './rules.ts'
import type { Slot } from './store.ts'

export const SlotStatusName = Type.Enum(['open', 'full', 'closed', 'past'])

export const slotFields = {
  id: Id,
  venue_id: Id,
  date: LocalDate,
  start_time: Type.String({ examples: ['10:00'] }),
  end_time: Type.String({ description: 'Local time; 24:00 at the end of the day.', examples: ['12:00'] }),
  start_at: Instant,
  end_at: Instant,
  capacity: Type.Integer(),
  taken: Type.Integer({ description: 'Places that are booked.' }),
  held: Type.Integer({ description: 'Places held for people on the waiting list.' }),
  available: Type.Integer({ description: 'Places that can be booked now; none when the slot is closed or past.' }),
  status: SlotStatusName,
}

export const SlotSchema = Type.Object(slotFields, { title: 'Slot' })

/** Converts a slot to its form in answers: local date and times, and instants with the offset of the zone. */
export function presentSlot(slot: Slot, now: Date, zone: string): Of<typeof SlotSchema> {
  const { id, venueId, startAt, endAt, capacity, taken, held } = slot
  const status = slotStatus(slot, now)
  const date = localDate(startAt, zone)
  const endTime = localTime(endAt, zone)
  const endsAtMidnight = endTime === '00:00' && localDate(endAt, zone) === addDays(date, 1)
  return {
    id,
    venue_id: venueId,
    date,
    start_time: localTime(startAt, zone),
    end_time: endsAtMidnight ? '24:00' : endTime,
    start_at: localTimestamp(startAt, zone),
    end_at: localTimestamp(endAt, zone),
    capacity,
    taken,
    held,
    available: status === 'open' ? capacity - taken - held : 0,
    status,
  }
}
