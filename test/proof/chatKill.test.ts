import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSystem } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { ManualClock } from '../../src/kernel/clock.ts'
import { openDatabase } from '../../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../../src/kernel/database/migrate.ts'
import { onServer } from '../support/database.ts'
import { type Fleet, openFleet, SECRET_KEY } from '../support/processes.ts'
import { type ChatClient, chatClient, hangUp } from '../support/support.ts'
import { addPeople } from './site.ts'

/** The long version sets PROOF_KILLS=20. */
const KILLS = Number(process.env.PROOF_KILLS ?? 2)
const QUESTIONS = 6
const FIELD_KEYS = [{ id: 'k1', key: Buffer.alloc(32, 1) }] as const
const printing = { info: () => {}, warn: console.warn, error: console.error }

let dataDir: string
let fleet: Fleet
const openFolder = () => openDatabase({ dataDir, poolSize: 1, log: printing })

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'yuyue-chat-kill-'))
  fleet = await openFleet({ dataDir })
})
afterAll(async () => {
  hangUp()
  await fleet?.close()
  await rm(dataDir, { recursive: true, force: true })
})

test.skipIf(onServer)(
  `after ${KILLS} kills during a chat, every question is stored once, even if it was sent repeatedly, and has one answer`,
  async () => {
    const before = await openFolder()
    await migrate(before.pool, MIGRATIONS, printing)
    const [person] = await addPeople(before.db, 1)
    await before.close()
    if (!person) throw new Error('somebody asks')

    const unacknowledged = new Map<string, string>()
    const acknowledged = new Map<string, number>()
    const seen = new Map<number, string>()
    /** Records the messages and acknowledgements that a client received. */
    const note = ({ frames }: ChatClient) => {
      for (const { type, id = 0, client_id: clientId = '', message } of frames) {
        if (type === 'message') seen.set(id, message?.content ?? '')
        if (type !== 'ack') continue
        expect(acknowledged.get(clientId) ?? id).toBe(id)
        acknowledged.set(clientId, id)
        unacknowledged.delete(clientId)
      }
    }
    const connect = async (url: string) => {
      const last = Math.max(0, ...seen.keys())
      const client = await chatClient(url, person, { last_event_id: last })
      for (const [clientId, content] of unacknowledged) client.say({ type: 'message', content, client_id: clientId })
      return client
    }

    for (let kill = 0; kill < KILLS; kill += 1) {
      const running = await fleet.start('start')
      const url = running.url ?? ''
      const headers = { authorization: `Bearer ${person.token}` }
      expect((await fetch(`${url}/api/support/chat`, { method: 'POST', headers })).ok).toBe(true)
      const client = await connect(url)
      for (let n = 0; n < QUESTIONS; n += 1) {
        const clientId = `${kill}-${n}`
        unacknowledged.set(clientId, `问题 ${clientId}`)
        client.say({ type: 'message', content: `问题 ${clientId}`, client_id: clientId })
      }
      await client.heard('ack', { client_id: `${kill}-${kill}` })
      await running.kill()
      await client.closed
      note(client)
    }

    const last = await fleet.start('start')
    const client = await connect(last.url ?? '')
    const asked = KILLS * QUESTIONS
    await expect
      .poll(() => client.frames.filter(({ type }) => type === 'ack').length, { timeout: 20_000 })
      .toBe(unacknowledged.size)
    note(client)
    expect(unacknowledged.size).toBe(0)
    expect(acknowledged.size).toBe(asked)
    expect(await last.end()).toBe(0)

    const after = await openFolder()
    // A minute later, when the job takes up the work of killed processes.
    const clock = new ManualClock(new Date(Date.now() + 60_000))
    const config = {
      ...loadConfig({ NODE_ENV: 'test', DATA_DIR: dataDir }),
      secretKey: SECRET_KEY,
      fieldKeys: FIELD_KEYS,
    }
    const system = await createSystem(config, clock, pino({ level: 'silent' }), after, { serve: false, work: false })
    try {
      await system.start()
      await system.drain()
      await system.jobs.runNow('support.forgotten')
      const { rows } = await sql<{ clientId: string; id: number; answers: number }>`
      SELECT q.client_id AS "clientId", q.id, (SELECT count(*)::int FROM chat_messages a WHERE a.reply_to = q.id AND a.author = 'bot') AS answers
      FROM chat_messages q WHERE q.author = 'user' ORDER BY q.id`.execute(after.db)
      expect(new Map(rows.map(({ clientId, id }) => [clientId, id]))).toEqual(acknowledged)
      expect(rows.map((row) => row.answers)).toEqual(Array(asked).fill(1))
    } finally {
      await system.stop()
      await after.close()
    }
  },
  180_000,
)
