import { setTimeout as pause } from 'node:timers/promises'
import type { Duty, Fleet, Running } from '../../support/processes.ts'
import type { Targets } from '../traffic/ask.ts'

/** Processes that are restarted when they end, like under a supervisor. */
export interface Crew {
  /** Kills a running process, which is then restarted; returns false if none runs. */
  killOne(): Promise<boolean>
  /** Resolves when all of them run. */
  complete(): Promise<void>
  /** Asks all of them to end; returns the exit code of each, or the signal that ended it. */
  end(): Promise<readonly (number | NodeJS.Signals | null)[]>
  /** The output of processes that ended by themselves. */
  readonly deserted: readonly string[]
  /** The output of all processes since the beginning. */
  output(): string
}

/** Pause after a failed start: without it, failing starts would slow down the other processes. */
const RETRY_MS = 2000

/** Starts `count` processes with the same duty. */
export function openCrew(
  fleet: Fleet,
  duty: Duty,
  count: number,
  env: Readonly<Record<string, string>>,
  targets?: Targets,
): Crew {
  const running = new Set<Running>()
  const all: Running[] = []
  const deserted: string[] = []
  const killed = new Set<Running>()
  let ending = false
  let starting: Promise<void>[] = []

  /** Starts a process; repeats this while the database is away. */
  const start = async (): Promise<void> => {
    while (!ending) {
      const started = await fleet.start(duty, env).catch(() => undefined)
      if (!started) {
        await pause(RETRY_MS)
        continue
      }
      running.add(started)
      all.push(started)
      if (started.url !== undefined) targets?.add(started.url)
      void started.gone.then(() => {
        leave(started)
        if (killed.has(started) || ending) return
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
    output: () => all.map((one) => one.output()).join('\n'),
    async killOne() {
      const one = [...running][Math.floor(Math.random() * running.size)]
      if (!one) return false
      killed.add(one)
      leave(one)
      await one.kill()
      starting.push(start())
      return true
    },
    async complete() {
      while (running.size < count) {
        await Promise.all(starting)
        // A process that has just ended is restarted soon.
        await pause(50)
      }
    },
    async end() {
      ending = true
      return Promise.all([...running].map((one) => one.end()))
    },
  }
}
