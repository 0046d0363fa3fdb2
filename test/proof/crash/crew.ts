import { setTimeout as pause } from 'node:timers/promises'
import type { Duty, Fleet, Running } from '../../support/processes.ts'
import type { Targets } from '../traffic/ask.ts'

/** Processes that are started again whenever they are gone, as a supervisor does. */
export interface Crew {
  /** Kills one that runs; answers whether there was one. It is started again by itself. */
  killOne(): Promise<boolean>
  /** Resolves when all of them run. */
  complete(): Promise<void>
  /** Ends all of them in order. Answers how each ended: 0 where all is well. */
  end(): Promise<readonly (number | NodeJS.Signals | null)[]>
  /** What those wrote that ended without having been asked to. */
  readonly deserted: readonly string[]
  /** What all of them wrote, from the first on. */
  output(): string
}

/** As a supervisor does: without a pause, starts that fail would take the machine from those that serve. */
const RETRY_MS = 2000

/** Starts so many processes of a duty. */
export function openCrew(
  fleet: Fleet,
  duty: Duty,
  count: number,
  env: Readonly<Record<string, string>>,
  targets?: Targets,
): Crew {
  const running = new Set<Running>()
  const everybody: Running[] = []
  const deserted: string[] = []
  const sent = new Set<Running>()
  let ending = false
  let starting: Promise<void>[] = []

  /** While the database is away a start fails: again, until it is back. */
  const start = async (): Promise<void> => {
    while (!ending) {
      const started = await fleet.start(duty, env).catch(() => undefined)
      if (!started) {
        await pause(RETRY_MS)
        continue
      }
      running.add(started)
      everybody.push(started)
      if (started.url !== undefined) targets?.add(started.url)
      void started.gone.then(() => {
        leave(started)
        if (sent.has(started) || ending) return
        deserted.push(started.output())
        starting.push(start())
      })
      return
    }
  }
  const leave = (one: Running) => {
    running.delete(one)
    if (one.url !== undefined) targets?.remove(one.url)
  }
  starting = Array.from({ length: count }, start)

  return {
    deserted,
    output: () => everybody.map((one) => one.output()).join('\n'),
    async killOne() {
      const one = [...running][Math.floor(Math.random() * running.size)]
      if (!one) return false
      sent.add(one)
      leave(one)
      await one.kill()
      starting.push(start())
      return true
    },
    async complete() {
      while (running.size < count) {
        await Promise.all(starting)
        // Whoever has just gone is started again in a moment.
        await pause(50)
      }
    },
    async end() {
      ending = true
      return Promise.all([...running].map((one) => one.end()))
    },
  }
}
