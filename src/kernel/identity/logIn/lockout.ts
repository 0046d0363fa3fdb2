const MINUTE = 60_000

/** A rule for locking a name or an address: after `failures` within `minutes`, for the same number of minutes. */
export interface LockoutRule {
  readonly failures: number
  readonly minutes: number
}

/**
 * The end of the lock, or undefined if there is none. `failures` are the latest ones, newest first. Attempts during a
 * lock don't count as failures, so every lock ends; the failures that caused it are then too old to cause another.
 */
export function lockedUntil(failures: readonly Date[], rule: LockoutRule, now: Date): Date | undefined {
  const newest = failures[0]
  const oldest = failures[rule.failures - 1]
  if (!newest || !oldest) return undefined
  const span = rule.minutes * MINUTE
  if (newest.getTime() - oldest.getTime() > span) return undefined
  const until = newest.getTime() + span
  return now.getTime() < until ? new Date(until) : undefined
}

/** The start of the period in which failures count: those that caused a lock can be up to twice `minutes` old. */
export function failuresSince(rule: LockoutRule, now: Date): Date {
  return new Date(now.getTime() - 2 * rule.minutes * MINUTE)
}
