import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { installQueues } from '../jobs/queues.ts'
import { type OpenDatabase, openDatabase } from './database.ts'
import { MIGRATIONS, migrate, pendingMigrations } from './migrate.ts'
import { templateFile, unpackTemplate, writeTemplate } from './template.ts'

const quiet = { info: () => {}, warn: () => {}, error: console.error }

/** Queries that describe the whole schema, and the migrations recorded as applied. */
const CATALOGUE: Readonly<Record<string, string>> = {
  columns: `SELECT a.attrelid::regclass::text, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
      a.attgenerated,
      a.attidentity, pg_get_expr(d.adbin, d.adrelid) AS default, c.relkind, c.reloptions, pg_get_viewdef(c.oid) AS view
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm') AND ours(c.relnamespace)
    ORDER BY 1, 2`,
  constraints: `SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE ours(connamespace) ORDER BY 1, 2`,
  indexes: `SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE ours(schemaname::regnamespace) ORDER BY 1, 2`,
  triggers: `SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
    FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2`,
  functions: `SELECT oid::regprocedure::text, md5(prosrc) FROM pg_proc WHERE ours(pronamespace) ORDER BY 1`,
  types: `SELECT oid::regtype::text, typtype
    FROM pg_type WHERE ours(typnamespace) AND typtype <> 'c' AND typelem = 0 ORDER BY 1`,
  extensions: 'SELECT extname, extversion FROM pg_extension ORDER BY 1',
  comments: 'SELECT classoid::regclass::text, description FROM pg_description WHERE objoid >= 16384 ORDER BY 1, 2',
  migrations: 'SELECT version, name, checksum FROM schema_migrations ORDER BY 1',
  queues: 'SELECT version FROM pgboss.version',
}

async function catalogueOf(pool: pg.Pool): Promise<Record<string, unknown[]>> {
  const said: Record<string, unknown[]> = {}
  for (const [name, text] of Object.entries(CATALOGUE)) {
    const query = text.replace(/ours\(([\w.:]+)\)/g, `$1::regnamespace::text IN ('public', 'pgboss')`)
    said[name] = (await pool.query(query)).rows
  }
  return said
}

let home: string
let file: string
let folder: string
let migrated: OpenDatabase
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'yuyue-template-'))
  file = await templateFile(MIGRATIONS, home)
  migrated = await openDatabase({ dataDir: 'memory', poolSize: 1, log: quiet })
  await migrate(migrated.pool, MIGRATIONS, quiet)
  await installQueues(migrated)
  await writeTemplate(file, await migrated.dump())
}, 60_000)
beforeEach(async () => {
  folder = await mkdtemp(join(home, 'data-'))
})
afterAll(async () => {
  await migrated.close()
  await rm(home, { recursive: true })
})

/** Starts with a template; answers the log line about it and the open database. */
async function start(template: string) {
  const said: string[] = []
  const note = (_: unknown, text?: string) => void said.push(text ?? String(_))
  const database = await openDatabase({
    dataDir: folder,
    poolSize: 1,
    template,
    log: { info: note, warn: note, error: console.error },
  })
  return { database, said }
}

describe('a template of the embedded database', () => {
  test('gives the same database as the migrations applied one by one', async () => {
    const { database, said } = await start(file)
    const names = (await readdir(MIGRATIONS)).map((name) => name.replace('.sql', '')).sort()
    const catalogue = await catalogueOf(database.pool)
    expect(said).toEqual(['the database was made out of the template'])
    expect(await pendingMigrations(database.pool, names)).toEqual([])
    expect(Object.values(catalogue).filter((rows) => rows.length === 0)).toEqual([])
    expect(catalogue).toEqual(await catalogueOf(migrated.pool))
    expect(await migrate(database.pool, MIGRATIONS, quiet)).toEqual({ applied: [] })
    await database.close()
  })

  test('gives a database that keeps written rows', async () => {
    const { database } = await start(file)
    await database.pool.query('CREATE TABLE kept AS SELECT 7 AS n')
    await database.close()
    const { database: again, said } = await start(file)
    expect(said).toEqual([])
    expect((await again.pool.query('SELECT n FROM kept')).rows).toEqual([{ n: 7 }])
    await again.close()
  })

  test('has another file name when a migration changes', async () => {
    const changed = join(home, 'changed')
    await cp(MIGRATIONS, changed, { recursive: true })
    expect(await templateFile(changed, home)).toBe(file)
    const [first = ''] = await readdir(changed)
    await writeFile(join(changed, first), `${await readFile(join(changed, first), 'utf8')}-- changed\n`)
    expect(await templateFile(changed, home)).not.toBe(file)
    await rm(join(changed, first))
    expect(await templateFile(changed, home)).not.toBe(file)
  })

  test('replaces the templates of other versions', async () => {
    const place = join(home, 'versions')
    await writeTemplate(join(place, 'database-before'), new Blob(['before']))
    await writeFile(join(place, 'compiled'), '')
    await writeTemplate(join(place, 'database-now'), new Blob(['now']))
    expect((await readdir(place)).sort()).toEqual(['compiled', 'database-now'])
  })
})

describe('a start without a usable template', () => {
  test.for([
    ['cut off', async (path: string) => truncate(path, 100_000)],
    ['empty', async (path: string) => truncate(path, 0)],
    ['another by a byte', async (path: string) => changeByte(path)],
    ['no database', async (path: string) => writeTemplate(path, new Blob(['nonsense'.repeat(1000)]))],
  ] as const)('refuses one that is %s', async ([, damage]) => {
    const damaged = await copyOfTemplate()
    await damage(damaged)
    await expect(unpackTemplate(damaged, join(folder, 'database'))).rejects.toThrow('is damaged')
    expect(await readdir(folder)).toEqual([])
  })

  test('does not mind a missing one', async () => {
    expect(await unpackTemplate(join(home, 'database-missing'), join(folder, 'database'))).toBe(false)
    expect(await readdir(folder)).toEqual([])
  })

  test('creates the database and logs why', { timeout: 60_000 }, async () => {
    const damaged = await copyOfTemplate()
    await truncate(damaged, 100_000)
    const { database, said } = await start(damaged)
    expect(said).toEqual(['the template of the database is not used: the database is created without it'])
    const { rows } = await database.pool.query("SELECT to_regclass('schema_migrations') AS known")
    expect(rows).toEqual([{ known: null }])
    await database.close()
  })

  test('leaves nothing behind when it was killed during unpacking', async () => {
    const target = join(folder, 'database')
    await cp(MIGRATIONS, `${target}.part`, { recursive: true })
    expect(await unpackTemplate(file, target)).toBe(true)
    expect(await readdir(folder)).toEqual(['database'])
    expect(await readdir(target)).toContain('PG_VERSION')
  })
})

async function copyOfTemplate(): Promise<string> {
  const copy = join(await mkdtemp(join(home, 'damaged-')), 'database-copy')
  await cp(file, copy)
  return copy
}

async function changeByte(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[1000] = ~(bytes[1000] ?? 0)
  await writeFile(path, bytes)
}
