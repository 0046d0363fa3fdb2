import { Type } from 'typebox'
import { withRetries } from '../../../kernel/database/transaction.ts'
import { cellsOf, inBatches } from '../../../kernel/exports/rows.ts'
import { type ExportSource, exportSource } from '../../../kernel/exports/sources.ts'
import { dayBounds } from '../../../kernel/time.ts'
import { allReservationFilters } from '../../core/reservationSchemas.ts'
import type { VenuePermission } from '../../permissions.ts'
import { countReservations, type ReservationRecord, reservationsAfter } from './store.ts'

const manage: VenuePermission = 'venue:reservations.manage'

const RESERVATION_COLUMNS = [
  'id',
  'user_id',
  'username',
  'display_name',
  'department',
  'venue_id',
  'venue_name',
  'sport_venue_name',
  'time_slot_id',
  'start_at',
  'end_at',
  'party_size',
  'status',
  'points_paid',
  'checked_in_at',
  'checked_out_at',
  'actual_minutes',
  'end_reason',
  'created_at',
] as const satisfies readonly (keyof ReservationRecord)[]

/** Export source of all reservations, in order of their ids. */
export const reservations = exportSource({
  what: 'reservations',
  resource: 'reservation',
  name: '预约记录',
  permission: manage,
  columns: RESERVATION_COLUMNS,
  filters: Type.Object(allReservationFilters),
  open({ reads, config }, { user_id: userId, status, venue_id: venueId, start_date: start, end_date: end, q }) {
    const zone = config.timeZone
    const filter = {
      ...(userId !== undefined && { userId }),
      ...(status !== undefined && { status }),
      ...(venueId !== undefined && { venueId }),
      ...(start !== undefined && { from: dayBounds(start, zone).start }),
      ...(end !== undefined && { to: dayBounds(end, zone).end }),
      ...(q !== undefined && { text: q }),
    }
    const records = inBatches<ReservationRecord>((after, limit) =>
      withRetries(reads, (db) => reservationsAfter(db, filter, after, limit)),
    )
    return {
      rows: cellsOf(records, (one) => RESERVATION_COLUMNS.map((column) => one[column])),
      count: (most) => withRetries(reads, (db) => countReservations(db, filter, most)),
    }
  },
})

/** Export sources of the venue product. */
export const exportSources: readonly ExportSource[] = [reservations]
