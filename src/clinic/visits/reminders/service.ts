import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { lockOwnOrder } from '../../core/cancelling.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import type { ScheduleRules } from '../../core/configuration/types.ts'
import { tellOrders } from '../../core/messages.ts'
import { noteAskedReminder, noteNotice } from '../../core/noticesStore.ts'
import { lockOrders } from '../../core/ordersStore.ts'
import { badState } from '../../core/refusals.ts'
import { sessionOf } from '../../core/sections/rules.ts'
import { CODES, refusal } from '../../sentences.ts'
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

const HOUR_MS = 3_600_000

/**
 * Sends the reminder of one of the caller's visits that are ahead, at most once an hour.
 * @throws Invalid 106; `bad_state`, `over`; `too_many_reminders`.
 */
export async function remindNow(kernel: Kernel, caller: Caller, orderId: number): Promise<void> {
  const now = kernel.clock.now()
  const zone = kernel.config.timeZone
  await kernel.transaction(async (tx) => {
    const order = await lockOwnOrder(tx, caller, orderId)
    if (order.status !== 'confirmed') throw badState(order)
    const { schedule: rules } = await readConfiguration(tx)
    if (sessionOf(rules, order, zone).endAt <= now) throw refusal(CODES.request, 'over', '该就诊时段已结束，无需提醒')
    if (!(await noteAskedReminder(tx, orderId, new Date(now.getTime() - HOUR_MS), now)))
      throw refusal(CODES.request, 'too_many_reminders', '提醒已发送，一小时内不能重复发送')
    await tellOrders(tx, [order], 'clinic.order.reminder', { rules, zone, now })
  })
  kernel.nudge()
}
