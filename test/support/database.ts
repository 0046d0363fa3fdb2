import { randomBytes } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { sql } from 'kysely'
import pg from 'pg'
import { inject } from 'vitest'
import type { DatabaseOptions } from '../../src/kernel/database/connection.ts'
import { type Database, type OpenDatabase, openDatabase } from '../../src/kernel/database/database.ts'

const source = inject('databaseSource')
const printing = { info: () => {}, warn: console.warn, error: console.error }

/** True if the tests use a server (TEST_DATABASE_URL): only there can two transactions be open at once. */
export const onServer: boolean = source.kind === 'server'

async function onAdmin(url: string, statement: string): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    await admin.query(statement)
  } finally {
    await admin.end()
  }
}

/** A test database with its URL, for tests that connect to it a second time. */
export interface TestDatabase extends OpenDatabase {
  /** The server's URL; undefined when embedded. */
  readonly url: string | undefined
}

/**
 * Opens a database for one test file, with the migrated schema and no rows ('empty': without the schema). Close it in
 * `afterAll`, which also drops it.
 */
export async function openTestDatabase(
  content: 'migrated' | 'empty' = 'migrated',
  log: DatabaseOptions['log'] = printing,
): Promise<TestDatabase> {
  if (source.kind === 'embedded') {
    const snapshot = content === 'migrated' ? await openAsBlob(source.snapshot) : undefined
    return { ...(await openDatabase({ dataDir: 'memory', poolSize: 1, snapshot, log })), url: undefined }
  }
  const name = `${source.run}_${randomBytes(6).toString('hex')}`
  const template = content === 'migrated' ? `${source.run}_template` : 'template0'
  await onAdmin(source.url, `create database ${name} template ${template}`)
  const url = new URL(source.url)
  url.pathname = `/${name}`
  const database = await openDatabase({ url: url.href, dataDir: 'memory', poolSize: 10, log })
  return {
    ...database,
    url: url.href,
    async close() {
      await database.close()
      await onAdmin(source.url, `drop database if exists ${name} with (force)`)
    },
  }
}

/** Waits until `count` statements of a database wait for a lock. On a server only. */
export async function waitForLocks(db: Database, count: number): Promise<void> {
  while ((await countLockWaits(db)) < count);
}

/** The number of statements of a database that wait for a lock now. On a server only. */
export async function countLockWaits(db: Database): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`SELECT count(*) AS waiting FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db)
  return rows[0]?.waiting ?? 0
}
