import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import type { Logger } from 'pino'

/** The folder of the migrations, which define the schema. */
export const MIGRATIONS: string = fileURLToPath(new URL('../../../migrations', import.meta.url))

/** One file of the migrations folder: `0001_kernel.sql`. */
interface Migration {
  readonly version: number
  readonly name: string
  readonly checksum: string
  readonly sql: string
}

interface Applied {
  readonly version: number
  readonly name: string
  readonly checksum: string
}

/** The database and the migrations folder do not match. The message names the file and the remedy. */
export class MigrationMismatch extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MigrationMismatch'
  }
}

// Advisory lock ('yuyue' in ASCII), so that only one of several starting processes migrates.
const lockKey = 521_644_768_613

async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  const migrations = await Promise.all(
    files.map(async (file) => {
      const match = /^(\d{4})_([a-z0-9_]+)\.sql$/.exec(file)
      if (!match) throw new MigrationMismatch(`${file}: a migration is named NNNN_name.sql`)
      // Line endings depend on the checkout.
      const sql = (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n')
      const checksum = createHash('sha256').update(sql).digest('hex')
      return { version: Number(match[1]), name: file.slice(0, -4), checksum, sql }
    }),
  )
  migrations.forEach((migration, i) => {
    const before = migrations[i - 1]
    if (before?.version === migration.version) {
      throw new MigrationMismatch(`${before.name} and ${migration.name} have the same number`)
    }
  })
  return migrations
}

async function readApplied(client: pg.ClientBase | pg.Pool): Promise<Applied[]> {
  const table = await client.query<{ known: boolean }>(`select to_regclass('schema_migrations') is not null as known`)
  if (!table.rows[0]?.known) return []
  return (await client.query<Applied>('select version, name, checksum from schema_migrations order by version')).rows
}

/** The migrations to apply. @throws MigrationMismatch when the applied migrations do not match the files */
function compare(files: readonly Migration[], applied: readonly Applied[]): Migration[] {
  for (const row of applied) {
    const file = files.find((migration) => migration.version === row.version)
    if (!file || file.name !== row.name) {
      throw new MigrationMismatch(
        `the database has migration ${row.name}, but its file is missing: is this program older than the database?`,
      )
    }
    if (file.checksum !== row.checksum) {
      throw new MigrationMismatch(
        `${row.name}.sql was changed after it had been applied. ` +
          'If a development version before 0.1.0 made this database: ' +
          'start with a new one (set DATA_DIR to an empty folder, or DATABASE_URL to an empty database). ' +
          'If you changed the file: put it back and write a new migration.',
      )
    }
  }
  const last = applied.at(-1)
  const pending = files.filter((file) => !applied.some((row) => row.version === file.version))
  const late = last && pending.find((file) => file.version < last.version)
  if (late) {
    throw new MigrationMismatch(
      `${late.name}.sql is new, but ${last.name} was applied before it: give it a higher number`,
    )
  }
  return pending
}

/** Waiting for another process or building an index may take longer than the time limit of requests. */
const patiently = (text: string) => ({ text, query_timeout: 24 * 3_600_000 })

async function apply(client: pg.ClientBase, migration: Migration): Promise<void> {
  try {
    await client.query('begin')
    await client.query(patiently(migration.sql))
    await client.query('insert into schema_migrations (version, name, checksum) values ($1, $2, $3)', [
      migration.version,
      migration.name,
      migration.checksum,
    ])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw new Error(`migration ${migration.name} failed: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}

/**
 * Applies the missing migrations of `folder` (`NNNN_name.sql`, forward only), each in its own transaction. If several
 * processes start together, one migrates, and the others wait and find nothing to do.
 * @throws MigrationMismatch when an applied file was changed or is missing; Error when a migration fails
 */
export async function migrate(
  pool: pg.Pool,
  folder: string,
  log: Pick<Logger, 'info'>,
): Promise<{ applied: string[] }> {
  const files = await readMigrations(folder)
  const client = await pool.connect()
  try {
    await client.query('set statement_timeout = 0')
    await client.query(patiently(`select pg_advisory_lock(${lockKey})`))
    await client.query(`create table if not exists schema_migrations (
      version integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`)
    const pending = compare(files, await readApplied(client))
    for (const migration of pending) {
      await apply(client, migration)
      log.info({ migration: migration.name }, 'migration applied')
    }
    return { applied: pending.map((migration) => migration.name) }
  } finally {
    try {
      await client.query('select pg_advisory_unlock_all()')
      await client.query('reset statement_timeout')
      client.release()
    } catch {
      client.release(true)
    }
  }
}

/** The names of the migrations in `folder`, in order. @throws MigrationMismatch for a wrong file name or number */
export async function migrationNames(folder: string): Promise<readonly string[]> {
  return (await readMigrations(folder)).map(({ name }) => name)
}

/** The names and checksums of the migrations in `folder`. @throws MigrationMismatch for a wrong file name or number */
export async function migrationChecksums(folder: string): Promise<readonly string[]> {
  return (await readMigrations(folder)).map(({ name, checksum }) => `${name} ${checksum}`)
}

/**
 * The migrations of `names` that the database does not have yet. Others in the database are ignored: during an update
 * the old program keeps running after the new one has migrated.
 */
export async function pendingMigrations(pool: pg.Pool, names: readonly string[]): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select name
     from unnest($1::text[]) with ordinality as known (name, nth)
     where name not in (select name from schema_migrations)
     order by nth`,
    [names],
  )
  return rows.map(({ name }) => name)
}
