import type { Clock } from '../../clock.ts'

/**
 * A circuit breaker: after some failures in a row the process stops calling the provider for a while, then tries one
 * call.
 */
export interface Breaker {
  /** The instant until which nothing is sent; undefined when a call may be made. */
  openUntil(): Date | undefined
  succeeded(): void
  failed(): void
}

const FAILURES = 5
const FIRST_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 15 * 60_000

/**
 * Builds the breaker of one provider in this process. Five failures in a row open it for a minute; each further failure
 * doubles the time, up to 15 minutes.
 */
export function createBreaker(clock: Clock): Breaker {
  let failures = 0
  let until = 0
  return {
    openUntil() {
      const wait = until - clock.now().getTime()
      // A wait beyond the maximum means that the clock was set back.
      return wait > 0 && wait <= LONGEST_PAUSE_MS ? new Date(until) : undefined
    },
    succeeded() {
      failures = 0
      until = 0
    },
    failed() {
      failures += 1
      if (failures < FAILURES) return
      until = clock.now().getTime() + Math.min(FIRST_PAUSE_MS * 2 ** (failures - FAILURES), LONGEST_PAUSE_MS)
    },
  }
}
