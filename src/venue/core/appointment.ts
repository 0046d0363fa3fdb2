import { localDate, localTime } from '../../kernel/time.ts'

/** Place and time as notification templates show them. */
export interface Appointment extends Readonly<Record<string, unknown>> {
  readonly venue_id: number
  readonly venue_name: string
  readonly date: string
  readonly start_time: string
  readonly end_time: string
}

/** Data for notification templates about a slot or reservation: local date and times. */
export function appointment(
  at: { readonly venueId: number; readonly venueName: string; readonly startAt: Date; readonly endAt: Date },
  zone: string,
): Appointment {
  return {
    venue_id: at.venueId,
    venue_name: at.venueName,
    date: localDate(at.startAt, zone),
    start_time: localTime(at.startAt, zone),
    end_time: localTime(at.endAt, zone),
  }
}
