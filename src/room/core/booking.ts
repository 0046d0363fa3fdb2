import { originOf } from '../../kernel/audit/origin.ts'
import type { Database } from '../../kernel/database/database.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { messageJson, operationJson } from '../../kernel/outbox/outbox.ts'
import { bookingWords } from './bookingMessages.ts'
import { insertBooking } from './bookingRowStore.ts'
import { lockPeople } from './bookingsStore.ts'
import { readFacts } from './facts.ts'
import { refused } from './refusals.ts'
import { type BookingFacts, bookingRefusal, doubleBooked, firstStatus, type Order } from './rules.ts'
import { settleRoom } from './settling.ts'
import { APPROVED, type BookingStatus } from './states.ts'

/** The content of a booking request. The caller is the applicant, and is added to the people who use the room. */
export interface BookingRequest {
  readonly roomId: number
  readonly purpose: string
  readonly start: Date
  readonly end: Date
  readonly userIds: readonly number[]
  /** The weekly series that it belongs to. */
  readonly seriesId?: string
}

/** A booking that was made or changed. */
export interface Booked {
  readonly id: number
  readonly status: BookingStatus
  /** Names of participants in another booking at that time, if the setting warns of it. */
  readonly doubleBooked: readonly string[]
}

/** The order of a request for the rules: each person once, including the applicant. */
export function orderOf({ roomId, start, end, userIds }: BookingRequest, applicantId: number): Order {
  return { roomId, applicantId, start, end, userIds: [...new Set([applicantId, ...userIds])] }
}

/**
 * Books a room for the caller and others: reads the facts, asks the rules, and writes with every guard in one
 * statement. If a fact has changed in between, repeats it on fresh facts.
 * @throws Invalid (a `Refusal` as its code, with a sentence) if the rules forbid it, NotFound if there is no such room.
 */
export async function createBooking(kernel: Kernel, caller: Caller, request: BookingRequest): Promise<Booked> {
  const order = orderOf(request, caller.userId)
  const booked = await kernel.withRetries(async (db) => {
    const now = kernel.clock.now()
    const facts = await allowedFacts(kernel, db, order, now)
    if (facts.setting.participantOverlap === 'refuse') return bookAlone(kernel, caller, request, order)
    if (facts.overdue) await kernel.transaction((tx) => settleRoom(kernel, tx, order.roomId))
    return write(kernel, db, caller, request, order, facts, now)
  })
  kernel.nudge()
  return booked
}

/** Locks the people while the booking is decided and written: used where nobody may have two bookings at a time. */
function bookAlone(kernel: Kernel, caller: Caller, request: BookingRequest, order: Order): Promise<Booked> {
  return kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    await lockPeople(tx, order.userIds)
    const facts = await allowedFacts(kernel, tx, order, now)
    if (facts.overdue) await settleRoom(kernel, tx, order.roomId)
    return write(kernel, tx, caller, request, order, facts, now)
  })
}

/**
 * The facts of an order that the rules allow.
 * @throws Invalid (a `Refusal` as its code) if they don't allow it, NotFound for the room.
 */
export async function allowedFacts(
  kernel: Kernel,
  db: Database,
  order: Order,
  now: Date,
  except?: number,
): Promise<BookingFacts> {
  const zone = kernel.config.timeZone
  const facts = await readFacts(db, order, now, except)
  const forbidden = bookingRefusal(facts, order, now, zone)
  if (forbidden) throw refused(forbidden, facts, order, zone)
  return facts
}

async function write(
  kernel: Kernel,
  db: Database,
  caller: Caller,
  { purpose, seriesId }: BookingRequest,
  order: Order,
  facts: BookingFacts,
  now: Date,
): Promise<Booked> {
  const status = firstStatus(facts.setting)
  const id = await insertBooking(db, {
    order,
    revision: facts.room.revision,
    purpose,
    status,
    seriesId: seriesId ?? null,
    now,
    message: messageJson({
      type: status === APPROVED ? 'room.booking.approved' : 'room.booking.pending',
      userIds: order.userIds,
      data: bookingWords(namedOf(facts, order), kernel.config.timeZone),
    }),
    operation: operationJson({ ...originOf(caller), action: 'room.booking.add', resource: 'room_booking' }),
  })
  return { id, status, doubleBooked: doubleBooked(facts) }
}

/** Place and time of an order, for messages. */
export function namedOf({ room }: BookingFacts, { start, end }: Order) {
  return { roomName: room.name, buildingName: room.buildingName, startTime: start, endTime: end }
}
