import { originOf } from '../../../kernel/audit/origin.ts'
import { errorCode } from '../../../kernel/database/constraints.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import { Conflict, Forbidden } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { messageJson, operationJson, record } from '../../../kernel/outbox/outbox.ts'
import { readFacts } from '../../core/facts.ts'
import { bookingWords, endAt, moveStatus, recordCancelled, tellBookings } from '../../core/moves.ts'
import { badState, noSuchBooking, refused } from '../../core/refusals.ts'
import {
  type BookingFacts,
  bookingRefusal,
  doubleBooked,
  FEWEST_PEOPLE,
  firstStatus,
  mayCancel,
  mayEdit,
  mayForceCancel,
  statusAfterEdit,
  type Wish,
} from '../../core/rules.ts'
import { settleRoom } from '../../core/settling.ts'
import { APPROVED, type BookingStatus, CANCELLED, ONGOING, STATUS_TEXT } from '../../core/states.ts'
import type { Booking } from '../../core/store.ts'
import * as store from '../../core/store.ts'
import { refusal } from '../../sentences.ts'
import { takeOff } from './leaving.ts'

/** What somebody wants to book. The caller applies, and is added to the people who use the room. */
export interface BookingWish {
  readonly roomId: number
  readonly purpose: string
  readonly start: Date
  readonly end: Date
  readonly userIds: readonly number[]
  /** The weekly series it belongs to. */
  readonly seriesId?: string
}

/** What became of a wish. */
export interface Booked {
  readonly id: number
  readonly status: BookingStatus
  /** Names of those who take part in another booking at that time, where the setting warns of it. */
  readonly doubleBooked: readonly string[]
}

/**
 * Books a room for the caller and others: reads the facts, lets the rules decide, and writes with every guard in one statement. When the
 * world has moved in between, all of it is done again on fresh facts.
 * @throws Invalid (a `Refusal` as its code, with a sentence) when the rules forbid it, NotFound when there is no such room.
 */
export async function createBooking(kernel: Kernel, caller: Caller, wish: BookingWish): Promise<Booked> {
  const settled = settle(wish, caller.userId)
  const booked = await kernel.withRetries(async (db) => {
    const now = kernel.clock.now()
    const facts = await decide(kernel, db, settled, now)
    if (facts.setting.participantOverlap === 'refuse') return placeAlone(kernel, caller, wish, settled)
    if (facts.overdue) await kernel.transaction((tx) => settleRoom(kernel, tx, wish.roomId))
    return place(kernel, db, caller, wish, settled, facts, now)
  })
  kernel.nudge()
  return booked
}

/** Where nobody may be in two places, its people are kept to the booking while it is decided and written. */
function placeAlone(kernel: Kernel, caller: Caller, wish: BookingWish, settled: Wish): Promise<Booked> {
  return kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    await store.lockPeople(tx, settled.userIds)
    const facts = await decide(kernel, tx, settled, now)
    if (facts.overdue) await settleRoom(kernel, tx, wish.roomId)
    return place(kernel, tx, caller, wish, settled, facts, now)
  })
}

/** The facts, when the rules allow the wish. */
async function decide(kernel: Kernel, db: Database, wish: Wish, now: Date, except?: number): Promise<BookingFacts> {
  const zone = kernel.config.timeZone
  const facts = await readFacts(db, wish, now, except)
  const forbidden = bookingRefusal(facts, wish, now, zone)
  if (forbidden) throw refused(forbidden, facts, wish, zone)
  return facts
}

