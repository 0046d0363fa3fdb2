import { randomUUID } from 'node:crypto'
import { maySeriesStand, type SeriesMode, type Week, weeksOf } from '../../../booking/weekly.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, DomainError, Invalid, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { joinedTo } from '../../../kernel/http/request/idempotency.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localDate } from '../../../kernel/time.ts'
import { type Booked, type BookingRequest, createBooking } from '../../core/booking.ts'
import { tellBookings } from '../../core/bookingMessages.ts'
import { lockPeople, lockRoom } from '../../core/bookingsStore.ts'
import { moveStatus, recordCancelled } from '../../core/moves.ts'
import { CANCELLED } from '../../core/states.ts'
import { sentenceOf } from '../../sentences.ts'
import { FEWEST_WEEKS, failedWords, MOST_WEEKS, weeksUntil } from './rules.ts'
import { findSeries } from './store.ts'

/** A request for the same booking week after week: a number of weeks, or up to a local date. */
export interface SeriesRequest {
  readonly first: Omit<BookingRequest, 'seriesId'>
  readonly weeks: number | null
  readonly until: string | null
  readonly mode: SeriesMode
}

/** A series that was booked: its weeks, and those that could not be booked. */
export interface Series {
  readonly seriesId: string
  readonly booked: readonly (Booked & { readonly date: string })[]
  readonly failed: readonly { readonly date: string; readonly msg: string }[]
}

/**
 * Books the same room at the same local time week after week, in one transaction: all weeks, or (`best_effort`) those
 * that can be booked. Each week must follow the rules of a booking, including the days that can be booked ahead.
 * @throws Invalid `series_refused`, whose sentence names the dates, if a week of `all`, or every week, was refused:
 * then nothing is booked.
 */
export async function bookSeries(kernel: Kernel, caller: Caller, request: SeriesRequest): Promise<Series> {
  const { first, mode } = request
  const zone = kernel.config.timeZone
  const weeks = weeksOf({ startAt: first.start, endAt: first.end }, weeksIn(request, zone), zone)
  const series = await kernel.transaction(async (tx): Promise<Series> => {
    // People before the room, in the usual order of locks. With the room locked, the facts stay true for all weeks.
    await lockPeople(tx, [caller.userId, ...first.userIds])
    await lockRoom(tx, first.roomId)
    const inside = joinedTo(tx, kernel, () => {})
    const seriesId = randomUUID()
    const booked: Series['booked'][number][] = []
    const failed: Series['failed'][number][] = []
    for (const week of weeks) {
      const answer = await bookWeek(inside, caller, { ...first, seriesId }, week)
      if (typeof answer === 'string') failed.push({ date: week.date, msg: answer })
      else booked.push({ ...answer, date: week.date })
    }
    if (!maySeriesStand(mode, booked.length, weeks.length)) {
      throw new Invalid('series_refused', `整个系列均未预约。${failedWords(failed)}`, { status: 422 })
    }
    return { seriesId, booked, failed }
  })
  kernel.nudge()
  return series
}

/** Books one week. A refusal undoes this week only and is returned as its sentence. */
async function bookWeek(kernel: Kernel, caller: Caller, request: BookingRequest, week: Week): Promise<Booked | string> {
  try {
    return await createBooking(kernel, caller, { ...request, start: week.startAt, end: week.endAt })
  } catch (error) {
    if (error instanceof DomainError && error.status === 422) return sentenceOf(error)
    throw error
  }
}

/**
 * The number of weeks of a request. @throws Invalid `validation` if neither `weeks` nor `until` is given, or the number
 * is out of bounds.
 */
function weeksIn({ first, weeks, until }: SeriesRequest, zone: string): number {
  if (weeks !== null) return weeks
  if (until === null) {
    throw new Invalid('validation', 'The request is not valid.', {
      errors: [{ in: 'body', path: '/weeks', message: 'is required' }],
    })
  }
  const counted = weeksUntil(localDate(first.start, zone), until)
  if (counted === null) {
    throw new Invalid('validation', `until 不合法：每周预约须为 ${FEWEST_WEEKS} 至 ${MOST_WEEKS} 周`)
  }
  return counted
}

/**
 * Cancels the bookings of the caller's series that have not begun, and tells their people. Returns the cancelled
 * bookings.
 * @throws NotFound for a series that is not the caller's, Conflict `bad_state` if none can be cancelled.
 */
export async function cancelSeries(kernel: Kernel, caller: Caller, seriesId: string): Promise<readonly number[]> {
  const cancelled = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const { size, ahead } = await findSeries(tx, seriesId, caller.userId, now)
    if (size === 0) throw new NotFound('not_found', '系列预约不存在')
    const moved = await moveStatus(tx, ahead, { to: CANCELLED, now, by: caller.userId })
    if (moved.length === 0) throw new Conflict('bad_state', '该系列没有可以取消的预约')
    await tellBookings(tx, moved, 'room.booking.cancelled', now, kernel.config.timeZone)
    await recordCancelled(tx, moved, null, originOf(caller), now)
    return moved.map(({ id }) => id)
  })
  kernel.nudge()
  return cancelled
}
