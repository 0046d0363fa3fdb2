/**
 * A model of bookings, written from the rules of the room product and not from the program: the proof compares the two.
 * Times are milliseconds since 1970.
 */
export type Status = '0' | '1' | '2' | '3' | '4' | '5'

/** The allowed state changes, including those that time alone makes. */
export const MOVES = ['01', '02', '03', '10', '13', '14', '15', '20', '21', '43', '45'] as const

export interface Span {
  readonly roomId: number
  readonly start: number
  readonly end: number
}

export interface Booking extends Span {
  readonly id: number
  readonly status: Status
}

export type Operation =
  | { readonly kind: 'edit'; readonly to: Span }
  | { readonly kind: 'end'; readonly end: number | null }
  | { readonly kind: 'cancel' | 'force' | 'approve' | 'reject' }

/** An answer: its code; 'taken' is the 500 that names an occupied span. */
export type Outcome = 200 | 409 | 500 | 'taken'

export interface World {
  readonly now: number
  readonly audit: boolean
}

/** A booking with its state by the clock. */
export function settled(booking: Booking, now: number): Booking {
  const { status, start, end } = booking
  if (status === '0' && start <= now) return { ...booking, status: '2' }
  if ((status === '1' || status === '4') && end <= now) return { ...booking, status: '5' }
  return status === '1' && start <= now ? { ...booking, status: '4' } : booking
}

/** True if a booking blocks its room for others. */
export function holds({ status }: Booking): boolean {
  return status === '0' || status === '1' || status === '4'
}

export function overlap(a: Span, b: Span): boolean {
  return a.roomId === b.roomId && a.start < b.end && b.start < a.end
}

/** The outcome if no other booking is in the way, and the booking afterwards. An edit may be 'taken' instead. */
function apply(booking: Booking, operation: Operation, { now, audit }: World): [Outcome, Booking] {
  const { status, start } = booking
  const to = (next: Status): [Outcome, Booking] => [200, { ...booking, status: next }]
  const no: [Outcome, Booking] = [409, booking]
  switch (operation.kind) {
    case 'edit': {
      if (!'012'.includes(status) || start <= now) return no
      const moved =
        operation.to.roomId !== booking.roomId || operation.to.start !== start || operation.to.end !== booking.end
      const again = status === '2' || (status === '1' && moved)
      const next = again ? (audit ? '0' : '1') : status
      return [200, settled({ ...booking, ...operation.to, status: next }, now)]
    }
    case 'end': {
      if (status !== '4') return no
      if (operation.end !== null && operation.end > booking.end) return [500, booking]
      return [200, settled({ ...booking, end: Math.max(operation.end ?? now, now) }, now)]
    }
    case 'cancel':
      return status === '0' || status === '1' ? to('3') : no
    case 'force':
      return holds(booking) ? to('3') : no
    case 'approve':
      return status === '0' ? to('1') : no
    case 'reject':
      return status === '0' ? to('2') : no
  }
}

/**
 * The possible states of a booking during and after concurrent operations: for each order that explains all answers,
 * the states after each operation. Empty if no order explains the answers.
 */
export function explanations(
  booking: Booking,
  done: readonly { readonly operation: Operation; readonly outcome: Outcome }[],
  world: World,
): Booking[][] {
  if (done.length === 0) return [[]]
  return done.flatMap((first, n) => {
    const [outcome, after] = apply(booking, first.operation, world)
    const taken = first.outcome === 'taken' && first.operation.kind === 'edit' && outcome === 200
    if (!taken && first.outcome !== outcome) return []
    const next = taken ? booking : after
    return explanations(next, done.toSpliced(n, 1), world).map((rest) => [next, ...rest])
  })
}
