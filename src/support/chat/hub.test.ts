import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { expect, test } from 'vitest'
import { freePort } from '../../../test/support/cluster.ts'
import { startProxy } from '../../../test/support/proxy.ts'
import type { DB } from '../../kernel/database/tables.ts'
import { createChatHub } from './hub.ts'

test('a reader retries an interrupted read, and does not log the database failure itself', async () => {
  const said: unknown[] = []
  const way = await startProxy(await freePort())
  const db = new Kysely<DB>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ port: way.port, host: '127.0.0.1' }) }),
  })
  const deaf = { listening: false, onLost: () => () => {}, onListening: () => () => {} }
  const database = { listen: async () => async () => {}, listenState: deaf }
  const hub = createChatHub(db, database, { error: (line: unknown) => said.push(line) })
  await hub.start()
  hub.follow({ userId: 1, key: 1, deliver: () => {}, typing: () => {}, flushed: async () => {} }, 0)
  // The second try: any log line about the first has been written.
  await expect.poll(way.accepted, { timeout: 15_000 }).toBeGreaterThan(1)
  expect(said).toEqual([])
  await hub.stop()
  await db.destroy()
  await way.close()
})
