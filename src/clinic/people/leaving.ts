import { SYSTEM } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { endOrders } from '../core/ending.ts'
import { lockSchedules } from '../core/numbersStore.ts'
import { lockOrders } from '../core/ordersStore.ts'
import { deleteOrphans, lockPatientsForRemoval, scrubPatients } from '../core/orphansStore.ts'
import { promoteWaiting } from '../core/waitingList.ts'
import { openOrdersOf, patientsOf, scrubWords, unlink } from './leavingStore.ts'

/**
 * What leaving means for the clinic: the open orders of the person's own patient record, and those they made for
 * others, are cancelled and refunded. Their record, and patients without an account for whom nobody else registers, keep
 * no personal data, and are deleted if they have no history; neither does their feedback. A doctor keeps their record,
 * without an account. Orders that staff made for patients stay, and medical records are kept with the name, gender and
 * birth date in them, because the law demands that.
 */
export async function leaveClinic(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  const now = kernel.clock.now()
  const patientIds = await patientsOf(tx, userId)
  await lockPatientsForRemoval(tx, patientIds)
  const open = await openOrdersOf(tx, userId)
  const scheduleIds = [...new Set(open.map(({ scheduleId }) => scheduleId))].sort((a, b) => a - b)
  await lockSchedules(tx, scheduleIds)
  for (const scheduleId of scheduleIds) {
    const ids = open.filter((order) => order.scheduleId === scheduleId).map(({ orderId }) => orderId)
    await endOrders(kernel, tx, await lockOrders(tx, ids), {
      to: 'cancelled',
      reason: '账号已注销',
      by: null,
      now,
      origin: SYSTEM,
      refunds: true,
      message: null,
      action: 'clinic.order.cancel',
    })
    await promoteWaiting(kernel, tx, scheduleId, now)
  }
  await unlink(tx, userId)
  await deleteOrphans(tx, patientIds)
  await scrubPatients(tx, { userId, patientIds }, now)
  await scrubWords(tx, userId, now)
}
