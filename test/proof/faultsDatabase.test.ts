import { once } from 'node:events'
import { createServer } from 'node:net'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type OpenDatabase, openDatabase } from '../../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../../src/kernel/database/migrate.ts'
import { type Cluster, canOpenCluster, openCluster } from '../support/cluster.ts'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { openFleet } from '../support/processes.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { openWorld } from '../support/world.ts'
import { databaseOutage, type OutageFigures } from './outage.ts'

/** Seconds of the outage in the long version (OUTAGE_SECONDS); 0 means a few seconds. */
const SECONDS = Number(process.env.OUTAGE_SECONDS ?? 0)
const quiet = { info: () => {}, warn: () => {}, error: () => {} }

/** Checks the limits that hold for every kind of outage. */
function expectQuick(figures: OutageFigures): void {
  if (SECONDS > 0) console.info(figures)
  expect(figures.acknowledged).toBeGreaterThan(10)
  expect(figures.longestMs).toBeLessThan(15_000)
  expect(figures.readyMs).toBeLessThan(10_000)
  expect(figures.bookingMs).toBeLessThan(10_000)
  expect(figures.handedOnMs).toBeLessThan(20_000)
  const count = (text: string) => figures.said.filter((line) => line.includes(text)).length
  expect(count('the database cannot be reached')).toBe(1)
  expect(count('the database can be reached again')).toBe(1)
  // The queue of jobs, /readyz, the start and the stop log some lines each, but not one for each request.
  expect(figures.said.length).toBeLessThan(60)
}

describe.runIf(onServer)(
  'During an outage of the database, requests are refused quickly, nothing is lost, and the program recovers by itself,',
  () => {
    let database: TestDatabase
    let proxy: TcpProxy

    beforeEach(async () => {
      database = await openTestDatabase('migrated', quiet)
      proxy = await startProxy(Number(new URL(database.url ?? '').port))
    })

    afterEach(async () => {
      await proxy?.close()
      await database?.close()
    })

    const throughProxy = async (seconds: number, begin: () => Promise<void>) => {
      const url = new URL(database.url ?? '')
      url.port = String(proxy.port)
      const fleet = await openFleet({ url: url.href })
      try {
        return await databaseOutage({ fleet, db: database.db, seconds, begin, end: () => proxy.pass() })
      } finally {
        await fleet.close()
      }
    }

    test('if connections are cut and refused', async () => {
      const figures = await throughProxy(SECONDS || 3, () => proxy.refuse())
      expectQuick(figures)
      expect(figures.noticedMs).toBeLessThan(3000)
      expect(figures.longestWhileKnownMs).toBeLessThan(3000)
    }, 240_000)

    test('if connections stay open but pass no data', async () => {
      const figures = await throughProxy(SECONDS || 14, async () => proxy.hold())
      expectQuick(figures)
      expect(figures.noticedMs).toBeLessThan(12_000)
    }, 240_000)
  },
)

describe.runIf(onServer)('A read replica that cannot be reached', () => {
  const AWAY = 'the read replica cannot be reached: the primary is asked instead'
  const BACK = 'the read replica can be reached again'
  let primary: TestDatabase
  let proxy: TcpProxy
  let database: OpenDatabase | undefined
  let said: string[]

  beforeEach(async () => {
    primary = await openTestDatabase('empty', quiet)
    proxy = await startProxy(Number(new URL(primary.url ?? '').port))
    said = []
  })
  afterEach(async () => {
    await database?.close()
    await proxy.close()
    await primary.close()
  })

  const open = async () => {
    const readUrl = new URL(primary.url ?? '')
    readUrl.port = String(proxy.port)
    const say = (...words: unknown[]) => void said.push(String(words.at(-1)))
    const log = { info: say, warn: say, error: say }
    database = await openDatabase({ url: primary.url, readUrl: readUrl.href, dataDir: 'memory', poolSize: 2, log })
    return async () => {
      await sql`SELECT 1`.execute(database?.reads ?? primary.db)
      return 'answered'
    }
  }
  /** Polls a read; one that was running when the replica went away may fail. */
  const answers = (ask: () => Promise<string>) => expect.poll(() => ask().catch(String), { timeout: 15_000 })

  test.each([
    ['refuses connections', (proxy: TcpProxy) => proxy.refuse()],
    ['does not answer', async (proxy: TcpProxy) => proxy.hold()],
  ])(
    'is replaced by the primary when it %s, and used again when it is back',
    async (_, begin) => {
      const ask = await open()
      await ask()
      await begin(proxy)
      await answers(ask).toBe('answered')
      await expect.poll(() => said, { timeout: 15_000 }).toContain(AWAY)
      expect(await ask()).toBe('answered')
      await proxy.pass()
      await expect.poll(() => said, { timeout: 15_000 }).toContain(BACK)
      const before = proxy.accepted()
      await Promise.all([ask(), ask()])
      expect(proxy.accepted()).toBeGreaterThan(before)
      expect(said.filter((line) => line === AWAY)).toHaveLength(1)
    },
    60_000,
  )

  test('does not prevent the start of the program', async () => {
    await proxy.refuse()
    const ask = await open()
    expect(await ask()).toBe('answered')
    await expect.poll(() => said).toContain(AWAY)
  })
})

