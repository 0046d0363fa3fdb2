import type { Logger } from 'pino'
import { isDatabaseAway } from '../database/constraints.ts'

/** A loop that repeatedly checks for work. */
export interface Repeating {
  start(): void
  /** Starts a run now, or right after the present one. */
  nudge(): void
  /** Starts no new run; resolves when the present one is over. */
  stop(): Promise<void>
}

export interface RepeatOptions {
  readonly name: string
  readonly log: Pick<Logger, 'error'>
  /** The usual pause between two runs, in milliseconds. The pause after a failure grows from it. */
  readonly everyMs: number
  /** Does the work. Returns the pause before the next run, in milliseconds. */
  readonly run: () => Promise<number>
}

const LONGEST_PAUSE_MS = 5_000

/**
 * Runs `run` repeatedly in this process, one run at a time. A run that throws is logged and tried again after a growing
 * pause. A database that is away is logged elsewhere.
 */
export function repeat({ name, log, everyMs, run }: RepeatOptions): Repeating {
  let timer: NodeJS.Timeout | undefined
  let inHand: Promise<void> | undefined
  let started = false
  let nudged = false
  let failures = 0

  const go = () => {
    if (!started) return
    if (inHand) {
      nudged = true
      return
    }
    clearTimeout(timer)
    nudged = false
    inHand = runOnce().then((pause) => {
      inHand = undefined
      if (started) timer = setTimeout(go, nudged && failures === 0 ? 0 : pause)
    })
  }

  const runOnce = async (): Promise<number> => {
    try {
      const pause = await run()
      failures = 0
      return pause
    } catch (err) {
      failures += 1
      if (!isDatabaseAway(err)) log.error({ err }, `${name} failed`)
      return Math.min(everyMs * 2 ** failures, LONGEST_PAUSE_MS)
    }
  }

  return {
    start() {
      if (started) return
      started = true
      go()
    },
    // While runs fail, nudges would only make them fail more often.
    nudge: () => {
      if (failures === 0) go()
    },
    async stop() {
      started = false
      clearTimeout(timer)
      await inHand
    },
  }
}
