import type { Transaction } from '../../kernel/database/database.ts'
import { Conflict } from '../../kernel/errors.ts'
import { changePoints, lockMembers } from './membersStore.ts'
import type { Reservation } from './reservationsStore.ts'
import * as store from './reservationsStore.ts'

/**
 * Ends a reservation within a transaction. Locks the person first, then the reservation and its slot. Returns the
 * points if `refund` is set. The caller offers or takes the places that became free.
 * @throws Conflict `bad_state` when the lifecycle forbids the change.
 */
export async function endReservation(
  tx: Transaction,
  reservation: Pick<Reservation, 'id' | 'userId' | 'pointsPaid' | 'status'>,
  ending: store.Ending,
  { refund }: { readonly refund: boolean },
): Promise<void> {
  await lockMembers(tx, [reservation.userId])
  if (!(await store.moveState(tx, reservation.id, ending)))
    throw badState(await store.findReservation(tx, reservation.id))
  if (refund && reservation.pointsPaid > 0) {
    await changePoints(tx, reservation.userId, reservation.pointsPaid, 'refund', {
      reservationId: reservation.id,
      now: ending.now,
    })
  }
}

/** Error for a change that the lifecycle forbids. Names the state of the reservation. */
export function badState(reservation: Pick<Reservation, 'status'> | null): Conflict {
  const status = reservation?.status ?? 'cancelled'
  return new Conflict('bad_state', `That can’t be done with a reservation that is ${status}.`, {
    facts: { state: status },
  })
}
