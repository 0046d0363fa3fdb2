/** A committed change of an order. `n` follows the order of writing; changes of one schedule are made under its lock. */
export interface OrderChange {
  readonly n: number
  readonly transaction: number
  readonly order: number
  readonly patient: number
  /** The user who registered. */
  readonly initiator: number
  readonly schedule: number
  /** The schedule before; another one if the order was moved. Null for a new order. */
  readonly oldSchedule: number | null
  /** Null for a new order. */
  readonly from: string | null
  readonly to: string
  /** The numbers before and after. */
  readonly oldNumber: number | null
  readonly number: number | null
  /** Whether the change called the patient. */
  readonly called: boolean
  /** Whether the change passed the patient. */
  readonly passed: boolean
  /** The user who ended the order; null for the system. */
  readonly endedBy: number | null
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The contents of the tables after all work has been done. */
export interface StoredOrders {
  readonly changes: readonly OrderChange[]
  readonly orders: readonly {
    readonly id: number
    readonly patient: number
    readonly schedule: number
    readonly dept: number
    readonly date: string
    readonly status: string
    readonly source: string
    readonly price: number
    readonly paid: number
    readonly refunded: number
    /** The sums of the ledger. */
    readonly charged: number
    readonly returned: number
    readonly isCheckedIn: boolean
  }[]
  /** Numbers given out by the rows of schedules, and their totals; the last one of a transaction is valid. */
  readonly counts: readonly {
    readonly transaction: number
    readonly schedule: number
    readonly sold: number
    readonly total: number
  }[]
  /** The accounts of patients. */
  readonly patients: readonly { readonly id: number; readonly user: number | null }[]
  /** The numbers of messages in the inboxes about orders. */
  readonly messages: readonly {
    readonly person: number
    readonly type: string
    readonly order: number
    readonly count: number
  }[]
  /** The people who stop schedules. */
  readonly stoppers: readonly number[]
}

/** A broken promise. */
export interface ClinicFault {
  readonly kind:
    | 'lost'
    | 'invented'
    | 'impossible'
    | 'half'
    | 'oversold'
    | 'sold twice'
    | 'passed over'
    | 'limit'
    | 'money'
    | 'untold'
    | 'told twice'
    | 'told of nothing'
  readonly text: string
}

/** States in which an order has a number. */
export const HOLDING: ReadonlySet<string> = new Set(['pending', 'confirmed', 'completed', 'no_show'])

/** Moves between states. Written from docs/clinic.md, independently of the program's own table. */
export const MOVES: ReadonlySet<string> = new Set([
  ...['null pending', 'null confirmed', 'null waitlist'],
  ...['waitlist pending', 'waitlist confirmed', 'waitlist cancelled'],
  ...['pending confirmed', 'pending cancelled', 'pending timeout'],
  ...['confirmed completed', 'confirmed no_show', 'confirmed cancelled'],
])
