import { SYSTEM } from '../../../kernel/audit/origin.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { stopEndedSessions } from '../../core/useSessions.ts'

/**
 * Job, every minute: stops sessions that should have ended, because a planned closure has begun or the longest allowed
 * time is over.
 */
export async function stopOverdue(kernel: Kernel): Promise<void> {
  await kernel.transaction((tx) => stopEndedSessions(kernel, tx, SYSTEM, kernel.clock.now()))
  kernel.nudge()
}
