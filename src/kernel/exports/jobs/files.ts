import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { keepDownload } from '../../files/download.ts'
import type { Kernel } from '../../kernel.ts'
import { CONTENT_TYPES } from '../exports.ts'
import type { ExportJob } from './store.ts'

/** What signs the links, and marks the files. */
export const PURPOSE = 'export'

/** How the files of an export are marked. */
export const fileOf = (id: number) => ({ purpose: PURPOSE, subject: `export:${id}` })

/** Keeps what a run makes where all files are; answers its id. Nothing shows it before the run ends: what a void run kept is swept. */
export async function keepFile(kernel: Kernel, job: ExportJob, content: Readable): Promise<number> {
  const folder = join(kernel.config.dataDir, 'tmp')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // A run that was killed on this machine has left its own.
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
