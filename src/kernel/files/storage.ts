import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

/** A range of bytes from `start` to `end`, both included, counted from 0. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Storage for the bytes of files: a folder or an S3-compatible store. Names come from `newName`, never from people. */
export interface FileStorage {
  /**
   * Stores all bytes or none; an existing name is replaced. `source` is the bytes, or the path of a local file that
   * holds them.
   */
  put(name: string, source: Buffer | string, contentType: string): Promise<void>
  /** @throws FileMissing */
  read(name: string, range?: ByteRange): Promise<Readable>
  /** Deletes a file, if it exists. */
  remove(name: string): Promise<void>
}

/** A file has a row, but its bytes are missing. */
export class FileMissing extends Error {}

const form = /^\d{14}_[0-9a-f-]{36}(?:_t)?\.[a-z0-9]{2,5}$/

/** Refuses any name that `newName` does not make, so that no name can lead out of the folder. */
export function checkName(name: string): string {
  if (!form.test(name)) throw new Error('not the name of a stored file')
  return name
}

/** `20260314013000_{uuid}.jpg` */
export function newName(at: Date, extension: string): string {
  return checkName(`${at.toISOString().replace(/\D/g, '').slice(0, 14)}_${randomUUID()}.${extension}`)
}

/** Stores files in a folder, with a subfolder per month. */
export function folderStorage(folder: string): FileStorage {
  const placeOf = (name: string) => {
    const month = join(folder, checkName(name).slice(0, 6))
    return { month, path: join(month, name) }
  }
  return {
    async put(name, source) {
      const { month, path } = placeOf(name)
      await mkdir(month, { recursive: true, mode: 0o700 })
      // Written under a temporary name until it is complete and synced to disk.
      const draft = `${path}.${randomUUID()}.part`
      try {
        if (typeof source === 'string') await copyFile(source, draft)
        const file = await open(draft, typeof source === 'string' ? 'r+' : 'wx', 0o600)
        try {
          if (typeof source !== 'string') await file.writeFile(source)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(draft, path)
      } finally {
        await rm(draft, { force: true })
      }
    },
    async read(name, range) {
      const { path } = placeOf(name)
      // Check that the file exists before the answer begins: afterwards its status cannot change.
      await stat(path).catch(() => {
        throw new FileMissing(name)
      })
      return createReadStream(path, range)
    },
    async remove(name) {
      await rm(placeOf(name).path, { force: true })
    },
  }
}