describe.runIf(onServer)('While long statements use all connections,', () => {
  test('requests are refused with 503 after five seconds, and succeed again afterwards', async () => {
    const world = await openWorld()
    const person = await world.person()
    const ask = () => world.call('GET', '/api/v1/venues', { as: person })
    const long = Array.from({ length: 10 }, () => world.database.pool.query('select pg_sleep(7)'))
    const started = performance.now()
    const [refused, ready, alive] = await Promise.all([
      ask(),
      world.call('GET', '/readyz'),
      world.call('GET', '/healthz'),
    ])
    expect(performance.now() - started).toBeLessThan(6500)
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '5' }, body: { code: 'database_busy' } })
    expect([ready.status, alive.status]).toEqual([503, 200])
    await Promise.all(long)
    expect((await ask()).status).toBe(200)
    expect((await world.call('GET', '/readyz')).status).toBe(200)
    await world.close()
  }, 60_000)
})

describe.runIf(onServer)('A stop of the database server', () => {
  let server: Cluster | undefined

  beforeAll(async () => {
    if (await canOpenCluster()) server = await openCluster({ shared_buffers: '16MB', fsync: 'off' })
  }, 60_000)
  afterAll(() => server?.close())

  test('loses nothing; a start of the program waits for the server, or ends with one line', async ({ skip }) => {
    if (!server) return skip('PostgreSQL is not installed on this machine')
    const { url, crash, start } = server
    const { host } = new URL(url)
    const database = await openDatabase({ url, dataDir: 'memory', poolSize: 4, log: quiet })
    const fleet = await openFleet({ url })
    try {
      await migrate(database.pool, MIGRATIONS, quiet)
      const { db } = database
      expectQuick(await databaseOutage({ fleet, db, seconds: SECONDS || 3, begin: crash, end: start }))

      await crash()
      const refused = await fleet.run('verify', { DATABASE_WAIT_SECONDS: '0' })
      expect(refused.code).toBe(1)
      expect(refused.output.trim().split('\n').at(-1)).toBe(
        `The database ${host}/postgres cannot be used: connect ECONNREFUSED ${host}`,
      )
      // The program retries the connection while this listener closes every socket.
      const nobody = createServer((socket) => socket.destroy()).listen(Number(new URL(url).port), '127.0.0.1')
      await once(nobody, 'listening')
      const starting = fleet.start('start')
      await once(nobody, 'connection')
      nobody.close()
      await once(nobody, 'close')
      await start()
      const running = await starting
      expect((await fetch(`${running.url}/readyz`)).status).toBe(200)
      expect(await running.end()).toBe(0)

      const stranger = new URL(url)
      stranger.pathname = '/nowhere'
      const nowhere = await fleet.run('verify', { DATABASE_URL: stranger.href })
      expect(nowhere).toMatchObject({ code: 1, output: expect.stringContaining('database "nowhere" does not exist') })
    } finally {
      await fleet.close()
      await database.close()
    }
  }, 240_000)
})
