import { execFile } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type pg from 'pg'

const run = promisify(execFile)

/** Finds pgbench on the PATH or where Debian installs it. @throws Error with instructions for installing it. */
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

/** A script of pgbench with its variables: the bare work of a database, for comparison with a booking. */
export interface Bare {
  readonly script: string
  readonly variables: Readonly<Record<string, number>>
}

const PAIR = `\\set slot random(1, :slots)
\\set person random(1, :people)
BEGIN;
UPDATE bench_slots SET taken = taken + 1 WHERE id = :slot AND taken < capacity;
INSERT INTO bench_reservations (slot_id, user_id, created_at) VALUES (:slot, :person, now());
COMMIT;
`

/**
 * Prepares the guarded pair of statements that takes a place in a slot. The tables have only a primary key, and as many
 * slots and people as the bookings.
 */
export async function preparePair(
  pool: pg.Pool,
  folder: string,
  variables: { readonly slots: number; readonly people: number },
): Promise<Bare> {
  await pool.query('CREATE TABLE bench_slots (id bigint PRIMARY KEY, capacity int NOT NULL, taken int NOT NULL)')
  await pool.query(
    `CREATE TABLE bench_reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       slot_id bigint NOT NULL, user_id bigint NOT NULL, created_at timestamptz NOT NULL)`,
  )
  await pool.query('INSERT INTO bench_slots SELECT n, 1000000, 0 FROM generate_series(1, $1::int) n', [variables.slots])
  await pool.query('ANALYZE bench_slots')
  const script = join(folder, 'pair.sql')
  await writeFile(script, PAIR)
  return { script, variables }
}

const INSERT = `\\set room random(1, :rooms)
\\set person random(1, :people)
\\set hour random(1, :hours)
INSERT INTO bench_bookings (room_id, user_id, status, during, created_at)
VALUES (
  :room, :person, '1',
  tstzrange(
    date_trunc('day', now()) + :hour * interval '1 hour',
    date_trunc('day', now()) + (:hour + 1) * interval '1 hour'
  ),
  now()
)
ON CONFLICT DO NOTHING;
`

/**
 * Prepares the guarded insert of a room's booking under the same overlap constraint, over as many rooms and hours as
 * the bookings.
 */
export async function prepareInsert(
  pool: pg.Pool,
  folder: string,
  { rooms, hours, people }: { readonly rooms: number; readonly hours: number; readonly people: number },
): Promise<Bare> {
  await pool.query(
    `CREATE TABLE bench_bookings (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       room_id bigint NOT NULL, user_id bigint NOT NULL, status text NOT NULL,
       during tstzrange NOT NULL, created_at timestamptz NOT NULL,
       EXCLUDE USING gist (room_id WITH =, during WITH &&) WHERE (status IN ('0', '1', '4')))`,
  )
  const script = join(folder, 'insert.sql')
  await writeFile(script, INSERT)
  return { script, variables: { rooms, hours, people } }
}

export interface BareRun extends Bare {
  readonly pgbench: string
  readonly url: string
  readonly connections: number
  readonly seconds: number
}

/** Transactions a second of a bare script with prepared statements. */
export async function runBare(of: BareRun): Promise<number> {
  const url = new URL(of.url)
  const variables = Object.entries(of.variables).flatMap(([name, value]) => ['-D', `${name}=${value}`])
  const load = ['-c', String(of.connections), '-j', '2', '-T', String(of.seconds)]
  const { stdout } = await run(of.pgbench, ['-n', '-M', 'prepared', ...load, ...variables, '-f', of.script], {
    env: {
      ...process.env,
      // Not on the command line, where others could see a password.
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
