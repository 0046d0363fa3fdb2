import { earlier, minutesAfter, minutesBetween } from '../../booking/interval.ts'
import { nextOffers } from '../../booking/waitingList.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { notify } from '../../kernel/outbox/outbox.ts'
import { localTimestamp } from '../../kernel/time.ts'
import { appointment } from './appointment.ts'
import { venueRules } from './bookingRules/store.ts'
import * as store from './waitingListStore.ts'

/** Books an offer for its person right after the commit that made it, where the venue's rules say so. */
export const PROMOTE_JOB = 'venue.waiting-list-promote'

/**
 * Offers what is free of a slot to the first in line and holds it for them. Called in every transaction that frees
 * places; locks the slot. After the start only while at least half of the slot is left.
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
  // Who is booked without being asked has nothing to be late for.
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

/** Takes somebody who is in a slot now out of its line; what was held for them goes to the next. */
export async function leaveLine(
  kernel: Kernel,
  tx: Transaction,
  who: { readonly slotId: number; readonly userId: number },
  now: Date,
): Promise<void> {
  const left = await store.endEntries(tx, { ...who, to: 'left', now })
  if (left.length > 0) await offerFreePlaces(kernel, tx, who.slotId, now)
}
