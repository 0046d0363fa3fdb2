import { setTimeout as pause } from 'node:timers/promises'

/** The next thing that a person does; called repeatedly. */
export type Step = () => Promise<void>

/** People who take steps. */
export interface Traffic {
  /** Resolves when all people have finished their current step. */
  stop(): Promise<void>
}

/** Runs all steps repeatedly and concurrently, with a pause of at most `thinkingMs` milliseconds in between. */
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

/** A random element. @throws Error when there is none. */
export function oneOf<T>(all: readonly T[]): T {
  const one = all[Math.floor(Math.random() * all.length)]
  if (one === undefined) throw new Error('there is nothing to choose from')
  return one
}
