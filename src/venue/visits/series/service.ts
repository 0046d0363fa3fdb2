import { randomUUID } from 'node:crypto'
import { maySeriesStand, type SeriesMode, weeksOf } from '../../../booking/weekly.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, DomainError, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { joinedTo } from '../../../kernel/http/request/idempotency.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { personOf } from '../../core/access.ts'
import { placeOrder } from '../../core/booking.ts'
import { ensureMembers, lockMembers } from '../../core/membersStore.ts'
import type { Order } from '../../core/order.ts'
import type { Reservation } from '../../core/reservationsStore.ts'
import * as store from './store.ts'

export interface SeriesRequest {
  readonly slotId: number
  /** Person to book for, by default the caller. */
  readonly userId?: number | undefined
  readonly partySize: number
  /** Number of weeks, including that of the slot. */
  readonly weeks: number
  readonly mode: SeriesMode
}

/**
 * Result of one week: a reservation, or the code of the reason why there is none. Both are null for a week that was
 * possible in a series that was refused.
 */
export interface WeekResult {
  readonly week: number
  readonly date: string
  readonly slotId: number | null
  readonly reservation: Reservation | null
  readonly code: string | null
  readonly message: string | null
}

export interface Series {
  readonly id: string
  readonly booked: number
  readonly results: readonly WeekResult[]
}

/**
 * Books the same time of the same venue week after week, in one transaction: all weeks, or (`best_effort`) those that
 * are possible.
 * @throws Conflict `series_refused` with `facts.results` when a week of `all`, or every week, was refused; nothing is
 * booked then.
 */
export async function bookSeries(kernel: Kernel, caller: Caller, request: SeriesRequest): Promise<Series> {
  const person = await personOf(kernel, caller, request.userId)
  const id = randomUUID()
  const results = await kernel.transaction(async (tx) => {
    const slot = await store.findTimes(tx, request.slotId)
    if (!slot) throw new NotFound('not_found', 'There is no such slot.')
    const weeks = weeksOf(slot, request.weeks, kernel.config.timeZone)
    // Locks the person, then all slots by id: while the locks are held, the facts of the bookings below don't change.
    await ensureMembers(tx, [person.userId], kernel.clock.now())
    await lockMembers(tx, [person.userId])
    const slots = await store.lockSlotsOfWeeks(tx, slot.venueId, weeks)
    const inside = joinedTo(tx, kernel, () => {})
    const results: WeekResult[] = []
    for (const { week, date } of weeks) {
      const slotId = slots.get(week) ?? null
      const order = { ...person, origin: originOf(caller), partySize: request.partySize, seriesId: id }
      results.push({ week, date, slotId, ...(await bookWeek(inside, slotId, order)) })
    }
    if (!maySeriesStand(request.mode, bookedIn(results), request.weeks)) throw seriesRefused(results)
    return results
  })
  kernel.nudge()
  return { id, booked: bookedIn(results), results }
}

function bookedIn(results: readonly WeekResult[]): number {
  return results.filter(({ reservation }) => reservation !== null).length
}

/** Books one week; a refusal undoes only that week. */
async function bookWeek(
  kernel: Kernel,
  slotId: number | null,
  order: Omit<Order, 'slotId'>,
): Promise<Pick<WeekResult, 'reservation' | 'code' | 'message'>> {
  if (slotId === null) {
    return { reservation: null, code: 'no_slot', message: 'The venue has no slot at that time in this week.' }
  }
  try {
    return { reservation: await placeOrder(kernel, { ...order, slotId }), code: null, message: null }
  } catch (error) {
    if (!(error instanceof DomainError) || error.status !== 409) throw error
    return { reservation: null, code: error.code, message: error.message }
  }
}

function seriesRefused(results: readonly WeekResult[]): Conflict {
  const refusedWeeks = results.filter(({ reservation }) => reservation === null).length
  return new Conflict(
    'series_refused',
    `${refusedWeeks} of ${results.length} weeks can’t be booked; nothing was booked.`,
    {
      facts: {
        results: results.map(({ week, date, slotId, code, message }) => ({
          week,
          date,
          time_slot_id: slotId,
          reservation: null,
          code,
          message,
        })),
      },
    },
  )
}