async function place(
  kernel: Kernel,
  db: Database,
  caller: Caller,
  { purpose, seriesId }: BookingWish,
  wish: Wish,
  facts: BookingFacts,
  now: Date,
): Promise<Booked> {
  const status = firstStatus(facts.setting)
  const id = await store.placeBooking(db, {
    wish,
    revision: facts.room.revision,
    purpose,
    status,
    seriesId: seriesId ?? null,
    now,
    message: messageJson({
      type: status === APPROVED ? 'room.booking.approved' : 'room.booking.pending',
      userIds: wish.userIds,
      data: bookingWords(namedOf(facts, wish), kernel.config.timeZone),
    }),
    operation: operationJson({ ...originOf(caller), action: 'room.booking.add', resource: 'room_booking' }),
  })
  return { id, status, doubleBooked: doubleBooked(facts) }
}

/** Place and time of a wish, for messages. */
function namedOf({ room }: BookingFacts, { start, end }: Wish) {
  return { roomName: room.name, buildingName: room.buildingName, startTime: start, endTime: end }
}

/** Runs a write; what the overlap constraint refuses is decided anew, on facts that show who was first. */
async function unlessTaken<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (errorCode(error) === '23P01') throw new Stale()
    throw error
  }
}

/** The wish as the rules see it: everybody once, the applicant among them. */
function settle({ roomId, start, end, userIds }: BookingWish, applicantId: number): Wish {
  return { roomId, applicantId, start, end, userIds: [...new Set([applicantId, ...userIds])] }
}

/** What an edit changes; what is not named stays. */
export interface BookingEdit {
  readonly roomId?: number | undefined
  readonly purpose?: string | undefined
  readonly start?: Date | undefined
  readonly end?: Date | undefined
  readonly userIds?: readonly number[] | undefined
}

/**
 * Changes the caller's booking that has not begun, within the rules of a new one. A rejected one is in the running again, an approved one
 * whose time or room changes is decided again when there is an audit.
 * @throws what `createBooking` does, Conflict `bad_state`, NotFound or Forbidden for somebody else's.
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
    const seen = ownBooking(await store.findBooking(tx, id, now), caller, door)
    const wish = changed(seen, await store.participantsOf(tx, id), edit)
    await store.lockPeople(tx, wish.userIds)
    await store.lockRoom(tx, wish.roomId)
    await store.lockBookings(tx, [id], now)
    const booking = ownBooking(await store.findBooking(tx, id, now), caller, door)
    const before = await store.participantsOf(tx, id)
    // Somebody else moved it between the reading and the locks, which are then perhaps the wrong ones.
    if (!sameWish(wish, changed(booking, before, edit))) throw new Stale()
    if (!mayEdit(booking, now)) throw badState(booking.status, '仅开始前的待审核、已批准或已驳回的预约可以修改')

    const facts = await decide(kernel, tx, wish, now, id)
    if (facts.overdue) await settleRoom(kernel, tx, wish.roomId)
    const moves = !sameSpan(wish, changed(booking, before, {}))
    const status = statusAfterEdit(booking.status, moves, facts.setting)
    const purpose = edit.purpose ?? booking.purpose
    await unlessTaken(() => store.changeBooking(tx, { id, wish, purpose, status, now, by: caller.userId }))

    const told = { id, ...namedOf(facts, wish), userIds: wish.userIds }
    await tellBookings(tx, [told], 'room.booking.changed', now, zone, { status: STATUS_TEXT[status] })
    const removed = before.filter((userId) => !wish.userIds.includes(userId))
    // What they knew: they never had the new time or room.
    if (removed.length > 0)
      await tellBookings(tx, [{ ...booking, userIds: removed }], 'room.booking.removed', now, zone)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.booking.edit',
      resource: 'room_booking',
      resourceId: id,
      changes: changesOf(
        { ...changed(booking, before, {}), purpose: booking.purpose, status: booking.status },
        { ...wish, purpose, status },
      ),
    })
    return { id, status, doubleBooked: doubleBooked(facts) }
  })
  kernel.nudge()
  return booked
}

/** By which door somebody comes: at the desk everybody's bookings are known, in the portal one's own. */
export type Door = 'manage' | 'portal'

