/**
 * The only source of time for rules. Instants are `Date`s (milliseconds since the epoch); calendar questions
 * (which local day, which weekday) go through `kernel/time.ts`.
 */
export interface Clock {
  now(): Date
}

/** The real time of this machine. */
export const systemClock: Clock = { now: () => new Date() }

/** A clock that stands still until it is moved: for `CLOCK=manual` and tests. */
export class ManualClock implements Clock {
  #now: number

  constructor(start: Date) {
    this.#now = start.getTime()
  }

  now(): Date {
    return new Date(this.#now)
  }

  /** Moves to an instant, forwards or backwards. */
  set(to: Date): void {
    this.#now = to.getTime()
  }

  /** Moves forward by a number of minutes. */
  advance(minutes: number): void {
    this.#now += minutes * 60_000
  }
}
