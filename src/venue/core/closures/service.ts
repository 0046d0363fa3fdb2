import type { Origin } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, Invalid } from '../../../kernel/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { type Affected, displaceReservations } from '../displacement/service.ts'
import { stopEndedSessions } from '../useSessions.ts'
import { mayClosureLie } from './rules.ts'
import * as store from './store.ts'

/**
 * Makes the slots of locked venues agree with the closures: covered slots close and their reservations end
 * (`displaceReservations`); slots that are no longer covered open. Use sessions in closed places are stopped. Call it
 * after changing closures or moving a venue to another sport venue.
 * @throws Stale like `displaceReservations`.
 */
export async function applyClosures(
  tx: Transaction,
  kernel: Kernel,
  origin: Origin,
  venueIds: readonly number[],
  reason: string,
): Promise<readonly Affected[]> {
  const affected = await turnSlots(tx, kernel, origin, venueIds, reason)
  await stopEndedSessions(kernel, tx, origin, kernel.clock.now())
  return affected
}

async function turnSlots(
  tx: Transaction,
  kernel: Kernel,
  origin: Origin,
  venueIds: readonly number[],
  reason: string,
): Promise<readonly Affected[]> {
  if (venueIds.length === 0) return []
  const now = kernel.clock.now()
  const { close, open } = await store.slotsToTurn(tx, venueIds, now)
  const turn = (tx: Transaction) => store.turnSlots(tx, [...close, ...open], now)
  if (close.length > 0) {
    return displaceReservations(tx, kernel, origin, { slotIds: close, reason, type: 'reservation.closed', lock: turn })
  }
  if (open.length > 0) await turn(tx)
  return []
}

/**
 * Refuses a closure that does not end after it starts, or has ended already.
 * @throws Invalid `validation` at `path`, Conflict `in_the_past`
 */
export function requireSpan(span: { readonly start: Date; readonly end: Date | null }, now: Date, path: string): void {
  switch (mayClosureLie(span, now)) {
    case 'bad_interval':
      throw new Invalid('validation', 'The request is not valid.', {
        errors: [
          { in: 'body', path, message: path === '/until' ? 'must be in the future' : 'must be after start_time' },
        ],
      })
    case 'in_the_past':
      throw new Conflict('in_the_past', 'Maintenance that has ended can’t be planned.')
  }
}