/**
 * Cancels a booking that has not begun. At the desk also somebody else's, which is noted as cancelled by staff and told.
 * @throws Conflict `bad_state`, NotFound (in the portal for somebody else's too).
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
 * Staff put an end to a booking, with a reason that its people read: also to one that runs.
 * @throws Conflict `bad_state`, NotFound.
 */
export async function forceCancel(kernel: Kernel, caller: Caller, id: number, reason: string): Promise<void> {
  await withBooking(kernel, id, async (tx, booking, now) => {
    if (!mayForceCancel(booking.status)) throw badState(booking.status, '仅待审核、已批准或进行中的预约可以强制取消')
    await cancel(kernel, tx, caller, booking, reason, now)
  })
}

/** Writes a cancellation that is allowed; `reason` is that of staff, null where the applicant cancels. */
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
 * Lets a booking that runs end earlier: at `end`, or now when that is past or absent. What is left of its time is free at once. At the desk
 * also somebody else's.
 * @throws Conflict `not_started` or `bad_state`, Invalid `too_late` when `end` is later than it ends anyway, NotFound.
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
 * A participant withdraws from a booking that has not begun, while enough stay. Its people are told.
 * @throws Conflict `bad_state` or `is_applicant`, Invalid `too_few_people`, NotFound for those who don't take part.
 */
export async function leaveBooking(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  await withBooking(kernel, id, async (tx, booking, now) => {
    const userIds = await store.participantsOf(tx, id)
    if (!userIds.includes(caller.userId)) throw noSuchBooking()
    if (booking.applicantId === caller.userId) throw new Conflict('is_applicant', '申请人不能退出，请取消预约')
    if (!mayCancel(booking.status)) throw badState(booking.status, '仅开始前的待审核或已批准的预约可以退出')
    if (userIds.length <= FEWEST_PEOPLE) {
      throw refusal('too_few_people', `退出后使用人将少于 ${FEWEST_PEOPLE} 人，请联系申请人取消或调整预约`)
    }
    await takeOff(tx, booking, caller.userId, userIds, originOf(caller), now, kernel.config.timeZone)
  })
}

/** Runs `work` in one transaction on a booking that is locked, as it stands now. @throws NotFound */
async function withBooking(
  kernel: Kernel,
  id: number,
  work: (tx: Transaction, booking: Booking, now: Date) => Promise<void>,
): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    await store.lockBookings(tx, [id], now)
    const booking = await store.findBooking(tx, id, now)
    if (!booking) throw noSuchBooking()
    await work(tx, booking, now)
  })
  kernel.nudge()
}

/** The booking, when the caller applied for it. @throws NotFound, at the desk Forbidden for somebody else's. */
function ownBooking(booking: Booking | null, caller: Caller, door: Door): Booking {
  if (!booking) throw noSuchBooking()
  if (booking.applicantId === caller.userId) return booking
  throw door === 'portal' ? noSuchBooking() : new Forbidden('not_applicant', '仅申请人可以修改预约')
}

/** What an edit makes of a booking. */
function changed(booking: Booking, userIds: readonly number[], edit: BookingEdit): Wish {
  return settle(
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

function sameSpan(a: Wish, b: Wish): boolean {
  return a.roomId === b.roomId && a.start.getTime() === b.start.getTime() && a.end.getTime() === b.end.getTime()
}

function sameWish(a: Wish, b: Wish): boolean {
  return sameSpan(a, b) && a.userIds.length === b.userIds.length && a.userIds.every((id) => b.userIds.includes(id))
}

/** For the operation log: what an edit changed. */
function changesOf(before: Edited, after: Edited): Record<string, readonly [unknown, unknown]> {
  const fields = ['roomId', 'start', 'end', 'purpose', 'status', 'userIds'] as const
  return Object.fromEntries(
    fields
      .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
      .map((field) => [field, [before[field], after[field]] as const]),
  )
}

type Edited = Wish & { readonly purpose: string; readonly status: BookingStatus }
