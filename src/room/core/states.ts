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

/** `statusText` of the document's details. */
export const STATUS_TEXT: Readonly<Record<BookingStatus, string>> = {
  '0': '待审核',
  '1': '已批准',
  '2': '已驳回',
  '3': '已取消',
  '4': '进行中',
  '5': '已完成',
}

/** The one table of allowed moves. An edit may take an approved booking back to be decided, and a rejected one into the running again. */
export const lifecycle = defineLifecycle<BookingStatus>({
  '0': ['1', '2', '3'],
  '1': ['0', '3', '4', '5'],
  '2': ['0', '1'],
  '3': [],
  '4': ['3', '5'],
  '5': [],
})

/** Bookings in these states keep their room from others (the overlap constraint says the same). */
export const HOLDING: readonly BookingStatus[] = [PENDING, APPROVED, ONGOING]

/** The words that segments of a timeline use; what isn't on a timeline has none. */
export const SEGMENT_WORDS: Readonly<Partial<Record<BookingStatus, string>>> = {
  '0': 'pending',
  '1': 'approved',
  '4': 'ongoing',
  '5': 'completed',
}

/**
 * The state a booking is in at an instant, whatever the job has settled yet: approved ones begin and end by themselves, and one that
 * nobody decided about before its start is rejected (page, States).
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

/** Why a booking was rejected that nobody decided about before its start. */
export const TIMED_OUT = '超时未审核'
