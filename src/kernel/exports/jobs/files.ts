import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { keepDownload } from '../../files/download.ts'
import type { Kernel } from '../../kernel.ts'
import { CONTENT_TYPES } from '../exports.ts'
import type { ExportJob } from './store.ts'

/** Purpose of the links' signatures and of the stored files. */
export const PURPOSE = 'export'

/** Purpose and subject of the files of an export. */
export const fileOf = (id: number) => ({ purpose: PURPOSE, subject: `export:${id}` })

/**
 * Stores the file that a run makes; answers its id. It is not in use before the run ends, so the file of a void run is
 * swept.
 */
export async function keepFile(kernel: Kernel, job: ExportJob, content: Readable): Promise<number> {
  const folder = join(kernel.config.dataDir, 'tmp')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // Remove the drafts of earlier runs that were killed on this machine.
  for (let run = 1; run < job.runs; run += 1) await rm(join(folder, draft(job.id, run)), { force: true })
  const path = join(folder, draft(job.id, job.runs))
  try {
    await pipeline(content, createWriteStream(path, { mode: 0o600 }))
    return await keepDownload(kernel, path, {
      mark: fileOf(job.id),
      ownerId: job.user_id,
      extension: job.format,
      contentType: CONTENT_TYPES[job.format],
    })
  } finally {
    await rm(path, { force: true })
  }
}

const draft = (id: number, run: number) => `export-${id}-${run}.part`
