import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { PgBoss } from 'pg-boss'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type OpenDatabase, openDatabase } from './database.ts'

const log = { info: () => {}, warn: () => {}, error: vi.fn() }
let database: TestDatabase

beforeAll(async () => {
  database = await openTestDatabase('migrated', log)
})
afterAll(() => database.close())

async function evaluate(expression: string): Promise<unknown> {
  const answer = await sql<{ value: unknown }>`select ${sql.raw(expression)} as value`.execute(database.db)
  return answer.rows[0]?.value
}

/** A promise and the function that resolves it. */
function signal<T>() {
  return Promise.withResolvers<T>()
}

describe('values', () => {
  test.each([
    ['bigint', `9007199254740991::bigint`, 9007199254740991],
    ['count', 'count(*)', 1],
    ['bigint[]', `array[1, null, 3]::bigint[]`, [1, null, 3]],
    ['date', `date '2026-03-29'`, '2026-03-29'],
    ['date[]', `array[date '2026-03-29']`, ['2026-03-29']],
    ['numeric', `12.50::numeric`, '12.50'],
    ['numeric[]', `array[12.50]::numeric[]`, ['12.50']],
    ['timestamptz', `timestamptz '2026-01-01 08:00+08'`, new Date('2026-01-01T00:00:00Z')],
    ['jsonb', `'{"a": [1]}'::jsonb`, { a: [1] }],
    ['tstzrange', `tstzrange('2026-01-01Z', null)::text`, '["2026-01-01 00:00:00+00",)'],
    ['the zone of the session', `current_setting('TimeZone')`, 'UTC'],
  ])('%s', async (_, expression, expected) => {
    expect(await evaluate(expression)).toEqual(expected)
  })

  test('a bigint that JavaScript would round is refused', async () => {
    await expect(evaluate(`9007199254740992::bigint`)).rejects.toThrow('safe integer')
    expect(await evaluate('1')).toBe(1)
  })
})

describe('notifications', () => {
  test('reach the listeners of their channel with their payload, until those stop', async () => {
    const heard: string[] = []
    const done = signal<void>()
    const second = signal<void>()
    const stop = await database.listen('News Of', (payload) => {
      heard.push(payload)
      if (payload === 'two') second.resolve()
    })
    const stopDone = await database.listen('done', (payload) => payload === '2' && done.resolve())
    expect(database.listenState.listening).toBe(true)
    await sql`select pg_notify('News Of', 'one'), pg_notify('others', 'no')`.execute(database.db)
    await database.db.transaction().execute(async (tx) => {
      await sql`select pg_notify('News Of', 'two')`.execute(tx)
      expect(heard).not.toContain('two')
    })
    await second.promise
    await stop()
    await sql`select pg_notify('News Of', 'three'), pg_notify('done', '2')`.execute(database.db)
    await done.promise
    expect(heard).toEqual(['one', 'two'])
    await stopDone()
  })

  test('a listener that throws does not affect other listeners', async () => {
    const heard = signal<string>()
    const stops = [
      await database.listen('brave', () => {
        throw new Error('not me')
      }),
      await database.listen('brave', heard.resolve),
    ]
    await sql`select pg_notify('brave', 'on')`.execute(database.db)
    expect(await heard.promise).toBe('on')
    expect(log.error).toHaveBeenCalledWith({ err: new Error('not me') }, 'a listener failed')
    for (const stop of stops) await stop()
  })

  test.runIf(onServer)('a dropped connection is reported, and listens again after reconnecting', async () => {
    const lost = signal<void>()
    const back = signal<void>()
    const heard = signal<string>()
    const stop = await database.listen('survivor', heard.resolve)
    const watches = [database.listenState.onLost(lost.resolve), database.listenState.onListening(back.resolve)]
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'yuyue listen' and datname = current_database()`.execute(database.db)
    await lost.promise
    expect(database.listenState.listening).toBe(false)
    await back.promise
    await sql`select pg_notify('survivor', 'again')`.execute(database.db)
    expect(await heard.promise).toBe('again')
    for (const unwatch of watches) unwatch()
    await stop()
  })
})

describe('pg-boss on our pool', () => {
  test('a block that fails in the middle does not affect other statements', async () => {
    const { bossDatabase } = database
    const block = 'begin; create table half (); select 1/0; commit'
    const outcomes = await Promise.allSettled([
      bossDatabase.executeSql(block),
      ...Array.from({ length: 20 }, () => bossDatabase.executeSql('select 1 as one')),
      sql`select 1`.execute(database.db),
    ])
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', ...Array(21).fill('fulfilled')])
    expect(await evaluate(`to_regclass('half')`)).toBe(null)
  })

  test('a block answers the rows of all its statements', async () => {
    const { rows } = await database.bossDatabase.executeSql('begin; select 1 as n; select 2 as n; commit')
    expect(rows).toEqual([{ n: 1 }, { n: 2 }])
  })

  test('starts, runs a job and stops', async () => {
    const boss = new PgBoss({ db: database.bossDatabase, ...(onServer ? {} : { backend: 'pglite' }) })
    boss.on('error', (error) => expect.unreachable(String(error)))
    await boss.start()
    await boss.createQueue('greet')
    const done = signal<unknown>()
    await boss.work('greet', { pollingIntervalSeconds: 0.5 }, async ([job]) => done.resolve(job?.data))
    await boss.send('greet', { name: '小明' })
    expect(await done.promise).toEqual({ name: '小明' })
    await boss.stop({ graceful: true })
  })
})

describe('the embedded database on disk', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'yuyue-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const open = (): Promise<OpenDatabase> => openDatabase({ dataDir: folder, poolSize: 1, log })

  test('keeps its rows, and can be opened by one process at a time', async () => {
    const first = await open()
    await sql`create table kept as select 7 as n`.execute(first.db)
    await expect(open()).rejects.toThrow(`The data folder ${folder} is in use by process ${process.pid}`)
    await first.close()
    const second = await open()
    expect((await sql`select n from kept`.execute(second.db)).rows).toEqual([{ n: 7 }])
    await second.close()
  })

  test('starts from a dump of another', async () => {
    const source = await openDatabase({ dataDir: 'memory', poolSize: 1, log })
    await sql`create table copied as select 8 as n`.execute(source.db)
    const copy = await openDatabase({ dataDir: 'memory', poolSize: 1, snapshot: await source.dump(), log })
    expect((await sql`select n from copied`.execute(copy.db)).rows).toEqual([{ n: 8 }])
    await source.close()
    await copy.close()
  })
})
