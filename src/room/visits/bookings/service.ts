import { originOf } from '../../../kernel/audit/origin.ts'
import { errorCode } from '../../../kernel/database/constraints.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import { Conflict, Forbidden } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { allowedFacts, type Booked, namedOf, orderOf } from '../../core/booking.ts'
import { tellBookings } from '../../core/bookingMessages.ts'
import { updateBooking } from '../../core/bookingRowStore.ts'
import { type Booking, findBooking, lockPeople, lockRoom, participantsOf } from '../../core/bookingsStore.ts'
import { endAt, moveStatus, recordCancelled } from '../../core/moves.ts'
import { lockBookings } from '../../core/movesStore.ts'
import { badState, noSuchBooking } from '../../core/refusals.ts'
import {
  doubleBooked,
  FEWEST_PEOPLE,
  mayCancel,
  mayEdit,
  mayForceCancel,
  type Order,
  statusAfterEdit,
} from '../../core/rules.ts'
import { settleRoom } from '../../core/settling.ts'
import { type BookingStatus, CANCELLED, ONGOING, STATUS_TEXT } from '../../core/states.ts'
import { refusal } from '../../sentences.ts'
import { takeOff } from './leaving.ts'

/** The changes of an edit; absent fields keep their value. */
export interface BookingEdit {
  readonly roomId?: number | undefined
  readonly purpose?: string | undefined
  readonly start?: Date | undefined
  readonly end?: Date | undefined
  readonly userIds?: readonly number[] | undefined
}

/**
 * Changes the caller's booking that has not begun, within the rules of a new one. A rejected booking becomes pending
 * (or approved) again; if audit is on, an approved one whose time or room changes must be decided again.
 * @throws the errors of `createBooking`, Conflict `bad_state`, NotFound or Forbidden for another person's booking.
 */
export async function editBooking(
  kernel: Kernel,
  caller: Caller,
  door: Door,
  id: number,
  edit: BookingEdit,
): Promise<Booked> {
  const zone = kernel.config.timeZone
  const booked = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const seen = ownBooking(await findBooking(tx, id, now), caller, door)
    const order = changed(seen, await participantsOf(tx, id), edit)
    await lockPeople(tx, order.userIds)
    await lockRoom(tx, order.roomId)
    await lockBookings(tx, [id], now)
    const booking = ownBooking(await findBooking(tx, id, now), caller, door)
    const before = await participantsOf(tx, id)
    // The booking changed between the reading and the locks, so the wrong rows may be locked.
    if (!sameOrder(order, changed(booking, before, edit))) throw new Stale()
    if (!mayEdit(booking, now)) throw badState(booking.status, '仅开始前的待审核、已批准或已驳回的预约可以修改')

    const facts = await allowedFacts(kernel, tx, order, now, id)
    if (facts.overdue) await settleRoom(kernel, tx, order.roomId)
    const moves = !sameSpan(order, changed(booking, before, {}))
    const status = statusAfterEdit(booking.status, moves, facts.setting)
    const purpose = edit.purpose ?? booking.purpose
    await unlessTaken(() => updateBooking(tx, { id, order, purpose, status, now, by: caller.userId }))

    const told = { id, ...namedOf(facts, order), userIds: order.userIds }
    await tellBookings(tx, [told], 'room.booking.changed', now, zone, { status: STATUS_TEXT[status] })
    const removed = before.filter((userId) => !order.userIds.includes(userId))
    // Removed people know the old time and room, so their message names those.
    if (removed.length > 0) {
      await tellBookings(tx, [{ ...booking, userIds: removed }], 'room.booking.removed', now, zone)
    }
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.booking.edit',
      resource: 'room_booking',
      resourceId: id,
      changes: changesOf(
        { ...changed(booking, before, {}), purpose: booking.purpose, status: booking.status },
        { ...order, purpose, status },
      ),
    })
    return { id, status, doubleBooked: doubleBooked(facts) }
  })
  kernel.nudge()
  return booked
}

/** `manage`: staff, who see all bookings. `portal`: people, who see their own. */
export type Door = 'manage' | 'portal'

/**
 * Cancels a booking that has not begun. Staff may also cancel another person's, which is noted as cancelled by staff.
 * @throws Conflict `bad_state`, NotFound (in the portal also for another person's booking).
 */
export async function cancelBooking(kernel: Kernel, caller: Caller, door: Door, id: number): Promise<void> {
  await withBooking(kernel, id, async (tx, booking, now) => {
    const own = booking.applicantId === caller.userId
    if (!own && door === 'portal') throw noSuchBooking()
    if (!mayCancel(booking.status)) throw badState(booking.status, '仅开始前的待审核或已批准的预约可以取消')
    await cancel(kernel, tx, caller, booking, own ? null : '管理员取消', now)
  })
}

/**
 * Cancels a booking as staff, an ongoing one too, with a reason that its people see.
 * @throws Conflict `bad_state`, NotFound.
 */
export async function forceCancel(kernel: Kernel, caller: Caller, id: number, reason: string): Promise<void> {
  await withBooking(kernel, id, async (tx, booking, now) => {
    if (!mayForceCancel(booking.status)) throw badState(booking.status, '仅待审核、已批准或进行中的预约可以强制取消')
    await cancel(kernel, tx, caller, booking, reason, now)
  })
}

