import type { Logger } from 'pino'
import { isDatabaseAway } from '../database/constraints.ts'

/** Something that looks again and again whether there is work. */
export interface Repeating {
  start(): void
  /** Look now, or right after the run in hand. */
  nudge(): void
  /** No new run; resolves when the one in hand is over. */
  stop(): Promise<void>
}

export interface RepeatOptions {
  readonly name: string
  readonly log: Pick<Logger, 'error'>
  /** The longest pause between two looks, in milliseconds. */
  readonly everyMs: number
  /** Does what there is to do; answers the pause before the next run in milliseconds. */
  readonly run: () => Promise<number>
}

const LONGEST_PAUSE_MS = 5_000

/**
 * Runs one thing over and over in this process, never twice at a time. A run that throws is logged and tried again, after a growing pause; that
 * the database is away is said elsewhere.
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
    inHand = once().then((pause) => {
      inHand = undefined
      if (started) timer = setTimeout(go, nudged && failures === 0 ? 0 : pause)
    })
  }

  const once = async (): Promise<number> => {
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
    // While it fails, nudges would only make it fail more often.
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
