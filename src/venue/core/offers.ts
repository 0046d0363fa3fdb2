import { earlier, minutesAfter, minutesBetween } from '../../booking/interval.ts'
import { nextOffers } from '../../booking/waitingList.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { notify } from '../../kernel/outbox/outbox.ts'
import { localTimestamp } from '../../kernel/time.ts'
import { appointment } from './appointment.ts'
import { venueRules } from './bookingRules/store.ts'
import * as store from './waitingListStore.ts'

/** Job that books an offer for its person right after the commit that made it, if the venue's rules say so. */
export const PROMOTE_JOB = 'venue.waiting-list-promote'

/**
 * Offers the available places of a slot to the first in line and holds them. Every transaction that frees places calls
 * this. Locks the slot. After the start it makes offers only while at least half of the slot is left, and never where
 * bookings need approval.
 */
export async function offerFreePlaces(kernel: Kernel, tx: Transaction, slotId: number, now: Date): Promise<void> {
  const slot = await store.lockQueue(tx, slotId)
  if (!slot?.open || now >= slot.endAt) return
  const begun = slot.startAt <= now
  const rules = await venueRules(tx, slot.venueId)
  if (
    begun &&
    (rules.requires_approval || minutesBetween(now, slot.endAt) * 2 < minutesBetween(slot.startAt, slot.endAt))
  )
    return
  const offers = nextOffers(await store.queueOf(tx, slotId, begun), slot.capacity - slot.taken - slot.held)
  const latest = begun ? slot.endAt : slot.startAt
  // Auto-promoted offers have no confirmation deadline.
  const holds = !rules.auto_promote || begun
  const expiresAt = holds ? earlier(minutesAfter(now, rules.waiting_hold_minutes), latest) : latest
  for (const offer of offers) {
    await store.makeOffer(tx, { entryId: offer.id, slotId, partySize: offer.partySize, expiresAt, now })
    if (rules.auto_promote) {
      await kernel.jobs.send(tx, PROMOTE_JOB, { entry_id: offer.id })
      continue
    }
    await notify(tx, now, {
      type: 'waiting_list.offered',
      userIds: [offer.userId],
      data: {
        ...appointment(slot, kernel.config.timeZone),
        waiting_list_id: offer.id,
        time_slot_id: slotId,
        expires_at: localTimestamp(expiresAt, kernel.config.timeZone),
      },
      key: `waiting_list:${offer.id}:offered:${now.getTime()}`,
    })
  }
}

/**
 * Removes a person who now has a place in a slot from its waiting list. Places held for them go to the next in line.
 */
export async function leaveLine(
  kernel: Kernel,
  tx: Transaction,
  who: { readonly slotId: number; readonly userId: number },
  now: Date,
): Promise<void> {
  const left = await store.endEntries(tx, { ...who, to: 'left', now })
  if (left.length > 0) await offerFreePlaces(kernel, tx, who.slotId, now)
}
