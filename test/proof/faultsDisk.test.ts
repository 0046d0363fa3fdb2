import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, statfs, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpenDatabase, openDatabase } from '../../src/kernel/database/database.ts'
import { withRetries } from '../../src/kernel/database/transaction.ts'

const SIZE_MB = 120
const LEFT_BYTES = 2_000_000
const quiet = { info: () => {}, warn: () => {}, error: () => {} }

let folder: string
let mounted = false

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'yuyue-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'tmpfs', folder], { stdio: 'ignore' })
    mounted = true
  } catch {
    // Mounting needs root and its rights.
  }
})
afterAll(async () => {
  if (mounted) execFileSync('umount', ['-l', folder])
  await rm(folder, { recursive: true, force: true })
})

const open = (): Promise<OpenDatabase> => openDatabase({ dataDir: folder, poolSize: 1, log: quiet })
/** A program that changes one row repeatedly, prints each acknowledged change, and ends when the database breaks. */
const CHANGING = `
  import { openDatabase } from '${new URL('../../src/kernel/database/database.ts', import.meta.url)}'
  const say = (text) => writeSync(1, text + '\\n')
  const onBroken = (reason) => { say(reason.message); process.exit(1) }
  const log = { info() {}, warn() {}, error() {} }
  const { pool } = await openDatabase({ dataDir: process.argv[1], poolSize: 1, log, onBroken })
  for (let n = 1; ; n += 1) {
    await pool.query("UPDATE things SET text = repeat(md5($1::int::text), 40), n = $1", [n])
    say(n)
  }`

const free = async () => {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

test('With a full disk the embedded database refuses writes and still reads; with space it writes again and has lost nothing', async ({
  skip,
}) => {
  if (!mounted) return skip('a small disk can only be mounted as root')
  let database = await open()
  await sql`CREATE TABLE things (id int PRIMARY KEY, text text)`.execute(database.db)
  await sql`CHECKPOINT`.execute(database.db)
  const filler = join(folder, 'filler')
  await writeFile(filler, Buffer.alloc((await free()) - LEFT_BYTES))

  const acknowledged: number[] = []
  let next = 0
  const add = async () => {
    next += 1
    const id = next
    await withRetries(database.db, (db) => sql`INSERT INTO things VALUES (${id}, repeat('x', 1500))`.execute(db))
    acknowledged.push(id)
  }
  const fill = async () => {
    for (;;) await add()
  }
  await expect(fill()).rejects.toMatchObject({ status: 503, code: 'storage_full', retryAfter: 60 })
  expect(acknowledged.length).toBeGreaterThan(100)
  await expect(add()).rejects.toMatchObject({ code: 'storage_full' })
  const count = async () =>
    (await sql<{ n: number }>`SELECT count(*)::int AS n FROM things`.execute(database.db)).rows[0]?.n
  expect(await count()).toBe(acknowledged.length)

  await truncate(filler, 0)
  await add()
  await database.close()
  database = await open()
  const { rows } = await sql<{ id: number }>`SELECT id FROM things ORDER BY id`.execute(database.db)
  expect(rows.map(({ id }) => id)).toEqual(acknowledged)
  await database.close()
}, 60_000)

test('Without space for its log the embedded database ends the process with a message; all acknowledged changes are kept', async ({
  skip,
}) => {
  if (!mounted) return skip('a small disk can only be mounted as root')
  await rm(join(folder, 'filler'), { force: true })
  let database = await open()
  await sql`CREATE TABLE IF NOT EXISTS things (id int PRIMARY KEY, text text)`.execute(database.db)
  await sql`TRUNCATE things`.execute(database.db)
  await sql`ALTER TABLE things ADD n int NOT NULL DEFAULT 0`.execute(database.db)
  await sql`INSERT INTO things (id) VALUES (1)`.execute(database.db)
  await database.close()
  await writeFile(join(folder, 'filler'), Buffer.alloc((await free()) - LEFT_BYTES))

  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', `import { writeSync } from 'node:fs'\n${CHANGING}`, folder],
    { encoding: 'utf8', timeout: 60_000, maxBuffer: 50_000_000 },
  )
  const lines = stdout.trim().split('\n')
  expect({ status, last: lines.at(-1), stderr }).toMatchObject({
    status: 1,
    last: expect.stringContaining('No space left on device'),
  })

  await rm(join(folder, 'filler'))
  database = await open()
  const { rows } = await sql<{ n: number }>`SELECT n FROM things`.execute(database.db)
  const acknowledged = Number(lines.at(-2))
  expect(acknowledged).toBeGreaterThan(100)
  expect([acknowledged, acknowledged + 1]).toContain(rows[0]?.n)
  await database.close()
}, 120_000)
