import type { Database } from '../../../kernel/database/database.ts'
import { exists } from '../../core/conditionsStore.ts'

/** A participant of a booking; `id` is the id of the participation. */
export interface BookingPerson {
  readonly id: number
  readonly bookingId: number
  readonly userId: number
  readonly userName: string
  readonly nickName: string
  /** `1` for the applicant. */
  readonly isApplicant: '0' | '1'
}

/** The participants of a booking, the applicant first. */
export async function peopleOf(db: Database, bookingId: number): Promise<readonly BookingPerson[]> {
  return db
    .selectFrom('tb_facility_booking_user as j')
    .innerJoin('users as u', 'u.id', 'j.user_id')
    .select(['j.id', 'j.booking_id as bookingId', 'u.id as userId', 'u.username as userName'])
    .select(['u.display_name as nickName', 'j.is_applicant as isApplicant'])
    .where('j.booking_id', '=', bookingId)
    .where(exists('j'))
    .orderBy('j.is_applicant', 'desc')
    .orderBy('u.id')
    .execute()
}
