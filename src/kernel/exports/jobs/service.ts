import { originOf } from '../../audit/origin.ts'
import type { Transaction } from '../../database/database.ts'
import { Forbidden, NotFound, TooMany } from '../../errors.ts'
import { namedBy, tokenUntil } from '../../files/download.ts'
import { releaseFiles } from '../../files/store.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'
import { type ExportFormat, refuseLongPdf } from '../exports.ts'
import type { ExportSource } from '../sources.ts'
import { fileOf, PURPOSE } from './files.ts'
import * as store from './store.ts'

/** Name of the job that makes a file. */
export const EXPORT_FILE_JOB = 'kernel.export-file'
/** Most unfinished files of one person. */
const MOST_UNFINISHED = 5
const KEPT_DAYS = 30
const DAY = 86_400_000

/** A request for an export file. */
export interface ExportRequest {
  readonly what: string
  readonly format: ExportFormat
  readonly filters: unknown
}

/** The list of this name. @throws NotFound */
export function sourceOf(kernel: Pick<Kernel, 'exportSources'>, what: string): ExportSource {
  const source = kernel.exportSources.find((one) => one.what === what)
  if (!source) throw new NotFound('not_found', 'There is no such list.')
  return source
}

/**
 * Requests a file, which a job makes. The filters must fit the list's schema.
 * @throws Forbidden; Invalid `too_many_rows` for a PDF that would be too long; TooMany `too_many_exports` while 5 files
 * of the caller are unfinished
 */
export async function askForFile(kernel: Kernel, caller: Caller, request: ExportRequest): Promise<store.ExportJob> {
  const source = sourceOf(kernel, request.what)
  if (!caller.permissions.has(source.permission)) throw new Forbidden('forbidden', 'You may not see this list.')
  const at = kernel.clock.now()
  if (request.format === 'pdf') await refuseLongPdf({ at, ...source.open(kernel, request.filters, caller.permissions) })
  const asked = await kernel.transaction(async (tx) => {
    if ((await store.countUnfinished(tx, caller.userId)) >= MOST_UNFINISHED) {
      throw new TooMany('too_many_exports', `${MOST_UNFINISHED} of your files are not finished yet.`, {
        retryAfter: 60,
      })
    }
    const made = await store.insertJob(tx, { ...request, user_id: caller.userId }, at)
    await sendNext(kernel, tx, caller.userId)
    await record(tx, at, { ...originOf(caller), action: `${source.resource}.export`, resource: source.resource })
    return made
  })
  kernel.nudge()
  return asked
}

/** An export of the caller's own. @throws NotFound */
export async function ownJob(kernel: Kernel, userId: number, id: number): Promise<store.ExportJob> {
  const found = await kernel.withRetries((db) => store.findJob(db, id))
  if (found?.user_id !== userId) throw noSuchExport()
  return found
}

/** Cancels an unfinished export or deletes a finished one; its link stops working. @throws NotFound */
export async function cancelExport(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const gone = await store.deleteJob(tx, id, caller.userId)
    if (!gone) throw noSuchExport()
    await releaseFiles(tx, fileOf(id), at)
    await sendNext(kernel, tx, caller.userId)
    const operation = { action: 'export.cancel', resource: 'export', resourceId: id }
    await record(tx, at, { ...originOf(caller), ...operation, changes: { what: [gone.what, null] } })
  })
  kernel.nudge()
}

const noSuchExport = () => new NotFound('not_found', 'There is no such export.')

/** Starts the next export of a person (null: of everybody) unless one of theirs is running. */
export async function sendNext(kernel: Kernel, tx: Transaction, userId: number | null): Promise<void> {
  for (const id of await store.nextJobs(tx, userId)) {
    await kernel.jobs.send(tx, EXPORT_FILE_JOB, { id }, { singletonKey: `export ${id}` })
  }
}

/** The link that opens a file without log-in, while the file is available; null otherwise. */
export function fileLink(kernel: Kernel, { id, state, expires_at: expiresAt }: store.ExportJob): string | null {
  if (state !== 'done' || expiresAt === null || expiresAt <= kernel.clock.now()) return null
  return linkAhead(kernel, id, expiresAt)
}

/** The link that opens a file without log-in once it is made, and until an instant. Before that it answers 404. */
export function linkAhead(kernel: Pick<Kernel, 'config' | 'secrets'>, id: number, until: Date): string {
  return `${kernel.config.publicUrl}/api/v1/export-files/${tokenUntil(kernel, PURPOSE, id, until)}`
}

/** The export of a link. @throws NotFound if we did not sign the link, it has expired, or the file was deleted. */
export async function jobBehind(
  kernel: Kernel,
  token: string,
): Promise<store.ExportJob & { readonly file_id: number }> {
  const id = namedBy(kernel, PURPOSE, token)
  if (id === undefined) throw noSuchExport()
  const found = await kernel.withRetries((db) => store.findJob(db, id))
  if (found?.state !== 'done' || found.file_id === null) throw noSuchExport()
  return { ...found, file_id: found.file_id }
}

/** Milliseconds without a sign of life after which a run counts as killed. */
const SILENCE_MS = 2 * 60_000

/** Most runs of an export before it fails. */
export const MOST_RUNS = 3

/**
 * Restarts runs of killed processes, expires files, and deletes old exports. Runs every minute, in any number of
 * processes.
 */
export async function keepExports(kernel: Kernel): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    await store.reviveRuns(tx, new Date(at.getTime() - SILENCE_MS), MOST_RUNS, at)
    await sendNext(kernel, tx, null)
    for (const id of await store.expireJobs(tx, at)) await releaseFiles(tx, fileOf(id), at)
    await store.forgetJobs(tx, new Date(at.getTime() - KEPT_DAYS * DAY))
  })
}
