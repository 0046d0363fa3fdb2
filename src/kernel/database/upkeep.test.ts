import { afterAll, beforeAll, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { checkpointer, vacuum, vacuumDue } from './upkeep.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

const zone = 'Asia/Shanghai'
const at = (text: string) => new Date(text)

test('a vacuum is due once in the quiet hours of the time zone', () => {
  const yesterday = at('2026-05-01T03:10:00+08:00')
  expect(vacuumDue(at('2026-05-02T02:59:00+08:00'), yesterday, zone)).toBe(false)
  expect(vacuumDue(at('2026-05-02T03:00:00+08:00'), yesterday, zone)).toBe(true)
  expect(vacuumDue(at('2026-05-02T04:59:00+08:00'), at('2026-05-02T03:00:00+08:00'), zone)).toBe(false)
  expect(vacuumDue(at('2026-05-02T03:00:00+08:00'), yesterday, 'Europe/Berlin')).toBe(false)
})

test('a database that is down at night is vacuumed in the daytime after two days', () => {
  expect(vacuumDue(at('2026-05-03T11:59:00+08:00'), at('2026-05-01T12:00:00+08:00'), zone)).toBe(false)
  expect(vacuumDue(at('2026-05-03T12:01:00+08:00'), at('2026-05-01T12:00:00+08:00'), zone)).toBe(true)
})

// On a server, other databases write as well.
test.skipIf(onServer)('a checkpoint is made when something was written since the last one', async () => {
  const checkpoint = checkpointer(database.pool)
  expect(await checkpoint()).toBe(true)
  expect(await checkpoint()).toBe(false)
  await database.pool.query('create table written (id int)')
  expect(await checkpoint()).toBe(true)
})

test('the vacuum updates the row count of every table', async () => {
  await database.pool.query('create table counted as select * from generate_series(1, 1000)')
  await vacuum(database.pool)
  const { rows } = await database.pool.query(`select reltuples from pg_class where relname = 'counted'`)
  expect(rows).toEqual([{ reltuples: 1000 }])
})
