import { defineLifecycle } from '../../booking/lifecycle.ts'

/** The states of a booking (seed 业务规则): 待审, 已批准, 已驳回, 已取消, 进行中, 已完成. */
export const BOOKING_STATES = ['0', '1', '2', '3', '4', '5'] as const

export type BookingStatus = (typeof BOOKING_STATES)[number]

export const PENDING = '0'
export const APPROVED = '1'
export const REJECTED = '2'
export const CANCELLED = '3'
export const ONGOING = '4'
export const COMPLETED = '5'

/** The words for each state (`statusText` in the document's details). */
export const STATUS_TEXT: Readonly<Record<BookingStatus, string>> = {
  '0': '待审核',
  '1': '已批准',
  '2': '已驳回',
  '3': '已取消',
  '4': '进行中',
  '5': '已完成',
}

/** The table of allowed moves. Only an edit moves a rejected booking, or an approved one back to pending. */
export const lifecycle = defineLifecycle<BookingStatus>({
  '0': ['1', '2', '3'],
  '1': ['0', '3', '4', '5'],
  '2': ['0', '1'],
  '3': [],
  '4': ['3', '5'],
  '5': [],
})

/** States in which a booking keeps its room; the overlap constraint has the same list. */
export const HOLDING: readonly BookingStatus[] = [PENDING, APPROVED, ONGOING]

/** The words for the segments of a timeline; states that no timeline shows have none. */
export const SEGMENT_WORDS: Readonly<Partial<Record<BookingStatus, string>>> = {
  '0': 'pending',
  '1': 'approved',
  '4': 'ongoing',
  '5': 'completed',
}

/**
 * The state of a booking at an instant, whatever is stored: approved bookings begin and end by themselves, and a
 * booking that is still pending at its start is rejected (page, States).
 */
export function statusAt(
  booking: { readonly status: BookingStatus; readonly startTime: Date; readonly endTime: Date },
  now: Date,
): BookingStatus {
  const { status, startTime, endTime } = booking
  if (status === PENDING && startTime <= now) return REJECTED
  if (status !== APPROVED && status !== ONGOING) return status
  if (endTime <= now) return COMPLETED
  return startTime <= now ? ONGOING : status
}

/** The reason for rejecting a booking that was still pending at its start. */
export const TIMED_OUT = '超时未审核'
