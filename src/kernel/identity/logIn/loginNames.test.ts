import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { MIGRATIONS, migrate } from '../../database/migrate.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }
let database: TestDatabase
let before: string

/** The schema as it was when the log of log-ins held names as they had been typed. */
beforeAll(async () => {
  database = await openTestDatabase('empty')
  before = await mkdtemp(join(tmpdir(), 'yuyue-migrations-'))
  for (const file of await readdir(MIGRATIONS)) if (file < '0027') await cp(join(MIGRATIONS, file), join(before, file))
  await migrate(database.pool, before, log)
}, 120_000)
afterAll(async () => {
  await rm(before, { recursive: true })
  await database.close()
})

test('an upgrade masks the names that the log of log-ins holds, and knows whose locked names were', async () => {
  const { rows } = await database.pool.query<{ id: number }>(`
    INSERT INTO users (username, email, display_name, created_at, updated_at)
    VALUES ('Lin_Xi', 'Lin@example.com', '林', '2026-01-01', '2026-01-01') RETURNING id`)
  const id = rows[0]?.id ?? 0
  await database.pool.query(`INSERT INTO login_log (user_id, name, result, address, user_agent, at) VALUES
    (${id}, 'lin_xi', 'success', '192.0.2.1', '', '2026-02-01T00:00:00Z'),
    (${id}, 'wecom:lin_xi', 'success', '192.0.2.1', '', '2026-02-01T00:00:01Z'),
    (${id}, 'lin@example.com', 'success', '192.0.2.1', '', '2026-02-01T00:00:02Z'),
    (${id}, '138 0013 8000', 'success', '2001:db8::1', '', '2026-02-01T00:00:03Z'),
    (NULL, 'lin@example.com', 'locked_out', '192.0.2.1', '', '2026-02-01T00:00:04Z'),
    (NULL, 'hunter2@home', 'bad_credentials', '192.0.2.1', '', '2026-02-01T00:00:05Z'),
    (NULL, 'lin_xi', 'locked_out', '192.0.2.1', '', '2025-12-31T00:00:00Z')`)
  await migrate(database.pool, MIGRATIONS, log)
  const migrated = await database.pool.query<{ user_id: number; name: string }>(
    'SELECT user_id, name FROM login_log ORDER BY at',
  )
  expect(migrated.rows.map(({ user_id, name }) => [user_id, name])).toEqual([
    [null, 'l***'],
    [id, 'lin_xi'],
    [id, 'wecom:lin_xi'],
    [id, 'l***@example.com'],
    [id, '1***'],
    [id, 'l***@example.com'],
    [null, 'h***'],
  ])
})
