import type { Origin } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { venueSettings } from '../settings.ts'
import { stopOverdue } from './useSessionsStore.ts'

/**
 * Stops use sessions of facilities that were deleted or closed (or whose venue was), and sessions that were forgotten.
 * Every transaction that takes a place out of use calls this. Sessions are locked last.
 */
export async function stopEndedSessions(
  kernel: Pick<Kernel, 'config'>,
  tx: Transaction,
  origin: Origin,
  now: Date,
): Promise<void> {
  for (const id of await stopOverdue(tx, venueSettings.of(kernel.config).useSessionMaxMinutes, now)) {
    await record(tx, now, { ...origin, action: 'use_session.stop', resource: 'use_session', resourceId: id })
  }
}
