/** The requests of clients and the changes in the database, which `findFaults` compares. Times are ms since 1970. */

/** The action that a request asks for. */
export type Action =
  | 'book'
  | 'cancel'
  | 'join'
  | 'leave'
  | 'claim'
  | 'close'
  | 'open'
  | 'room.book'
  | 'room.cancel'
  | 'room.approve'
  | 'room.reject'
  | 'broadcast'
  | ClinicAction

/** The actions of the clinic, which `test/proof/clinic` checks. */
export type ClinicAction =
  | 'clinic.register'
  | 'clinic.join'
  | 'clinic.leave'
  | 'clinic.pay'
  | 'clinic.cancel'
  | 'clinic.move'
  | 'clinic.walk_in'
  | 'clinic.confirm'
  | 'clinic.refund'
  | 'clinic.check_in'
  | 'clinic.call'
  | 'clinic.complete'
  | 'clinic.pass'
  | 'clinic.add'
  | 'clinic.total'
  | 'clinic.stop'
  | 'clinic.open'

/** A request as its sender knows it. It may take effect only once, even if it was repeated. */
export interface Request {
  readonly action: Action
  /** The person who sent it. */
  readonly by: number
  /** A slot or room to book, a slot to wait for, a reservation, entry, booking or venue, or a broadcast's number. */
  readonly target: number
  /** The slot of a claim; the patient of a registration; the schedule to which an order is moved. */
  readonly place?: number
  readonly sentAt: number
  /** Time of the last answer; undefined without one. */
  readonly answeredAt?: number | undefined
  /** `unknown`: no answer, or an unclear one. The action may have happened completely or not at all. */
  readonly outcome: 'done' | 'refused' | 'unknown'
  /** The id of the object that an acknowledged booking, claim or joining created. */
  readonly made?: number | undefined
}

/** A reservation or a waiting-list entry of the venue product, or a booking of the room product. */
export type Thing = 'reservation' | 'entry' | 'booking'

/** A committed state. `n` follows the order of writing, which can differ from the order of commits. */
export interface Change {
  readonly n: number
  readonly transaction: number
  readonly thing: Thing
  readonly id: number
  /** The slot or the room. */
  readonly place: number
  readonly owner: number
  /** Null for a new object. */
  readonly from: string | null
  readonly to: string
  /** Number of places in the slot. */
  readonly places: number
  readonly start: number
  readonly end: number
  readonly at: number
}

/** The contents of the tables after all work has been done. */
export interface Stored {
  readonly changes: readonly Change[]
  readonly things: readonly { readonly thing: Thing; readonly id: number; readonly status: string }[]
  /** Places taken or held by the rows of slots, in commit order; the last count of a transaction is valid. */
  readonly counts: readonly { readonly transaction: number; readonly slot: number; readonly taken: number }[]
  readonly slots: readonly { readonly id: number; readonly venue: number; readonly capacity: number }[]
  /** The participants of room bookings. */
  readonly participants: readonly { readonly booking: number; readonly person: number }[]
  /** The numbers of entries in the operation log. */
  readonly operations: readonly { readonly action: string; readonly id: number; readonly count: number }[]
  /** The numbers of messages in the inboxes. `about` is the reservation, entry, booking or broadcast. */
  readonly messages: readonly {
    readonly person: number
    readonly type: string
    readonly about: number
    readonly count: number
  }[]
  /** The people who receive broadcasts. */
  readonly everybody: readonly number[]
}

/** A broken promise. */
export interface Fault {
  readonly kind:
    | 'lost'
    | 'invented'
    | 'twice'
    | 'impossible'
    | 'half'
    | 'overfull'
    | 'overlap'
    | 'closed'
    | 'untold'
    | 'told twice'
    | 'told of nothing'
  readonly text: string
}

/** A state change that this traffic can cause. */
interface Move {
  readonly thing: Thing
  readonly from: string | null
  readonly to: string
  /** The actions that cause it; none if time or another change causes it. */
  readonly by: readonly Action[]
  /** The message to its people; none if they need not be notified. */
  readonly told?: string
  /** The action in the operation log. */
  readonly logged?: string
}

/** Written from docs/venue.md and docs/room.md, independently of the program's own tables. */
export const MOVES: readonly Move[] = [
  {
    thing: 'reservation',
    from: null,
    to: 'confirmed',
    by: ['book', 'claim'],
    told: 'reservation.confirmed',
    logged: 'reservation.book',
  },
  {
    thing: 'reservation',
    from: 'confirmed',
    to: 'cancelled',
    by: ['cancel'],
    told: 'reservation.cancelled',
    logged: 'reservation.cancel',
  },
  {
    thing: 'reservation',
    from: 'confirmed',
    to: 'displaced',
    by: ['close'],
    told: 'reservation.closed',
    logged: 'reservation.displace',
  },
  { thing: 'entry', from: null, to: 'waiting', by: ['join'], logged: 'waiting_list.join' },
  { thing: 'entry', from: 'waiting', to: 'offered', by: [], told: 'waiting_list.offered' },
  { thing: 'entry', from: 'waiting', to: 'booked', by: ['book'] },
  { thing: 'entry', from: 'offered', to: 'booked', by: ['claim', 'book'] },
  { thing: 'entry', from: 'offered', to: 'lapsed', by: [], told: 'waiting_list.lapsed' },
  { thing: 'entry', from: 'waiting', to: 'left', by: ['leave'], logged: 'waiting_list.leave' },
  { thing: 'entry', from: 'offered', to: 'left', by: ['leave'], logged: 'waiting_list.leave' },
  { thing: 'entry', from: 'waiting', to: 'expired', by: ['close'] },
  { thing: 'entry', from: 'offered', to: 'expired', by: ['close'] },
  {
    thing: 'booking',
    from: null,
    to: '0',
    by: ['room.book'],
    told: 'room.booking.pending',
    logged: 'room.booking.add',
  },
  {
    thing: 'booking',
    from: '0',
    to: '1',
    by: ['room.approve'],
    told: 'room.booking.approved',
    logged: 'room.booking.approve',
  },
  {
    thing: 'booking',
    from: '0',
    to: '2',
    by: ['room.reject'],
    told: 'room.booking.rejected',
    logged: 'room.booking.reject',
  },
  ...['0', '1'].map(
    (from): Move => ({
      thing: 'booking',
      from,
      to: '3',
      by: ['room.cancel'],
      told: 'room.booking.cancelled',
      logged: 'room.booking.cancel',
    }),
  ),
]

/** States that keep places of a slot, or a room. */
export const HOLDING: Readonly<Record<Thing, ReadonlySet<string>>> = {
  reservation: new Set(['confirmed']),
  entry: new Set(['offered']),
  booking: new Set(['0', '1']),
}

/** The message type of broadcasts. */
export const BROADCAST = 'notice.direct'
