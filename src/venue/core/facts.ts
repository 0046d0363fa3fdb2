import type { Database } from '../../kernel/database/database.ts'
import { Conflict, NotFound } from '../../kernel/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { bookingFacts } from './factsStore.ts'
import type { BookingFacts } from './rules.ts'

/** Somebody whom the venue product doesn't know yet: what their row will say when their first booking makes it. */
const NEWCOMER: BookingFacts['member'] = {
  revision: null,
  credit: 100,
  points: 0,
  counts: { active: 0, day: 0, week: 0 },
  ownOverlap: false,
  entryId: null,
  heldForMember: 0,
}

/**
 * Reads what the decision about a booking rests on, and writes nothing.
 * @throws NotFound when there is no such slot, Conflict `account_inactive` for somebody who was disabled or deleted
 * meanwhile.
 */
export async function readFacts(
  kernel: Kernel,
  db: Database,
  of: { readonly userId: number; readonly slotId: number; readonly except?: number },
  now: Date,
): Promise<BookingFacts> {
  const facts = await bookingFacts(db, { ...of, now, zone: kernel.config.timeZone })
  if (!facts) throw new NotFound('not_found', 'There is no such slot.')
  const { personActive, member, ...others } = facts
  if (!personActive) throw new Conflict('account_inactive', 'This account is disabled, or has ended.')
  return { ...others, member: member ?? NEWCOMER }
}
