import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { objectOf } from '../../../../kernel/notifications/providers/http.ts'
import { recordable } from '../../../../kernel/notifications/providers/provider.ts'
import { NEEDED } from '../rows.ts'
import type { SyncType } from '../types.ts'
import { NotCsv, readCsv } from './csv.ts'
import { type PmsAdapter, PmsFault, type PmsPage } from './port.ts'

/** Rows of one page. */
const LIMIT = 500
const CHUNK = 4 * 1024 * 1024
/** A file that changed within this time may still be written. */
const QUIET_MS = 10_000
/** Without a line end at the end of the file, it must be quiet for longer. */
const QUIET_UNFINISHED_MS = 5 * 60_000

/** Where a file is in the reading. Its identity tells it from a later file with the same name. */
interface Place {
  readonly file: string
  readonly identity: string
  readonly offset: number
  readonly line: number
  /** The file is read, or can't be read: it is to be moved. */
  readonly done: boolean
  /** Why it can't be read. */
  readonly fault: string | null
}

interface DropFile {
  readonly name: string
  readonly path: string
  readonly identity: string
  readonly size: number
}

/**
 * A PMS that drops CSV files into a folder. They are read in the order of their names. A file is moved to `done/` once
 * its last row is committed, or to `failed/` with a report if it can't be read; so each is read once. Modification
 * times are compared with this machine's own time, because the file system sets them.
 */
export function fileAdapter(folder: string, now: () => number = Date.now): PmsAdapter {
  return {
    name: 'files',
    async read(type, cursor) {
      try {
        const place = cursor === null ? null : placeIn(cursor)
        return place === null ? await begin(folder, type, cursor, now()) : await goOn(folder, type, place, now())
      } catch (error) {
        throw faultOf(error)
      }
    },
  }
}

function faultOf(error: unknown): PmsFault {
  if (error instanceof PmsFault) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return new PmsFault(`The folder of the PMS can’t be used (${code}): see PMS_DROP_DIR.`, 'temporary')
}

function placeIn(cursor: string): Place | null {
  let value: unknown
  try {
    value = JSON.parse(cursor)
  } catch {
    return null
  }
  const { file, identity, offset, line, done, fault } = objectOf(value)
  if (typeof file !== 'string' || typeof identity !== 'string' || typeof offset !== 'number') return null
  return {
    file,
    identity,
    offset,
    line: typeof line === 'number' ? line : 1,
    done: done === true,
    fault: typeof fault === 'string' ? fault : null,
  }
}

/** Reads the first rows of the next file that is ready. */
async function begin(folder: string, type: SyncType, cursor: string | null, now: number): Promise<PmsPage> {
  const waiting: string[] = []
  for (const name of (await readdir(folder)).filter((one) => isOf(type, one)).sort()) {
    const file = await fileAt(folder, name)
    if (!file) continue
    if (await isReady(file, now)) return await pageOf(folder, type, file, { offset: 0, line: 1 })
    waiting.push(`${recordable(name)} may still be being written: it waits.`)
  }
  return { rows: [], cursor, hasMore: false, lines: waiting.map((text) => ({ level: 'info', text })) }
}

async function goOn(folder: string, type: SyncType, place: Place, now: number): Promise<PmsPage> {
  const file = isOf(type, place.file) ? await fileAt(folder, place.file) : undefined
  const isSame = file?.identity === place.identity
  // It is still here if the process was killed between the commit and the move.
  if (place.done && isSame) await putAway(folder, file, place.fault)
  if (place.done || !isSame) return await begin(folder, type, JSON.stringify(place), now)
  return await pageOf(folder, type, file, place)
}

function isOf(type: SyncType, name: string): boolean {
  return name.toLowerCase().startsWith(type) && name.toLowerCase().endsWith('.csv') && !/[/\\\0]/.test(name)
}

/** A regular file of the folder; undefined if it is none, or has gone. */
async function fileAt(folder: string, name: string): Promise<(DropFile & { readonly changedAt: number }) | undefined> {
  const path = join(folder, name)
  try {
    const { size, mtimeMs, ino } = await lstat(path)
    return (await lstat(path)).isFile()
      ? { name, path, size, identity: `${size} ${mtimeMs} ${ino}`, changedAt: mtimeMs }
      : undefined
  } catch {
    return undefined
  }
}

