import { SYSTEM } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { tellBookings } from './bookingMessages.ts'
import { bannedWithBookings } from './bookingsStore.ts'
import { cancelAhead } from './moves.ts'
import { lockOverdue, writeMove } from './movesStore.ts'
import { type BookingStatus, COMPLETED, ONGOING, PENDING, REJECTED, TIMED_OUT } from './states.ts'

/** Number of bookings in one transaction of the job. */
const BATCH = 200

/** The moves that happen by time alone, and the message about each. */
const BY_ITSELF = [
  { to: REJECTED, type: 'room.booking.rejected', reason: TIMED_OUT },
  { to: ONGOING, type: 'room.booking.started', reason: null },
  { to: COMPLETED, type: 'room.booking.completed', reason: null },
] as const

/**
 * The job that settles bookings: it updates stored states to those at the present time (page, States). Approved
 * bookings begin and end; bookings that are still pending at their start are rejected. It also cancels future bookings
 * of people whose ban asks for that. Reads do not depend on it, so it may be late.
 */
export async function settleBookings(kernel: Kernel): Promise<void> {
  while ((await kernel.transaction((tx) => settleOverdue(kernel, tx, { limit: BATCH }))) === BATCH);
  const now = kernel.clock.now()
  for (const { userId, reason } of await bannedWithBookings(kernel.db, now)) {
    await kernel.transaction((tx) =>
      cancelAhead(tx, userId, { now, staff: true, reason: `申请人被封禁：${reason}` }, SYSTEM, kernel.config.timeZone),
    )
  }
  kernel.nudge()
}

/** Settles bookings of a room that block a time although they are over. */
export async function settleRoom(kernel: Kernel, tx: Transaction, roomId: number): Promise<void> {
  await settleOverdue(kernel, tx, { roomId, limit: BATCH })
}

async function settleOverdue(
  kernel: Kernel,
  tx: Transaction,
  which: { readonly roomId?: number; readonly limit: number },
): Promise<number> {
  const now = kernel.clock.now()
  const overdue = await lockOverdue(tx, now, which)
  for (const { to, type, reason } of BY_ITSELF) {
    const due = overdue.filter(({ status }) => status === to)
    if (due.length === 0) continue
    const moved = await writeMove(tx, due, { to, now, by: null, reason })
    await tellBookings(tx, moved, type, now, kernel.config.timeZone, { ...(reason !== null && { reason }) })
    if (to === REJECTED) for (const { id } of moved) await recordTimeOut(tx, id, now)
  }
  return overdue.length
}

/** Records a time-out. Beginning and ending are not recorded, because they happen by time alone. */
async function recordTimeOut(tx: Transaction, id: number, now: Date): Promise<void> {
  const status: readonly [BookingStatus, BookingStatus] = [PENDING, REJECTED]
  await record(tx, now, {
    ...SYSTEM,
    action: 'room.booking.time_out',
    resource: 'room_booking',
    resourceId: id,
    changes: { status },
  })
}
