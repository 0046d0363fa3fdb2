import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { originOf } from '../audit/origin.ts'
import type { Transaction } from '../database/database.ts'
import { NotFound, TooMany } from '../errors.ts'
import { keepDownload, namedBy, tokenUntil } from '../files/download.ts'
import { type FileRow, findFile, releaseFiles, useFile } from '../files/store.ts'
import type { Caller } from '../http/request/caller.ts'
import type { Kernel } from '../kernel.ts'
import { notify, record } from '../outbox/outbox.ts'
import { localTimestamp } from '../time.ts'
import { withArchive } from './archive.ts'
import * as store from './exportStore.ts'
import { recordsOf } from './records.ts'

/** Name of the job that makes a copy. */
export const EXPORT_JOB = 'kernel.data-export'
const HOUR = 3_600_000
const DAY = 24 * HOUR
const MOST_A_DAY = 3
const PURPOSE = 'data_export'
const fileOf = (id: number) => ({ purpose: PURPOSE, subject: `data_export:${id}` })

/**
 * Requests a copy of all data about the caller; answers the current one while it is being made.
 * @throws TooMany `too_many_exports` after 3 within a day
 */
export async function askForExport(kernel: Kernel, caller: Caller): Promise<store.DataExport> {
  const at = kernel.clock.now()
  const asked = await kernel.transaction(async (tx) => {
    const made = await store.insertExport(tx, caller.userId, at)
    if (!made) return undefined
    if ((await store.countExports(tx, caller.userId, new Date(at.getTime() - DAY))) > MOST_A_DAY) {
      throw new TooMany('too_many_exports', 'You have requested 3 copies within a day.', { retryAfter: DAY / 1000 })
    }
    await sendExport(kernel, tx, made.id)
    await record(tx, at, { ...originOf(caller), action: 'user.export', resource: 'user', resourceId: caller.userId })
    return made
  })
  kernel.nudge()
  return asked ?? (await latestExport(kernel, caller.userId))
}

const sendExport = (kernel: Kernel, tx: Transaction, id: number) =>
  kernel.jobs.send(tx, EXPORT_JOB, { id }, { singletonKey: `copy ${id}` })

/** The latest requested copy. @throws NotFound */
export async function latestExport(kernel: Kernel, userId: number): Promise<store.DataExport> {
  const found = await kernel.withRetries((db) => store.latestExport(db, userId))
  if (!found) throw new NotFound('not_found', 'You have not requested a copy of your data.')
  return found
}

/** Job: makes a copy. Does nothing if it is finished. */
export async function makeExport(kernel: Kernel, payload: unknown): Promise<void> {
  const id = typeof payload === 'object' && payload !== null && 'id' in payload ? Number(payload.id) : 0
  const asked = await store.findExport(kernel.db, id)
  if (asked?.state !== 'queued') return
  const { timeZone: zone, dataDir } = kernel.config
  const at = kernel.clock.now()
  const records = recordsOf(kernel, asked.user_id)
  const fileId = await withArchive(join(dataDir, 'tmp'), `${randomUUID()}.zip`, records, { zone, at }, (path) =>
    keepDownload(kernel, path, {
      mark: fileOf(id),
      ownerId: asked.user_id,
      extension: 'zip',
      contentType: 'application/zip',
    }),
  )
  const readyAt = kernel.clock.now()
  const expiresAt = new Date(readyAt.getTime() + kernel.config.dataExportDays * DAY)
  await kernel.transaction(async (tx) => {
    if (!(await store.finishExport(tx, id, { id: fileId, expiresAt }, readyAt))) return
    await useFile(tx, fileId, readyAt, fileOf(id))
    await notify(tx, readyAt, {
      type: 'account.data_export_ready',
      userIds: [asked.user_id],
      data: { until: localTimestamp(expiresAt, zone) },
      key: `account.data_export_ready:${id}`,
    })
  })
  kernel.nudge()
}

/** The link that opens a copy without log-in, while it is available; null otherwise. */
export function linkOf(kernel: Kernel, { id, state, expires_at: expiresAt }: store.DataExport): string | null {
  if (state !== 'ready' || expiresAt === null || expiresAt <= kernel.clock.now()) return null
  return `${kernel.config.publicUrl}/api/v1/data-exports/${tokenUntil(kernel, PURPOSE, id, expiresAt)}`
}

/** The file of a link. @throws NotFound if we did not sign the link or it has expired. */
export async function fileBehind(kernel: Kernel, token: string): Promise<FileRow> {
  const id = namedBy(kernel, PURPOSE, token)
  if (id === undefined) throw noSuchCopy()
  const found = await kernel.withRetries((db) => store.findExport(db, id))
  if (found?.state !== 'ready' || found.file_id === null) throw noSuchCopy()
  const fileId = found.file_id
  const file = await kernel.withRetries((db) => findFile(db, fileId))
  if (!file) throw noSuchCopy()
  return file
}

const noSuchCopy = () => new NotFound('not_found', 'The link is not valid any more. Request a new copy.')

/** Expires copies, and starts copies again whose job has given up. Runs every hour. */
export async function keepDataExports(kernel: Kernel): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    for (const id of await store.waitingExports(tx, new Date(at.getTime() - HOUR))) await sendExport(kernel, tx, id)
    for (const id of await store.expireExports(tx, at)) await releaseFiles(tx, fileOf(id), at)
  })
}
