const MINUTE = 60_000

/** When a name or an address is locked: so many failures within so many minutes, for as long again. */
export interface LockoutRule {
  readonly failures: number
  readonly minutes: number
}

/**
 * Until when the door stays shut, or undefined when it is open. `failures` are the latest ones, newest first; attempts while locked are no
 * failures, so a lock always ends, and those that made it are then too old to make another.
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

/** Since when failures can matter: those that made a lock lie up to twice its minutes back. */
export function failuresSince(rule: LockoutRule, now: Date): Date {
  return new Date(now.getTime() - 2 * rule.minutes * MINUTE)
}
