import { readFile, writeFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MOST_PDF_ROWS } from '../../src/kernel/exports/exports.ts'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { addPeople, only, type Person } from './site.ts'

/** The number of rows; EXPORT_ROWS=1000000 sets the long version. The memory must not grow with it. */
const ROWS = Number(process.env.EXPORT_ROWS ?? 200_000)
/** The most resident memory that an export may add to the process, in megabytes. */
const MORE_MB = 100
/** The most memory of the whole process; only checked with EXPORT_ROWS, on a machine of known size. */
const MOST_MB = process.env.EXPORT_ROWS === undefined ? Number.POSITIVE_INFINITY : 300
const onLinux = process.platform === 'linux'

describe.runIf(onServer && onLinux)(`An export of ${ROWS} rows`, () => {
  let database: TestDatabase
  let fleet: Fleet
  let server: Running
  let person: Person

  beforeAll(async () => {
    database = await openTestDatabase()
    await sql`INSERT INTO login_log (name, result, address, user_agent, at)
      SELECT 'n***', 'bad_credentials', '192.0.2.' || n % 250, 'Mozilla/5.0 (X11; Linux x86_64) ' || md5(n::text),
        '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second' FROM generate_series(1, ${ROWS}::int) n`.execute(
      database.db,
    )
    fleet = await openFleet({ url: database.url ?? '' })
    server = await fleet.start('server')
    person = only(await addPeople(database.db, 1))
    await sql`INSERT INTO user_roles (user_id, role, granted_at) VALUES (${person.id}, 'admin', now())`.execute(
      database.db,
    )
  }, 120_000)
  afterAll(async () => {
    await fleet?.close()
    await database?.close()
  })

  const ask = (query: string) =>
    fetch(`${server.url}/api/v1/login-logs/export?${query}`, {
      headers: { authorization: `Bearer ${person.token}`, 'accept-encoding': 'identity' },
    })

  /** Memory of the server in megabytes: now (VmRSS) or its peak (VmHWM). */
  async function memory(what: 'VmRSS' | 'VmHWM'): Promise<number> {
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8')
    return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
  }

  it.each(['csv', 'xlsx', 'pdf'])(
    `adds less than ${MORE_MB} MB of memory (%s)`,
    { timeout: 60_000 + ROWS / 2 },
    async (format) => {
      await (await ask(`format=${format}&address=192.0.2.1`)).arrayBuffer()
      const before = await memory('VmRSS')
      // Resets the peak (proc(5)), which still has the value of earlier formats.
      await writeFile(`/proc/${server.pid}/clear_refs`, '5')
      const started = performance.now()
      // A PDF may have only this many rows.
      const rows = format === 'pdf' ? Math.min(ROWS, MOST_PDF_ROWS) : ROWS
      const answer = await ask(
        `format=${format}&to=${new Date(Date.UTC(2026, 0, 1) + (rows + 1) * 1000).toISOString()}`,
      )
      expect(answer.status).toBe(200)
      let bytes = 0
      let lines = 0
      for await (const part of answer.body ?? []) {
        bytes += part.length
        if (format === 'csv') for (const byte of part) if (byte === 10) lines += 1
      }
      const most = await memory('VmHWM')
      console.info(
        `${format}: ${rows} rows, ${(bytes / 2 ** 20).toFixed(0)} MB in ${((performance.now() - started) / 1000).toFixed(1)} s, memory ${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most`,
      )
      if (format === 'csv') expect(lines).toBe(ROWS + 1)
      else expect(bytes).toBeGreaterThan(rows * 10)
      expect(most - before).toBeLessThan(MORE_MB)
      expect(most).toBeLessThan(MOST_MB)
    },
  )
})
