import { sql } from 'kysely'
import { DomainError } from '../../errors.ts'
import { useFile } from '../../files/store.ts'
import { permissionsOf } from '../../identity/roles.ts'
import type { Kernel } from '../../kernel.ts'
import { refuseLongPdf, streamOf } from '../exports.ts'
import type { Row } from '../rows.ts'
import { fileOf, keepFile } from './files.ts'
import { MOST_RUNS, sendNext, sourceOf } from './service.ts'
import * as store from './store.ts'

const HOUR = 3_600_000
/** Number of rows after which a run reports its progress. */
const STEP = 5000
/** Milliseconds between signs of life of a run, whatever it is waiting for. */
const BEAT_MS = 20_000
/** Counting stops at this number of rows. */
const MOST_COUNTED = 10_000_000

/** Thrown if the run is void: cancelled, or started again elsewhere. */
class Void extends Error {}

/** Job: makes a file. Does nothing if the file is finished or another run is making it. */
export async function makeFile(kernel: Kernel, payload: unknown): Promise<void> {
  const id = typeof payload === 'object' && payload !== null && 'id' in payload ? Number(payload.id) : 0
  const job = await kernel.transaction((tx) => store.beginRun(tx, id, kernel.clock.now()))
  if (!job) return
  try {
    await write(kernel, job)
  } catch (error) {
    if (error instanceof Void) return
    await fail(kernel, job, error)
  }
}

async function write(kernel: Kernel, job: store.ExportJob): Promise<void> {
  const source = sourceOf(kernel, job.what)
  const permissions = await permissionsNow(kernel, job.user_id)
  if (!permissions.has(source.permission)) {
    await end(kernel, job, 'forbidden')
    return
  }
  const { rows, count } = source.open(kernel, job.filters, permissions)
  const at = kernel.clock.now()
  if (job.format === 'pdf') await refuseLongPdf({ at, count })
  let written = 0
  const report = async (estimate?: number) => {
    const progress = { rows: written, ...(estimate !== undefined && { estimate }) }
    if (!(await store.reportRun(kernel.db, job, progress, kernel.clock.now()))) throw new Void()
  }
  await report(await count(MOST_COUNTED))
  async function* counted(): AsyncGenerator<Row> {
    for await (const row of rows) {
      yield row
      written += 1
      if (written % STEP === 0) await report()
    }
  }
  // Storing a large file remotely can take longer than a run may be silent. A void run notices it at `finishRun`.
  const beat = setInterval(() => void report().catch(() => {}), BEAT_MS).unref()
  try {
    const { name, columns } = source
    const zone = kernel.config.timeZone
    const content = await streamOf({ name, format: job.format, zone, at, columns, rows: counted(), count })
    const fileId = await keepFile(kernel, job, content)
    await finish(kernel, job, fileId, written)
  } finally {
    clearInterval(beat)
  }
}

async function finish(kernel: Kernel, job: store.ExportJob, fileId: number, rows: number): Promise<void> {
  const at = kernel.clock.now()
  const expiresAt = new Date(at.getTime() + kernel.config.exportHours * HOUR)
  await kernel.transaction(async (tx) => {
    if (!(await store.finishRun(tx, job, { id: fileId, rows, expiresAt }, at))) throw new Void()
    await useFile(tx, fileId, at, fileOf(job.id))
    await sendNext(kernel, tx, job.user_id)
  })
}

/** Handles a failed run: it is tried again, unless the error is final or there were too many runs. */
async function fail(kernel: Kernel, job: store.ExportJob, error: unknown): Promise<void> {
  const final = error instanceof DomainError && error.status < 500
  if (final) return await end(kernel, job, error.code)
  if (job.runs >= MOST_RUNS) {
    kernel.log.error({ err: error, export: job.id }, 'an export was given up')
    return await end(kernel, job, 'failed')
  }
  await end(kernel, job, null)
  throw error
}

/** Ends a run without a file; without a reason it will be tried again. */
async function end(kernel: Kernel, job: store.ExportJob, reason: string | null): Promise<void> {
  await kernel.transaction(async (tx) => {
    if ((await store.breakOff(tx, job, reason, kernel.clock.now())) && reason !== null) {
      await sendNext(kernel, tx, job.user_id)
    }
  })
}

/** Current permissions of a user, who need not be signed in; none if the account is deleted or disabled. */
async function permissionsNow(kernel: Kernel, userId: number): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ role: string }>`
    SELECT r.role FROM user_roles r JOIN users u ON u.id = r.user_id
    WHERE u.id = ${userId} AND u.status = 'active'`.execute(kernel.db)
  return permissionsOf(
    kernel.roles,
    rows.map(({ role }) => role),
  )
}
