import { originOf } from '../../../kernel/audit/origin.ts'
import { DomainError, Forbidden } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { mayDecide } from '../../core/approversStore.ts'
import { tellBookings } from '../../core/bookingMessages.ts'
import { findBooking } from '../../core/bookingsStore.ts'
import { moveStatus, recheck } from '../../core/moves.ts'
import { lockBookings } from '../../core/movesStore.ts'
import { badState, noSuchBooking } from '../../core/refusals.ts'
import { APPROVED, PENDING, type REJECTED } from '../../core/states.ts'

/** The decision about a pending booking. A rejection has a reason, which is shown to its people. */
export type Decision = { readonly to: typeof APPROVED } | { readonly to: typeof REJECTED; readonly reason: string }

/**
 * Decides about a pending booking and tells its people. Approving checks again all facts that can have changed since it
 * was made.
 * @throws NotFound, Forbidden `not_your_building`, Conflict `bad_state` if it is not pending, and the errors of
 * `recheck`.
 */
export async function decide(kernel: Kernel, caller: Caller, id: number, decision: Decision): Promise<void> {
  const zone = kernel.config.timeZone
  const reason = 'reason' in decision ? decision.reason : null
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    // Read under the lock, because the booking may be moved to another building meanwhile.
    await lockBookings(tx, [id], now)
    const booking = await findBooking(tx, id, now)
    if (!booking) throw noSuchBooking()
    if (!(await mayDecide(tx, caller.userId, booking.buildingId))) {
      throw new Forbidden('not_your_building', '该预约不在您负责审核的楼房内')
    }
    const moved = await moveStatus(tx, [id], { to: decision.to, now, by: caller.userId, reason })
    if (moved.length === 0) throw badState(booking.status, '仅待审核的预约可以审核')
    const obstacle = decision.to === APPROVED ? await recheck(tx, id, now, zone) : null
    if (obstacle) throw obstacle
    const type = decision.to === APPROVED ? 'room.booking.approved' : 'room.booking.rejected'
    await tellBookings(tx, moved, type, now, zone, reason === null ? {} : { reason })
    await record(tx, now, {
      ...originOf(caller),
      action: decision.to === APPROVED ? 'room.booking.approve' : 'room.booking.reject',
      resource: 'room_booking',
      resourceId: id,
      changes: { status: [PENDING, decision.to], ...(reason !== null && { rejectReason: [null, reason] }) },
    })
  })
  kernel.nudge()
}

/** The decision about one booking of several: `refused` is null if it succeeded. */
export interface Decided {
  readonly id: number
  readonly refused: DomainError | null
}

/** Decides about several bookings in the same way, each separately with its own result. */
export async function decideAll(
  kernel: Kernel,
  caller: Caller,
  ids: readonly number[],
  decision: Decision,
): Promise<readonly Decided[]> {
  const answers: Decided[] = []
  for (const id of new Set(ids)) {
    try {
      await decide(kernel, caller, id, decision)
      answers.push({ id, refused: null })
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      answers.push({ id, refused: error })
    }
  }
  return answers
}
