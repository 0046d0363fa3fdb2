import type { Database } from '../../kernel/database/database.ts'
import { Conflict, NotFound } from '../../kernel/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { bookingFacts } from './factsStore.ts'
import type { BookingFacts } from './rules.ts'

/** Facts of a person without a row in `venue_members`; the first booking creates the row with these values. */
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
 * Reads the facts for the decision about a booking. Writes nothing.
 * @throws NotFound when there is no such slot, Conflict `account_inactive` when the account was disabled or deleted
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
  if (!personActive) throw new Conflict('account_inactive', 'This account is disabled or deleted.')
  return { ...others, member: member ?? NEWCOMER }
}
