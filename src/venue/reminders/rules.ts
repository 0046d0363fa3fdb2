import { minutesAfter } from '../../booking/interval.ts'
import { addDays, instantAt, localDate } from '../../kernel/time.ts'

/** When people are reminded: a local time of the day before, and minutes before the start. */
export interface ReminderTimes {
  readonly dayBeforeAt: string
  readonly minutesBefore: number
}

export type ReminderKind = 'day' | 'hour'

/** When a reminder is due; who booked, moved or was approved later than this gets none. */
function dueAt(kind: ReminderKind, startAt: Date, times: ReminderTimes, zone: string): Date {
  return kind === 'hour'
    ? minutesAfter(startAt, -times.minutesBefore)
    : instantAt(addDays(localDate(startAt, zone), -1), times.dayBeforeAt, zone)
}

/**
 * Is a reminder to be sent now? `toldAt`: when the reservation was made or last changed, which its person was told of. The reminder of the
 * day before is left out once that of the hour is due. The statement of store.ts says the same; a test holds the two equal.
 */
export function isDue(
  kind: ReminderKind,
  reservation: { readonly startAt: Date; readonly toldAt: Date },
  times: ReminderTimes,
  zone: string,
  now: Date,
): boolean {
  const due = dueAt(kind, reservation.startAt, times, zone)
  if (now < due || reservation.toldAt > due || now >= reservation.startAt) return false
  return kind === 'hour' || now < dueAt('hour', reservation.startAt, times, zone)
}
