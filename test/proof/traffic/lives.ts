import { setTimeout as pause } from 'node:timers/promises'

/** What somebody does next. Called again and again. */
export type Step = () => Promise<void>

/** People at it. */
export interface Traffic {
  /** Everybody finishes what they are at. */
  stop(): Promise<void>
}

/** Lets all of them take steps at the same time, each thinking so many milliseconds at most in between. */
export function startTraffic(steps: readonly Step[], thinkingMs: number): Traffic {
  let stopping = false
  const lives = steps.map(async (step) => {
    while (!stopping) {
      await step()
      await pause(Math.random() * thinkingMs)
    }
  })
  return {
    async stop() {
      stopping = true
      await Promise.all(lives)
    },
  }
}

/** One of them. @throws Error when there is none. */
export function oneOf<T>(all: readonly T[]): T {
  const one = all[Math.floor(Math.random() * all.length)]
  if (one === undefined) throw new Error('there is nothing to choose from')
  return one
}
