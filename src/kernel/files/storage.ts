import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

/** The bytes from `start` to `end`, both included, counted from 0. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Where the bytes of files are: a folder or an S3-compatible store. Names are made by us, never by people. */
export interface FileStorage {
  /** Writes all of it or nothing; the same name again replaces it. `source` is the bytes, or the path of a local file that holds them. */
  put(name: string, source: Buffer | string, contentType: string): Promise<void>
  /** @throws FileMissing */
  read(name: string, range?: ByteRange): Promise<Readable>
  /** Deleting what is not there is fine. */
  remove(name: string): Promise<void>
}

/** The row is there, the bytes are not. */
export class FileMissing extends Error {}

const form = /^\d{14}_[0-9a-f-]{36}(?:_t)?\.[a-z0-9]{2,5}$/

/** Refuses any name that `newName` doesn't make: none can lead out of the folder. */
export function checkName(name: string): string {
  if (!form.test(name)) throw new Error('not the name of a stored file')
  return name
}

/** `20260314013000_{uuid}.jpg` */
export function newName(at: Date, extension: string): string {
  return checkName(`${at.toISOString().replace(/\D/g, '').slice(0, 14)}_${randomUUID()}.${extension}`)
}

/** Keeps files in a folder, by month. */
export function folderStorage(folder: string): FileStorage {
  const placeOf = (name: string) => {
    const month = join(folder, checkName(name).slice(0, 6))
    return { month, path: join(month, name) }
  }
  return {
    async put(name, source) {
      const { month, path } = placeOf(name)
      await mkdir(month, { recursive: true, mode: 0o700 })
      // Under another name until it is whole and on the disk.
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
      // Before the answer begins: afterwards nobody could be told.
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
