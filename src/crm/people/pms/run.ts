import { isDatabaseAway } from '../../../kernel/database/constraints.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { objectOf } from '../../../kernel/notifications/providers/http.ts'
import { adapterOf } from './adapters/adapter.ts'
import { type PmsAdapter, PmsFault, type PmsPage } from './adapters/port.ts'
import { readPage, writePage } from './page.ts'
import { waitAfter } from './rules.ts'
import * as store from './syncStore.ts'

/** Name of the job that synchronises. */
export const SYNC_JOB = 'crm.pms-sync'

/** Pages of one job; the next job goes on. The queue stops jobs that take longer than 15 minutes. */
const PAGES = 20
/** A PMS that gives more pages goes in a circle. */
const MOST_PAGES = 20_000
/** Times that a page is written when others take its e-mail addresses or numbers at the same moment. */
const WRITES = 3

/** Sends the job that runs a synchronisation: `run` undefined starts it. */
export async function sendRun(
  kernel: Kernel,
  tx: Transaction,
  id: string,
  { run, startAfter }: { readonly run?: number; readonly startAfter?: Date } = {},
): Promise<void> {
  await kernel.jobs.send(
    tx,
    SYNC_JOB,
    { id, ...(run !== undefined && { run }) },
    { singletonKey: `${id} ${run ?? 'start'}`, ...(startAfter && { startAfter }) },
  )
}

/** Job: reads pages of the PMS and commits each. Does nothing if the run is late: another one has the task. */
export async function runSync(kernel: Kernel, payload: unknown): Promise<void> {
  const { id, run } = objectOf(payload)
  if (typeof id !== 'string') return
  const adapter = adapterOf(kernel)
  const sync = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    if (typeof run === 'number') return await store.lockRun(tx, id, run)
    return await store.beginRun(tx, id, adapter?.name ?? '', now)
  })
  if (!sync) return
  if (!adapter) return await giveUp(kernel, sync, 'No PMS is configured any more.')
  try {
    await readOn(kernel, adapter, sync)
  } catch (error) {
    await handle(kernel, sync, error)
  }
}

async function readOn(kernel: Kernel, adapter: PmsAdapter, sync: store.Sync): Promise<void> {
  let { cursor, pages } = sync
  for (let count = 0; count < PAGES; count += 1) {
    if (pages >= MOST_PAGES) throw new PmsFault(`The PMS gave more than ${MOST_PAGES} pages.`, 'final')
    const page = await adapter.read(sync.sync_type, cursor, pages + 1)
    if (!(await commit(kernel, adapter, sync, page))) return
    await page.afterCommit?.()
    if (!page.hasMore) return
    cursor = page.cursor
    pages += 1
  }
  await kernel.transaction(async (tx) => {
    if (await store.lockRun(tx, sync.id, sync.runs)) await sendRun(kernel, tx, sync.id, { run: sync.runs })
  })
}

/** Writes a page with its counts and its cursor. False: the run is late, and nothing was written. */
async function commit(kernel: Kernel, adapter: PmsAdapter, sync: store.Sync, page: PmsPage): Promise<boolean> {
  const read = readPage(kernel, sync.sync_type, page)
  for (let write = 1; ; write += 1) {
    try {
      return await kernel.transaction(async (tx) => {
        if (!(await store.lockRun(tx, sync.id, sync.runs))) return false
        const now = kernel.clock.now()
        const { counts, lines } = await writePage(kernel, tx, sync.sync_type, read)
        const isLast = !page.hasMore
        await store.writeLines(
          tx,
          sync.id,
          [...lines, ...(isLast ? [{ level: 'info' as const, text: 'Completed.' }] : [])],
          now,
        )
        await store.advance(tx, sync, { counts, cursor: page.cursor, isLast }, adapter.name, now)
        return true
      })
    } catch (error) {
      // Somebody gave a member the guest's number between our reading and writing: now it is seen.
      if (!(error instanceof Conflict) || write >= WRITES) throw error
    }
  }
}

/** After a failed call: tries again later, or gives up. */
async function handle(kernel: Kernel, sync: store.Sync, error: unknown): Promise<void> {
  if (isDatabaseAway(error)) throw error
  const known = error instanceof PmsFault
  if (!known) kernel.log.error({ err: error, sync: sync.id }, 'a synchronisation with the PMS failed')
  const sentence = known ? error.message : 'A page could not be written: see the log of the program.'
  if (known && error.kind === 'final') return await giveUp(kernel, sync, sentence)
  await kernel.transaction(async (tx) => {
    const current = await store.lockRun(tx, sync.id, sync.runs)
    if (!current) return
    const now = kernel.clock.now()
    await store.noteTry(tx, sync.id, now)
    const wait = waitAfter(current.tries + 1, known ? error.retryAfter : undefined)
    if (wait === undefined) {
      await end(tx, sync.id, sentence, now)
      return
    }
    const text = `${sentence} Next try in ${Math.ceil(wait)} seconds.`
    await store.writeLines(tx, sync.id, [{ level: 'warning', text }], now)
    await sendRun(kernel, tx, sync.id, { run: sync.runs, startAfter: new Date(now.getTime() + wait * 1000) })
  })
}

async function giveUp(kernel: Kernel, sync: store.Sync, sentence: string): Promise<void> {
  await kernel.transaction(async (tx) => {
    if (await store.lockRun(tx, sync.id, sync.runs)) await end(tx, sync.id, sentence, kernel.clock.now())
  })
}

async function end(tx: Transaction, id: string, sentence: string, now: Date): Promise<void> {
  await store.writeLines(tx, id, [{ level: 'error', text: sentence }], now)
  await store.failSync(tx, id, sentence, now)
}
