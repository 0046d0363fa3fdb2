import pg from 'pg'
import { MIGRATIONS, migrate } from '../src/kernel/database/migrate.ts'

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]', '::1'])
const PREFIX = 'yuyue_bench_'
const HOUR_MS = 3_600_000

/** A database for this run only. */
export interface BenchDatabase {
  readonly url: string
  /** A few connections for preparing and checking. The measured programs have their own. */
  readonly pool: pg.Pool
  drop(): Promise<void>
}

/**
 * The URL of the server to measure on. @throws Error if it is not on this machine, because a benchmark writes as fast
 * as it can.
 */
export function serverUrl(env: Readonly<Record<string, string | undefined>>): URL {
  const url = new URL(env.BENCH_DATABASE_URL || 'postgres://postgres@127.0.0.1:5432/postgres')
  if (!LOOPBACK.has(url.hostname))
    throw new Error(`BENCH_DATABASE_URL: the host is ${url.hostname}; only this machine is measured.`)
  return url
}

/** Creates and migrates a database. Drops databases older than an hour, which killed runs left behind. */
export async function createDatabase(server: URL, suffix: string): Promise<BenchDatabase> {
  const name = `${PREFIX}${Date.now()}_${suffix}`
  await onServer(server, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `SELECT datname FROM pg_database WHERE datname ~ '^${PREFIX}[0-9]+_'`,
    )
    for (const { datname } of rows) {
      const age = Date.now() - Number(datname.slice(PREFIX.length).split('_')[0])
      if (age > HOUR_MS) await client.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`)
    }
    await client.query(`CREATE DATABASE ${name}`)
  })
  const url = new URL(server)
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: 4 })
  // Dropping the database ends the open connections.
  pool.on('error', () => {})
  const drop = async () => {
    await pool.end()
    await onServer(server, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  }
  try {
    await migrate(pool, MIGRATIONS, { info: () => {} })
  } catch (error) {
    await drop()
    throw error
  }
  return { url: url.href, pool, drop }
}

/** Version and settings of the server, for the report. */
export async function describeServer(server: URL): Promise<Readonly<Record<string, string>>> {
  return onServer(server, async (client) => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      `SELECT name, current_setting(name) AS setting FROM pg_settings
       WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')
       ORDER BY name`,
    )
    return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
  })
}

async function onServer<T>(server: URL, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server.href, connectionTimeoutMillis: 5000 })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/**
 * Writes out the changes of earlier phases, so that they don't disturb the next one. Does nothing without the right to
 * do so.
 */
export async function checkpoint(pool: pg.Pool): Promise<void> {
  await pool.query('CHECKPOINT').catch(() => undefined)
}
