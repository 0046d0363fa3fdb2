import { minutesAfter, minutesBetween } from '../../../booking/interval.ts'

/** Minutes before the start of a session from which its doctor can check in. */
const EARLY_MINUTES = 60

/** States of a doctor's presence at a session, as the clients show them. */
export const PRESENCES = ['not_checkin', 'checked_in', 'checkout_pending', 'checked_out', 'absent'] as const
export type Presence = (typeof PRESENCES)[number]

/** The times of a session with the doctor's presence. */
export interface Attended {
  readonly startAt: Date
  readonly endAt: Date
  /** The stored state; null without a record. */
  readonly status: 'checked_in' | 'checked_out' | 'absent' | null
}

/** The state of a presence now: checking out is due (`checkout_pending`) from the end of the session on. */
export function presenceAt({ endAt, status }: Attended, now: Date): Presence {
  if (status === null) return 'not_checkin'
  return status === 'checked_in' && now >= endAt ? 'checkout_pending' : status
}

/** Whether a doctor may check in: from an hour before the session until it ends. */
export function mayCheckIn({ startAt, endAt }: Pick<Attended, 'startAt' | 'endAt'>, now: Date): boolean {
  return now >= minutesAfter(startAt, -EARLY_MINUTES) && now < endAt
}

/**
 * The session that matters now, of a day's sessions in their order: one that was begun and not ended by checking out,
 * else the next one to attend, else the last.
 */
export function currentOf<Session extends Attended>(sessions: readonly Session[], now: Date): Session | undefined {
  return (
    sessions.find(({ status }) => status === 'checked_in') ??
    sessions.find(({ status, endAt }) => status === null && now < endAt) ??
    sessions.at(-1)
  )
}

/** Whole minutes from one instant to another; 0 if it has passed. */
export function minutesUntil(from: Date, to: Date): number {
  return Math.max(0, minutesBetween(from, to))
}
