import type { Database } from '../../kernel/database/database.ts'
import { NotFound } from '../../kernel/http/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { ensureMember } from '../members/store.ts'
import type { BookingFacts } from './rules.ts'
import * as store from './store.ts'

/** Reads what the decision about a booking rests on; a person's first time makes their row. @throws NotFound when there is no such slot. */
export async function readFacts(
  kernel: Kernel,
  db: Database,
  of: { readonly userId: number; readonly slotId: number; readonly except?: number },
  now: Date,
): Promise<BookingFacts> {
  const zone = kernel.config.timeZone
  let facts = await store.bookingFacts(db, of, now, zone)
  if (facts && !facts.member) {
    await ensureMember(db, of.userId, now)
    facts = await store.bookingFacts(db, of, now, zone)
  }
  if (!facts?.member) throw new NotFound('not_found', 'There is no such slot.')
  return { ...facts, member: facts.member }
}
