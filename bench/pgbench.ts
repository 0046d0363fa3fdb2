import { execFile } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type pg from 'pg'

const run = promisify(execFile)

/** Finds PostgreSQL's own benchmark, on the PATH or where Debian puts it. @throws Error that says how to get it. */
export function findPgbench(path: string | undefined): string {
  const debian = '/usr/lib/postgresql'
  const versions = listed(debian).sort((a, b) => Number(b) - Number(a))
  const folders = [...(path ?? '').split(':'), ...versions.map((version) => join(debian, version, 'bin'))]
  const found = folders
    .filter(Boolean)
    .map((folder) => join(folder, 'pgbench'))
    .find(isExecutable)
  if (found) return found
  throw new Error('pgbench was not found. It comes with PostgreSQL: on Debian, apt install postgresql-contrib.')
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const SCRIPT = `\\set slot random(1, :slots)
\\set person random(1, :people)
BEGIN;
UPDATE bench_slots SET taken = taken + 1 WHERE id = :slot AND taken < capacity;
INSERT INTO bench_reservations (slot_id, user_id, created_at) VALUES (:slot, :person, now());
COMMIT;
`

/** Tables of the bare pair: no more than a primary key each. As many slots and people as the bookings have. */
export async function preparePair(pool: pg.Pool, folder: string, slots: number): Promise<string> {
  await pool.query('CREATE TABLE bench_slots (id bigint PRIMARY KEY, capacity int NOT NULL, taken int NOT NULL)')
  await pool.query(
    `CREATE TABLE bench_reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       slot_id bigint NOT NULL, user_id bigint NOT NULL, created_at timestamptz NOT NULL)`,
  )
  await pool.query('INSERT INTO bench_slots SELECT n, 1000000, 0 FROM generate_series(1, $1::int) n', [slots])
  await pool.query('ANALYZE bench_slots')
  const script = join(folder, 'pair.sql')
  await writeFile(script, SCRIPT)
  return script
}

export interface PairRun {
  readonly pgbench: string
  readonly script: string
  readonly url: string
  readonly connections: number
  readonly seconds: number
  readonly slots: number
  readonly people: number
}

/** Transactions a second of the bare guarded pair, prepared, over so many connections. */
export async function runPair(of: PairRun): Promise<number> {
  const url = new URL(of.url)
  const variables = ['-D', `slots=${of.slots}`, '-D', `people=${of.people}`]
  const load = ['-c', String(of.connections), '-j', '2', '-T', String(of.seconds)]
  const { stdout } = await run(of.pgbench, ['-n', '-M', 'prepared', ...load, ...variables, '-f', of.script], {
    env: {
      ...process.env,
      // Not on the command line: a password would be seen there.
      PGHOST: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      PGPORT: url.port || '5432',
      PGUSER: decodeURIComponent(url.username),
      PGPASSWORD: decodeURIComponent(url.password),
      PGDATABASE: url.pathname.slice(1),
    },
    timeout: (of.seconds + 20) * 1000,
  })
  const tps = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1])
  const failed = Number(/number of failed transactions: (\d+)/.exec(stdout)?.[1] ?? 0)
  if (!(tps > 0) || failed > 0) throw new Error(`pgbench did not measure:\n${stdout}`)
  return tps
}
