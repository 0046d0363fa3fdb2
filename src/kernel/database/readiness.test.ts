import { expect, it } from 'vitest'
import { openWorld } from '../../../test/support/world.ts'

it.each([
  [
    'is ready when a newer program has migrated the database',
    `INSERT INTO schema_migrations VALUES (9999, '9999_newer', '')`,
    200,
  ],
  ['is not ready while a migration of its own is missing', 'DELETE FROM schema_migrations WHERE version = 1', 503],
])('A process %s', async (_, change, status) => {
  const world = await openWorld()
  await world.rows(change)
  expect((await world.call('GET', '/readyz')).status).toBe(status)
  await world.close()
})