/** Writes an allowed cancellation; `reason` is that of staff, null if the applicant cancels. */
async function cancel(
  kernel: Kernel,
  tx: Transaction,
  caller: Caller,
  { id }: Booking,
  reason: string | null,
  now: Date,
): Promise<void> {
  const staff = reason !== null
  const moved = await moveStatus(tx, [id], { to: CANCELLED, now, by: caller.userId, reason, staff })
  const type = staff ? 'room.booking.cancelled_by_staff' : 'room.booking.cancelled'
  await tellBookings(tx, moved, type, now, kernel.config.timeZone, { ...(reason !== null && { reason }) })
  await recordCancelled(tx, moved, reason, originOf(caller), now)
}

/**
 * Lets an ongoing booking end earlier: at `end`, or now if that is past or absent. The rest of its time is free at
 * once. Staff may also end another person's.
 * @throws Conflict `not_started` or `bad_state`, Invalid `too_late` if `end` is later than its end, NotFound.
 */
export async function endEarly(
  kernel: Kernel,
  caller: Caller,
  door: Door,
  id: number,
  end: Date | null,
): Promise<void> {
  await withBooking(kernel, id, async (tx, booking, now) => {
    if (booking.applicantId !== caller.userId && door === 'portal') throw noSuchBooking()
    if (mayCancel(booking.status)) throw new Conflict('not_started', '预约尚未开始，不能提前结束')
    if (booking.status !== ONGOING) throw badState(booking.status, '仅进行中的预约可以提前结束')
    if (end && end > booking.endTime) throw refusal('too_late', '提前结束的时间不能晚于原结束时间')
    const moved = await endAt(tx, [id], { end: end ?? now, now, by: caller.userId })
    await tellBookings(tx, moved, 'room.booking.ended_early', now, kernel.config.timeZone)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.booking.end_early',
      resource: 'room_booking',
      resourceId: id,
      changes: { endTime: [booking.endTime, moved[0]?.endTime] },
    })
  })
}

/**
 * Withdraws a participant from a booking that has not begun, if enough people stay. Its people are told.
 * @throws Conflict `bad_state` or `is_applicant`, Invalid `too_few_people`, NotFound for people who don't take part.
 */
export async function leaveBooking(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  await withBooking(kernel, id, async (tx, booking, now) => {
    const userIds = await participantsOf(tx, id)
    if (!userIds.includes(caller.userId)) throw noSuchBooking()
    if (booking.applicantId === caller.userId) throw new Conflict('is_applicant', '申请人不能退出，请取消预约')
    if (!mayCancel(booking.status)) throw badState(booking.status, '仅开始前的待审核或已批准的预约可以退出')
    if (userIds.length <= FEWEST_PEOPLE) {
      throw refusal('too_few_people', `退出后使用人将少于 ${FEWEST_PEOPLE} 人，请联系申请人取消或调整预约`)
    }
    await takeOff(tx, booking, caller.userId, userIds, originOf(caller), now, kernel.config.timeZone)
  })
}

/** Runs `work` in one transaction on a locked booking in its present state. @throws NotFound */
async function withBooking(
  kernel: Kernel,
  id: number,
  work: (tx: Transaction, booking: Booking, now: Date) => Promise<void>,
): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    await lockBookings(tx, [id], now)
    const booking = await findBooking(tx, id, now)
    if (!booking) throw noSuchBooking()
    await work(tx, booking, now)
  })
  kernel.nudge()
}

/**
 * Runs a write. If the overlap constraint refuses it, the request is decided again, on facts that show the other
 * booking.
 */
async function unlessTaken<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (errorCode(error) === '23P01') throw new Stale()
    throw error
  }
}

/**
 * Checks that the caller applied for the booking. @throws NotFound; for staff Forbidden for another person's booking.
 */
function ownBooking(booking: Booking | null, caller: Caller, door: Door): Booking {
  if (!booking) throw noSuchBooking()
  if (booking.applicantId === caller.userId) return booking
  throw door === 'portal' ? noSuchBooking() : new Forbidden('not_applicant', '仅申请人可以修改预约')
}

/** A booking with the changes of an edit. */
function changed(booking: Booking, userIds: readonly number[], edit: BookingEdit): Order {
  return orderOf(
    {
      roomId: edit.roomId ?? booking.roomId,
      purpose: booking.purpose,
      start: edit.start ?? booking.startTime,
      end: edit.end ?? booking.endTime,
      userIds: edit.userIds ?? userIds,
    },
    booking.applicantId,
  )
}

function sameSpan(a: Order, b: Order): boolean {
  return a.roomId === b.roomId && a.start.getTime() === b.start.getTime() && a.end.getTime() === b.end.getTime()
}

function sameOrder(a: Order, b: Order): boolean {
  return sameSpan(a, b) && a.userIds.length === b.userIds.length && a.userIds.every((id) => b.userIds.includes(id))
}

/** The changes of an edit for the operation log. */
function changesOf(before: Edited, after: Edited): Record<string, readonly [unknown, unknown]> {
  const fields = ['roomId', 'start', 'end', 'purpose', 'status', 'userIds'] as const
  return Object.fromEntries(
    fields
      .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
      .map((field) => [field, [before[field], after[field]] as const]),
  )
}

type Edited = Order & { readonly purpose: string; readonly status: BookingStatus }
