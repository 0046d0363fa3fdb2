import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { endReservation } from '../../core/ending.ts'
import { outdateMember } from '../../core/membersStore.ts'
import { offerFreePlaces } from '../../core/offers.ts'
import { lockSlots } from '../../core/placesStore.ts'
import { endEntries } from '../../core/waitingListStore.ts'
import { slotsOfWaiter, stopSessionsOf, upcomingOf } from './store.ts'

/**
 * Ends all activity of a person whose account ends: cancels pending and confirmed reservations, leaves waiting lists
 * and stops use sessions. The places are offered to the next in line.
 */
export async function leaveVenue(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  const now = kernel.clock.now()
  await outdateMember(tx, userId, now)
  const ahead = await upcomingOf(tx, userId)
  const waiting = await slotsOfWaiter(tx, userId)
  await lockSlots(tx, [...ahead.map((reservation) => reservation.slotId), ...waiting])
  for (const reservation of ahead) {
    await endReservation(tx, reservation, { to: 'cancelled', now, reason: 'account_ended' }, { refund: true })
  }
  await stopSessionsOf(tx, userId, now)
  for (const slotId of waiting) await endEntries(tx, { slotId, userId, to: 'left', now })
  for (const slotId of new Set([...ahead.map((reservation) => reservation.slotId), ...waiting])) {
    await offerFreePlaces(kernel, tx, slotId, now)
  }
}
