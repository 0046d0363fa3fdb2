import type { Clock } from '../../clock.ts'

/** Keeps a process from calling a provider that is down: after some failures in a row it waits, then tries one. */
export interface Breaker {
  /** The instant until which nothing is sent; undefined while all is well, or when one try is due. */
  openUntil(): Date | undefined
  succeeded(): void
  failed(): void
}

const FAILURES = 5
const FIRST_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 15 * 60_000

/** A breaker of one provider in this process: five failures in a row open it for a minute, then twice as long each time, up to a quarter of an hour. */
export function createBreaker(clock: Clock): Breaker {
  let failures = 0
  let until = 0
  return {
    openUntil() {
      const wait = until - clock.now().getTime()
      // A longer wait than there is: the clock was turned back.
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
