/** What clients asked for, and what the database saw: all that `findFaults` compares. Times are milliseconds since 1970. */

/** What somebody asked for. */
export type Wish =
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

/** A request as its sender knows it. However often it was repeated, it may happen once. */
export interface Request {
  readonly wish: Wish
  /** Who asked. */
  readonly by: number
  /** What for: a slot or room to book, a slot to wait for; or the reservation, entry, booking or venue it is about. A broadcast: a number of its own. */
  readonly target: number
  /** A claim: the slot. */
  readonly place?: number
  readonly sentAt: number
  /** When the last answer came; undefined while none did. */
  readonly answeredAt?: number | undefined
  /** `unknown`: no answer, or one that says that nobody knows. It may have happened, as a whole. */
  readonly outcome: 'done' | 'refused' | 'unknown'
  /** What an acknowledged booking, claim or joining made. */
  readonly made?: number | undefined
}

/** A reservation or a waiting-list entry of venue, a booking of room. */
export type Thing = 'reservation' | 'entry' | 'booking'

/** A state that was committed. `n` is in the order of writing, which across two transactions need not be that of their commits. */
export interface Change {
  readonly n: number
  readonly transaction: number
  readonly thing: Thing
  readonly id: number
  /** The slot or the room. */
  readonly place: number
  readonly owner: number
  /** Null: it was made. */
  readonly from: string | null
  readonly to: string
  /** Places of a slot. */
  readonly places: number
  readonly start: number
  readonly end: number
  readonly at: number
}

/** What stands in the tables when all is quiet. */
export interface Stored {
  readonly changes: readonly Change[]
  readonly things: readonly { readonly thing: Thing; readonly id: number; readonly status: string }[]
  /** What the rows of slots counted as taken or held, in the order of their commits; where a transaction counted again, its last holds. */
  readonly counts: readonly { readonly transaction: number; readonly slot: number; readonly taken: number }[]
  readonly slots: readonly { readonly id: number; readonly venue: number; readonly capacity: number }[]
  /** Who takes part in a room's booking. */
  readonly participants: readonly { readonly booking: number; readonly person: number }[]
  /** The operation log, counted. */
  readonly operations: readonly { readonly action: string; readonly id: number; readonly count: number }[]
  /** The inboxes, counted. `about`: the reservation, entry, booking or broadcast. */
  readonly messages: readonly {
    readonly person: number
    readonly type: string
    readonly about: number
    readonly count: number
  }[]
  /** Whom a broadcast is for. */
  readonly everybody: readonly number[]
}

/** A promise that did not hold. */
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

/** A step of a thing's life that this traffic can bring about. */
interface Move {
  readonly thing: Thing
  readonly from: string | null
  readonly to: string
  /** The wishes that bring it about; none where time or somebody else's step does. */
  readonly by: readonly Wish[]
  /** By which message its people are told; none where nobody needs to be. */
  readonly told?: string
  /** As what it stands in the operation log. */
  readonly logged?: string
}

/** Written down from docs/venue.md and docs/room.md, a second time beside the program's own tables. */
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

/** By which message a broadcast comes. */
export const BROADCAST = 'notice.direct'
