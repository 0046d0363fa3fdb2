import { Type } from 'typebox'
import { Id, LocalDate, type Of, Text } from '../../kernel/http/schemas.ts'
import { localDate, localTime, localTimestamp } from '../../kernel/time.ts'
import type { Reservation as StoredReservation } from './reservationsStore.ts'
import { RESERVATION_STATES } from './states.ts'

const LocalInstant = Type.String({ format: 'date-time', examples: ['2026-03-14T09:00:00+08:00'] })

const ReservationStatusSchema = Type.Enum([...RESERVATION_STATES])

/** Filters of lists of the caller's own reservations. */
export const reservationFilters = {
  status: Type.Optional(ReservationStatusSchema),
  venue_id: Type.Optional(Id),
  start_date: Type.Optional(LocalDate),
  end_date: Type.Optional(LocalDate),
}
export const FOUND_IN_VENUE = 'Found in the name of the venue'
/** Filters of lists and exports of all reservations. */
export const allReservationFilters = {
  ...reservationFilters,
  user_id: Type.Optional(Id),
  q: Type.Optional(Text(100, { description: `${FOUND_IN_VENUE}, or the name or username of the person.` })),
}

/**
 * A reservation in answers. Instants carry the offset of the local zone; `date`, `start_time` and `end_time` are local.
 */
export const ReservationSchema = Type.Object(
  {
    id: Id,
    user_id: Id,
    time_slot_id: Id,
    venue_id: Id,
    venue_name: Type.String(),
    date: Type.String({ examples: ['2026-03-14'] }),
    start_time: Type.String({ examples: ['09:00'] }),
    end_time: Type.String({ examples: ['10:00'] }),
    start_at: LocalInstant,
    end_at: LocalInstant,
    party_size: Type.Integer(),
    status: ReservationStatusSchema,
    points_paid: Type.Integer(),
    series_id: Type.Union([Type.String(), Type.Null()]),
    checked_in_at: Type.Union([LocalInstant, Type.Null()]),
    checked_out_at: Type.Union([LocalInstant, Type.Null()]),
    actual_minutes: Type.Union([Type.Integer(), Type.Null()]),
    end_reason: Type.Union([Type.String(), Type.Null()]),
    rebook_until: Type.Union([LocalInstant, Type.Null()]),
    rebooked_as: Type.Union([Id, Type.Null()]),
    created_at: LocalInstant,
    updated_at: LocalInstant,
  },
  { title: 'Reservation' },
)

/** Converts a reservation to its form in answers. */
export function presentReservation(reservation: StoredReservation, zone: string): Of<typeof ReservationSchema> {
  const at = (instant: Date | null) => (instant ? localTimestamp(instant, zone) : null)
  return {
    id: reservation.id,
    user_id: reservation.userId,
    time_slot_id: reservation.slotId,
    venue_id: reservation.venueId,
    venue_name: reservation.venueName,
    date: localDate(reservation.startAt, zone),
    start_time: localTime(reservation.startAt, zone),
    end_time: localTime(reservation.endAt, zone),
    start_at: localTimestamp(reservation.startAt, zone),
    end_at: localTimestamp(reservation.endAt, zone),
    party_size: reservation.partySize,
    status: reservation.status,
    points_paid: reservation.pointsPaid,
    series_id: reservation.seriesId,
    checked_in_at: at(reservation.checkedInAt),
    checked_out_at: at(reservation.checkedOutAt),
    actual_minutes: reservation.actualMinutes,
    end_reason: reservation.endReason,
    rebook_until: at(reservation.rebookUntil),
    rebooked_as: reservation.rebookedAs,
    created_at: localTimestamp(reservation.createdAt, zone),
    updated_at: localTimestamp(reservation.updatedAt, zone),
  }
}
