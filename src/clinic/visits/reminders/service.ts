import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import type { ScheduleRules } from '../../core/configuration/types.ts'
import { tellOrders } from '../../core/messages.ts'
import { noteNotice } from '../../core/noticesStore.ts'
import { lockOrders } from '../../core/ordersStore.ts'
import { clinicSettings } from '../../settings.ts'
import { type Reminder, remindersDue } from './rules.ts'
import * as store from './store.ts'

const BATCH = 200

/**
 * The job that reminds people of their visits: the evening before, and some hours before the session. A batch of
 * reminders and the notes that they were sent are one transaction, so a process that is killed sends none twice, and
 * the next run sends the rest.
 */
export async function remindPatients(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  const { eveningReminder: evening, dayReminderHours: hours } = clinicSettings.of(kernel.config)
  const { schedule: rules } = await readConfiguration(kernel.db)
  for (const reminder of remindersDue(now, kernel.config.timeZone, rules, { evening, hours })) {
    for (let after = 0; ; ) {
      const ids = await store.unreminded(kernel.db, reminder, after, BATCH)
      await kernel.transaction((tx) => remind(kernel, tx, reminder, ids, rules, now))
      kernel.nudge()
      after = ids.at(-1) ?? after
      if (ids.length < BATCH) break
    }
  }
}

async function remind(
  kernel: Kernel,
  tx: Transaction,
  { kind, date, sections }: Reminder,
  ids: readonly number[],
  rules: ScheduleRules,
  now: Date,
): Promise<void> {
  // An order may have been cancelled, moved or called since it was found.
  const ahead = (await lockOrders(tx, ids)).filter(
    (order) =>
      order.status === 'confirmed' && !order.isCalling && order.date === date && sections.includes(order.timeSection),
  )
  const noted = await noteNotice(
    tx,
    ahead.map(({ orderId }) => orderId),
    kind,
    now,
  )
  const fresh = ahead.filter(({ orderId }) => noted.has(orderId))
  await tellOrders(tx, fresh, `clinic.order.reminder_${kind}`, { rules, zone: kernel.config.timeZone, now })
}
