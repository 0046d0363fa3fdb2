import { Worker } from 'node:worker_threads'
import { Unavailable } from '../../errors.ts'

/** How hard a password is to guess, by zxcvbn. */
export interface Strength {
  /** 0 (at once) to 4 (very hard). */
  readonly score: number
  readonly warning: string | undefined
  readonly suggestions: readonly string[]
}

interface Answer extends Strength {
  readonly id: number
}

interface Asked {
  readonly resolve: (strength: Strength) => void
  readonly reject: (error: unknown) => void
}

/** The thread ends after this many milliseconds without a question, and gives its memory back. */
const IDLE_MS = 60_000
/** Most passwords that wait: more are refused at once rather than after a minute. */
const MOST_WAITING = 50

interface Judge {
  readonly worker: Worker
  readonly asked: Map<number, Asked>
}

let judge: Judge | undefined
let idle: NodeJS.Timeout | undefined
let count = 0

function open(): Judge {
  const worker = new Worker(new URL('./strengthWorker.ts', import.meta.url))
  const opened: Judge = { worker, asked: new Map() }
  const fail = (error: unknown) => {
    if (judge === opened) judge = undefined
    for (const { reject } of opened.asked.values()) reject(error)
    opened.asked.clear()
  }
  // It must not keep the process from ending.
  worker.unref()
  worker.on('message', ({ id, ...strength }: Answer) => {
    const { resolve } = opened.asked.get(id) ?? {}
    opened.asked.delete(id)
    if (opened.asked.size === 0) endWhenIdle(opened)
    resolve?.(strength)
  })
  worker.on('error', fail)
  worker.on('exit', () => fail(new Error('the thread that judges passwords has ended')))
  return opened
}

function endWhenIdle(opened: Judge): void {
  clearTimeout(idle)
  idle = setTimeout(() => {
    if (opened.asked.size > 0) return
    if (judge === opened) judge = undefined
    void opened.worker.terminate()
  }, IDLE_MS).unref()
}

/**
 * Judges a password in a thread of its own, one after the other, so that hard ones don't stop the process.
 * @param own words of the person, which make a password easy to guess
 * @throws Unavailable `busy` when too many are waiting
 */
export async function strengthOf(password: string, own: readonly string[]): Promise<Strength> {
  judge ??= open()
  const { worker, asked } = judge
  if (asked.size >= MOST_WAITING)
    throw new Unavailable('busy', 'Too many new passwords are being checked. Try again soon.', { retryAfter: 10 })
  count += 1
  const id = count
  return await new Promise((resolve, reject) => {
    asked.set(id, { resolve, reject })
    worker.postMessage({ id, password, own })
  })
}
