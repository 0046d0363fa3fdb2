import type { Kernel } from '../../../kernel/kernel.ts'
import { venueSettings } from '../../settings.ts'
import { remind } from './store.ts'

/**
 * Job, every minute: reminds people once of tomorrow's reservations at the set time, and once of those that start soon.
 */
export async function sendReminders(kernel: Kernel): Promise<void> {
  const { timeZone } = kernel.config
  const { remindDayBeforeAt: dayBeforeAt, remindMinutesBefore: minutesBefore } = venueSettings.of(kernel.config)
  const now = kernel.clock.now()
  for (const kind of ['day', 'hour'] as const) {
    await kernel.withRetries((db) => remind(db, kind, { dayBeforeAt, minutesBefore }, timeZone, now))
  }
  kernel.nudge()
}
