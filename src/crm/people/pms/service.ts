import { randomBytes } from 'node:crypto'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { JobDefinition } from '../../../kernel/jobs/jobs.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { fieldError, missing } from '../../refusals.ts'
import { crmSettings } from '../../settings.ts'
import { adapterOf } from './adapters/adapter.ts'
import { runSync, SYNC_JOB, sendRun } from './run.ts'
import * as store from './syncStore.ts'
import { SYNC_TYPES, type SyncType } from './types.ts'

/** Milliseconds without a sign of life after which a run counts as killed. */
const SILENCE_MS = 10 * 60_000
const DAY_MS = 86_400_000
const KEPT_DAYS = 90
/** Ticks come some seconds early or late. */
const SLACK_MS = 30_000

/** Background jobs of the synchronisation. */
export const pmsJobs: readonly JobDefinition[] = [
  { name: SYNC_JOB, run: runSync },
  { name: 'crm.pms', cron: '* * * * *', run: (kernel) => keepSynchronised(kernel) },
]

const newId = () => randomBytes(8).toString('hex')

/**
 * Starts a synchronisation by hand.
 * @throws Conflict `pms_not_configured`; `sync_running` while one of its type is not finished, naming its task
 */
export async function startSync(
  kernel: Kernel,
  caller: Caller,
  { type, force }: { readonly type: SyncType; readonly force: boolean },
): Promise<store.Sync> {
  if (!adapterOf(kernel))
    throw new Conflict('pms_not_configured', 'No PMS is configured: set PMS_API_URL and PMS_API_KEY, or PMS_DROP_DIR.')
  const now = kernel.clock.now()
  const sync = await kernel.transaction(async (tx) => {
    const made = await store.insertSync(tx, { id: newId(), sync_type: type, force, created_by: caller.userId }, now)
    if (!made) throw running(await store.unfinishedSync(tx, type))
    await sendRun(kernel, tx, made.id)
    const changes = { sync_type: [null, type], force: [null, force] } as const
    await record(tx, now, {
      ...originOf(caller),
      action: 'crm.pms.sync',
      resource: 'crm_sync',
      resourceId: made.id,
      changes,
    })
    return made
  })
  kernel.nudge()
  return sync
}

function running(sync: store.Sync | undefined): Conflict {
  const sentence = `A synchronisation of this type is not finished yet: task ${sync?.id ?? 'unknown'}.`
  return new Conflict('sync_running', sentence, { errors: [fieldError('/sync_type', sentence)] })
}

/** A synchronisation. @throws NotFound */
export async function syncOf(kernel: Pick<Kernel, 'withRetries'>, id: string): Promise<store.Sync> {
  const found = await kernel.withRetries((db) => store.findSync(db, id))
  if (!found) throw missing('synchronisation')
  return found
}

/**
 * Job of every minute, in any number of processes: starts what is due, gives tasks of killed processes to new runs, and
 * forgets old tasks. Members come first; the records of the same round begin once they are finished.
 */
async function keepSynchronised(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    for (const { id, status, runs } of await store.takeOver(tx, new Date(now.getTime() - SILENCE_MS), now))
      await sendRun(kernel, tx, id, status === 'running' ? { run: runs } : {})
    await store.forgetSyncs(tx, new Date(now.getTime() - KEPT_DAYS * DAY_MS))
    if (!adapterOf(kernel)) return
    const due = new Date(now.getTime() - crmSettings.of(kernel.config).pmsSyncSeconds * 1000 + SLACK_MS)
    for (const type of SYNC_TYPES) {
      const latest = await store.latestSync(tx, type)
      if (latest && (latest.status === 'pending' || latest.status === 'running')) return
      if (latest && latest.created_at > due) continue
      const made = await store.insertSync(tx, { id: newId(), sync_type: type, force: false, created_by: null }, now)
      if (made) await sendRun(kernel, tx, made.id)
      return
    }
  })
}
