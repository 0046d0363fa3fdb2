import type { App } from '../../../kernel/http/app.ts'
import { repeat } from '../../../kernel/jobs/repeat.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { addDays, localDate } from '../../../kernel/time.ts'
import { addViews, countViews, deleteViewsBefore, type Views } from './store.ts'

/** The pause between two writes of the counted page views, in milliseconds. */
const FLUSH_MS = 5_000
/** The most clients that are counted apart between two writes; further ones are counted as one client. */
const MOST_CLIENTS = 50_000

/** Page views of this process that are not written yet. */
export interface VisitorCounter {
  /** Writes what was counted. If that fails, the counts are kept for the next time. */
  flush(): Promise<void>
}

/**
 * Counts the page views of the clinic in memory: answered GET requests by day and client. A client is a keyed hash of
 * the address and the browser that changes every day, so that nobody can be followed. The counts are written every few
 * seconds while the process serves, and at last when it stops.
 */
export function countVisitors(app: App, kernel: Kernel): VisitorCounter {
  let counted = new Map<string, Views>()
  const add = ({ day, client, views }: Views) => {
    const isFull = counted.size >= MOST_CLIENTS && !counted.has(`${day} ${client}`)
    const one = isFull ? 'others' : client
    const key = `${day} ${one}`
    counted.set(key, { day, client: one, views: views + (counted.get(key)?.views ?? 0) })
  }
  const flush = async () => {
    if (counted.size === 0) return
    const batch = [...counted.values()]
    counted = new Map()
    try {
      await addViews(kernel.db, batch)
    } catch (error) {
      batch.forEach(add)
      throw error
    }
  }
  const loop = repeat({
    name: 'counting visitors',
    log: kernel.log,
    everyMs: FLUSH_MS,
    run: async () => {
      await flush()
      return FLUSH_MS
    },
  })
  app.addHook('onResponse', async (request, { statusCode }) => {
    if (request.method !== 'GET' || statusCode === 404 || statusCode === 429 || statusCode >= 500) return
    const day = localDate(kernel.clock.now(), kernel.config.timeZone)
    const client = `${day} ${request.ip} ${request.headers['user-agent'] ?? ''}`
    add({ day, client: kernel.secrets.cipher.blindIndex(client, 'clinic_visitor.client'), views: 1 })
  })
  app.addHook('onListen', async () => loop.start())
  app.addHook('onClose', async () => {
    await loop.stop()
    await flush()
  })
  return { flush }
}

/**
 * Page views of the last days, today included, and their growth over as many days before. Growth from nothing is 100 %.
 */
export async function visitStatistics(kernel: Kernel, counter: VisitorCounter, days: number) {
  await counter.flush()
  const today = localDate(kernel.clock.now(), kernel.config.timeZone)
  const now = await countViews(kernel.db, { from: addDays(today, 1 - days), to: today })
  const before = await countViews(kernel.db, { from: addDays(today, 1 - 2 * days), to: addDays(today, -days) })
  return { ...now, growth: growthOf(before.views, now.views) }
}

/** The most days of which the statistic compares the page views with those of as many days before. */
export const MOST_DAYS = 365

/** Job: deletes page views that no statistic can ask for any more. */
export async function sweepViews(kernel: Kernel): Promise<void> {
  const today = localDate(kernel.clock.now(), kernel.config.timeZone)
  await deleteViewsBefore(kernel.db, addDays(today, 1 - 2 * MOST_DAYS))
}

function growthOf(before: number, now: number): number {
  if (before === 0) return now === 0 ? 0 : 100
  return Math.round(((now - before) / before) * 10_000) / 100
}
