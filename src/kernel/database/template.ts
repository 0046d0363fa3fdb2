import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import packageJson from '../../../package.json' with { type: 'json' }
import { migrationChecksums } from './migrate.ts'

const FOLDER = fileURLToPath(new URL('../../../node_modules/.cache/yuyue', import.meta.url))
const PREFIX = 'database-'
const DIGEST_BYTES = 32
const BLOCK = 512

/**
 * The path of the template for these migrations; the file may not exist. A template is a migrated embedded database
 * without rows, with the tables of the job queues. The name depends on the migrations and on the versions of PGlite and
 * pg-boss, so an outdated template is never used.
 */
export async function templateFile(migrations: string, folder = FOLDER): Promise<string> {
  const { '@electric-sql/pglite': pglite, 'pg-boss': boss } = packageJson.dependencies
  const key = JSON.stringify([await migrationChecksums(migrations), pglite, boss])
  return join(folder, `${PREFIX}${sha256(key).toString('hex').slice(0, 32)}`)
}

/** Writes a template (a `dump()`), and deletes those of other versions. */
export async function writeTemplate(file: string, dump: Blob): Promise<void> {
  const options = { params: { [constants.ZSTD_c_compressionLevel]: 6 } }
  const packed = await promisify(zstdCompress)(Buffer.from(await dump.arrayBuffer()), options)
  await mkdir(dirname(file), { recursive: true })
  const part = `${file}.${process.pid}.part`
  await writeFile(part, Buffer.concat([sha256(packed), packed]))
  await rename(part, file)
  for (const other of await readdir(dirname(file)))
    if (other.startsWith(PREFIX) && other !== basename(file)) await rm(join(dirname(file), other), { force: true })
}

/**
 * Creates the files of an embedded database from a template. Returns false when there is no template.
 * @throws Error when the template is damaged; nothing is left behind
 */
export async function unpackTemplate(file: string, folder: string): Promise<boolean> {
  const whole = await readFile(file).catch(() => undefined)
  if (!whole) return false
  const packed = whole.subarray(DIGEST_BYTES)
  if (!sha256(packed).equals(whole.subarray(0, DIGEST_BYTES))) throw new Error(`${file} is damaged`)
  const tar = await promisify(zstdDecompress)(packed)
  // Unpacks to another name first, as the process may be killed at any moment.
  const part = `${folder}.part`
  try {
    rmSync(part, { recursive: true, force: true })
    extract(tar, part)
    if (!existsSync(join(part, 'PG_VERSION'))) throw new Error(`${file} is damaged: there is no database in it`)
    renameSync(part, folder)
  } catch (error) {
    rmSync(part, { recursive: true, force: true })
    throw error
  }
  return true
}

/**
 * Unpacks a tar file of PGlite's `dumpDataDir`: directories and plain files. Synchronous, as nothing else runs at the
 * start.
 */
function extract(tar: Buffer, folder: string): void {
  mkdirSync(folder, { mode: 0o700 })
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const head = tar.subarray(at, at + BLOCK)
    const path = join(folder, [textAt(head, 345, 155), textAt(head, 0, 100)].filter(Boolean).join('/'))
    const size = Number.parseInt(textAt(head, 124, 12), 8)
    if (textAt(head, 156, 1) === '5') mkdirSync(path, { recursive: true, mode: 0o700 })
    else {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      writeFileSync(path, tar.subarray(at + BLOCK, at + BLOCK + size), { mode: 0o600 })
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
}

function textAt(head: Buffer, from: number, length: number): string {
  return head.toString('latin1', from, from + length).replace(/\0.*$/s, '')
}

function sha256(content: string | Buffer): Buffer {
  return createHash('sha256').update(content).digest()
}
