import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { csvCell } from '../exports/csv.ts'
import type { Cell } from '../exports/rows.ts'
import { late } from '../late.ts'
import type { PersonalRecords } from './records.ts'

const yazl = late<typeof import('yazl')>('yazl')

const README = `本压缩包包含我们保存的与您有关的全部数据。每一类数据有两个文件：JSON（完整）和 CSV（可用表格软件打开）。

This archive holds all data we keep about you. Each kind of data has two files: JSON (complete) and CSV (spreadsheets).
`

/**
 * Writes a zip with a JSON and a CSV file for each kind of record, one kind in memory at a time, and passes its path to
 * `use`; the file is deleted afterwards. Instants in CSV are in local time.
 */
export async function withArchive<T>(
  folder: string,
  name: string,
  records: AsyncIterable<PersonalRecords>,
  { zone, at }: { readonly zone: string; readonly at: Date },
  use: (path: string) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, name)
  try {
    const zip = new (yazl().ZipFile)()
    const written = pipeline(zip.outputStream, createWriteStream(path, { mode: 0o600 }))
    const add = (file: string, text: string) => zip.addBuffer(Buffer.from(text), file, { mtime: at, mode: 0o100_600 })
    add('README.txt', README)
    for await (const { name: kind, rows } of records) {
      add(`${kind}.json`, `${JSON.stringify(rows, null, 2)}\n`)
      add(`${kind}.csv`, csv(rows, zone))
    }
    zip.end()
    await written
    return await use(path)
  } finally {
    await rm(path, { force: true })
  }
}

function csv(rows: PersonalRecords['rows'], zone: string): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))]
  return `\uFEFF${lines.map((line) => `${line.map((one) => csvCell(one, zone)).join(',')}\r\n`).join('')}`
}

function cell(value: unknown): Cell {
  if (value === undefined || value === null) return null
  if (value instanceof Date || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value
  }
  return JSON.stringify(value)
}
