export type SyncType = 'members' | 'consumption_records'
export const SYNC_TYPES: readonly SyncType[] = ['members', 'consumption_records']

/** What the PMS says about a guest. Id numbers are in the form in which they are compared. */
export interface Guest {
  /** The PMS's own number of the guest. */
  readonly id: string | null
  readonly first_name: string | null
  readonly last_name: string | null
  readonly gender: 'male' | 'female' | 'other' | null
  readonly birthday: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly id_number: string | null
}

/** A consumption record of the PMS. */
export interface Order {
  readonly order_number: string
  readonly room_type: string | null
  /** With two decimals at most. */
  readonly amount: string
  readonly check_in_date: string | null
  readonly check_out_date: string | null
  readonly nights: number | null
  /** ISO 8601 in UTC; null: the PMS does not say. */
  readonly created_at: string | null
}

export interface PmsRow {
  readonly guest: Guest
  readonly order: Order | null
}