async function isReady(file: DropFile & { readonly changedAt: number }, now: number): Promise<boolean> {
  const quiet = now - file.changedAt
  if (quiet < QUIET_MS) return false
  if (quiet >= QUIET_UNFINISHED_MS || file.size === 0) return true
  const last = await withFile(file.path, (handle) => bytesAt(handle, file.size - 1, 1))
  return last[0] === 0x0a
}

async function pageOf(
  folder: string,
  type: SyncType,
  file: DropFile,
  from: Pick<Place, 'offset' | 'line'>,
): Promise<PmsPage> {
  const { name, identity } = file
  const page = (place: Place, part: Pick<PmsPage, 'rows' | 'lines'>): PmsPage => ({
    ...part,
    cursor: JSON.stringify(place),
    hasMore: true,
    ...(place.done && {
      afterCommit: () =>
        putAway(folder, file, place.fault).catch((error: unknown) => {
          throw faultOf(error)
        }),
    }),
  })
  try {
    const { columns, start } = await withFile(file.path, (handle) => headingOf(handle, type, file.size))
    const after = from.offset === 0 ? start : from
    const read = await withFile(file.path, (handle) => recordsAt(handle, after, file.size))
    const shown = recordable(name)
    const rows = read.records.map(({ cells, line }) => ({
      place: `${shown} line ${line}`,
      ...(cells.length === columns.length
        ? { value: Object.fromEntries(columns.map((column, n) => [column, cells[n]])) }
        : { value: null, fault: `has ${cells.length} cells instead of ${columns.length}` }),
    }))
    const done = read.offset >= file.size
    const lines = from.offset === 0 ? [{ level: 'info' as const, text: `${shown} is read.` }] : []
    return page({ file: name, identity, offset: read.offset, line: read.line, done, fault: null }, { rows, lines })
  } catch (error) {
    if (!(error instanceof NotCsv)) throw error
    const fault = `${recordable(name)} can’t be read: ${error.message}.`
    return page(
      { file: name, identity, offset: file.size, line: 0, done: true, fault },
      { rows: [], lines: [{ level: 'error', text: fault }] },
    )
  }
}

/** The columns of a file, and where its rows start. @throws NotCsv */
async function headingOf(handle: FileHandle, type: SyncType, size: number) {
  const bytes = await bytesAt(handle, 0, CHUNK)
  const mark = bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0
  const rest = bytes.subarray(mark)
  const heading = readCsv(rest, { line: 1, isEnd: bytes.length >= size, most: 1 })
  const columns = (heading.records[0]?.cells ?? []).map((cell) => cell.trim().toLowerCase())
  for (const [n, column] of columns.entries())
    if (column !== '' && columns.indexOf(column) !== n)
      throw new NotCsv(`the column ${recordable(column)} is there twice`)
  for (const either of NEEDED[type])
    if (!either.some((column) => columns.includes(column)))
      throw new NotCsv(`it has no column ${either.join(' or ')} in its first line`)
  return { columns, start: { offset: mark + heading.bytes, line: heading.line } }
}

async function recordsAt(handle: FileHandle, { offset, line }: Pick<Place, 'offset' | 'line'>, size: number) {
  const bytes = await bytesAt(handle, offset, CHUNK)
  const read = readCsv(bytes, { line, isEnd: offset + bytes.length >= size, most: LIMIT })
  if (bytes.length > 0 && read.bytes === 0) throw new NotCsv(`line ${line}: the row is too long`)
  return { records: read.records, offset: offset + read.bytes, line: read.line }
}

/** Moves a file that is read to `done/`, or one that can't be read to `failed/` with a report. */
async function putAway(folder: string, { name, path, identity }: DropFile, fault: string | null): Promise<void> {
  const target = join(folder, fault === null ? 'done' : 'failed')
  await mkdir(target, { recursive: true })
  const { mtimeMs } = await lstat(path)
  // The same name comes again every day.
  const stamp = new Date(mtimeMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const kept = `${name.slice(0, -4)}.${stamp}-${identity.split(' ').at(-1)}.csv`
  if (fault !== null) await writeFile(join(target, `${kept}.report.txt`), `${fault}\n`)
  await rename(path, join(target, kept))
}

async function withFile<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return await work(handle)
  } finally {
    await handle.close()
  }
}

async function bytesAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await handle.read(buffer, 0, length, offset)
  return buffer.subarray(0, bytesRead)
}
