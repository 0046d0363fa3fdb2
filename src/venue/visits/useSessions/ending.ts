import { type Origin, SYSTEM } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { venueSettings } from '../../settings.ts'
import * as store from './store.ts'

/**
 * Stops the sessions whose facility or venue went or closed, and those that somebody forgot, in the transaction of whoever takes a place out of use.
 * Sessions are locked last.
 */
export async function stopWhatEnded(
  kernel: Pick<Kernel, 'config'>,
  tx: Transaction,
  origin: Origin,
  now: Date,
): Promise<void> {
  for (const id of await store.stopOverdue(tx, venueSettings.of(kernel.config).useSessionMaxMinutes, now)) {
    await record(tx, now, { ...origin, action: 'use_session.stop', resource: 'use_session', resourceId: id })
  }
}

/** Every minute: what should have ended does, be it by a plan that has begun or by the longest time that is allowed. */
export async function stopOverdue(kernel: Kernel): Promise<void> {
  await kernel.transaction((tx) => stopWhatEnded(kernel, tx, SYSTEM, kernel.clock.now()))
  kernel.nudge()
}
