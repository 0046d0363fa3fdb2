import type { Origin } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { stopOverdue } from './useSessionsStore.ts'

/**
 * Stops the use of facilities that went or closed, or whose venue did, and of those that somebody forgot. Called in
 * every transaction that takes a place out of use. Sessions are locked last.
 */
export async function stopEndedSessions(
  kernel: Pick<Kernel, 'config'>,
  tx: Transaction,
  origin: Origin,
  now: Date,
): Promise<void> {
  for (const id of await stopOverdue(tx, kernel.config.venueUseSessionMaxMinutes, now)) {
    await record(tx, now, { ...origin, action: 'use_session.stop', resource: 'use_session', resourceId: id })
  }
}
