import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { onServer } from '../../../test/support/database.ts'
import { messageOptions } from '../../../test/support/messages.ts'
import { openWorld, type World } from '../../../test/support/world.ts'
import { dropDeadLetters, listDeadLetters, retryDeadLetters } from './deadLetters.ts'
import { createJobs, type Job, type Jobs } from './queues.ts'

let world: World
let jobs: Jobs
let startMs: number
let fails = false
const ran: unknown[] = []

const definitions: readonly Job[] = [
  { name: 'test.note', run: async (payload) => void ran.push(payload) },
  { name: 'test.leap-day', cron: '0 0 29 2 *', run: async () => void ran.push('tick') },
  {
    name: 'test.fragile',
    run: async (payload) => {
      ran.push(payload)
      if (fails) throw Object.assign(new Error('broken'), { parameters: ['secret-parameter'] })
    },
  },
]

beforeAll(async () => {
  world = await openWorld({}, messageOptions())
  jobs = createJobs(world.kernel, world.database, definitions, { work: false })
  const start = performance.now()
  await jobs.start()
  startMs = performance.now() - start
})
afterEach(async () => {
  await jobs.drain()
  ran.length = 0
})
afterAll(async () => {
  await jobs.stop()
  await world.close()
})

const page = { limit: 10, offset: 0, descending: true }

const send = (payload: object, options = {}) =>
  world.kernel.transaction((tx) => jobs.send(tx, 'test.note', payload, options))

describe('a job', () => {
  test('exists only if the change that causes it is committed', async () => {
    await send({ n: 1 })
    const undone = world.kernel.transaction(async (tx) => {
      await jobs.send(tx, 'test.note', { n: 2 })
      throw new Error('no')
    })
    await expect(undone).rejects.toThrow('no')
    expect(await jobs.drain()).toBe(1)
    expect(ran).toEqual([{ n: 1 }])
  })

  test('is not added while one with the same key waits; with another key, or after that ran, it is', async () => {
    expect(await send({ n: 1 }, { singletonKey: 'a' })).toBe(true)
    expect(await send({ n: 2 }, { singletonKey: 'a' })).toBe(false)
    expect(await send({ n: 3 }, { singletonKey: 'b' })).toBe(true)
    expect(await send({ n: 4 })).toBe(true)
    expect(await send({ n: 5 })).toBe(true)
    await jobs.drain()
    expect(ran).toHaveLength(4)
    expect(await send({ n: 6 }, { singletonKey: 'a' })).toBe(true)
  })

  test('waits until its time on the clock of the kernel', async () => {
    const at = new Date(world.clock.now().getTime() + 60 * 60_000)
    await send({ n: 1 }, { startAfter: at })
    expect(await jobs.drain()).toBe(0)
    world.clock.advance(59)
    expect(await jobs.drain()).toBe(0)
    world.clock.advance(1)
    expect(await jobs.drain()).toBe(1)
  })

  test('with an undefined name is refused', async () => {
    const sent = world.kernel.transaction((tx) => jobs.send(tx, 'test.nope', {}))
    await expect(sent).rejects.toThrow('no job is called test.nope')
  })

  test('can be run at once', async () => {
    await jobs.runNow('test.leap-day')
    expect(ran).toEqual(['tick'])
  })
})

describe('a job that keeps failing', () => {
  async function kill(payload: object) {
    fails = true
    await world.kernel.transaction((tx) => jobs.send(tx, 'test.fragile', payload))
    await jobs.drain()
    fails = false
    return (await listDeadLetters(world.kernel.db, page)).items
  }

  test('becomes a dead letter after 6 tries, with only the reason', async () => {
    const [letter] = await kill({ n: 1 })
    expect(ran).toHaveLength(6)
    expect(letter).toEqual({
      id: expect.stringMatching(/^job:/),
      source: 'job',
      name: 'test.fragile',
      payload: { n: 1 },
      error: expect.stringContaining('broken'),
      failedAt: expect.any(Date),
    })
    const stored = await world.rows('SELECT to_jsonb(j)::text AS row FROM pgboss.job j')
    expect(JSON.stringify(stored)).not.toContain('secret-parameter')
    expect(await dropDeadLetters(world.kernel.db, [letter?.id ?? ''])).toBe(1)
    expect(await listDeadLetters(world.kernel.db, page)).toEqual({ items: [], total: 0 })
  })

  test('succeeds when it is retried after the cause is removed', async () => {
    const [letter] = await kill({ n: 2 })
    ran.length = 0
    expect(await retryDeadLetters({ ...world.kernel, jobs }, [letter?.id ?? ''])).toBe(1)
    await jobs.drain()
    expect(ran).toEqual([{ n: 2 }])
    expect((await listDeadLetters(world.kernel.db, page)).total).toBe(0)
  })
})

describe('an outbox row that was set aside', () => {
  test('is listed with the jobs and can be put back or dropped', async () => {
    const add = `INSERT INTO outbox_failures (message, error, created_at, failed_at)
      VALUES ('{"type": "gone.type", "userIds": []}', 'unknown', '2026-03-14T01:00:00Z', '2026-03-14T01:00:00Z')`
    await world.rows(add)
    const { items } = await listDeadLetters(world.kernel.db, page)
    expect(items).toMatchObject([{ source: 'outbox', name: 'gone.type', error: 'unknown' }])
    const ids = [...items.map((item) => item.id), 'outbox:999', 'job:nonsense', '']
    expect(await retryDeadLetters({ ...world.kernel, jobs }, ids)).toBe(1)
    expect(await world.rows('SELECT message FROM outbox')).toEqual([{ message: { type: 'gone.type', userIds: [] } }])
    await world.rows(add)
    const [again] = (await listDeadLetters(world.kernel.db, page)).items
    expect(await dropDeadLetters(world.kernel.db, [again?.id ?? ''])).toBe(1)
  })
})

describe('a working process', () => {
  test('runs jobs as soon as they are committed, and keeps one schedule for any number of processes', async () => {
    const workers = [1, 2].map(() => createJobs(world.kernel, world.database, definitions, { work: true }))
    for (const worker of workers) await worker.start()
    await send({ n: 1 })
    await expect.poll(() => ran, { timeout: 5000 }).toEqual([{ n: 1 }])
    expect(await world.rows('SELECT name, cron, timezone FROM pgboss.schedule')).toEqual([
      { name: 'test.leap-day', cron: '0 0 29 2 *', timezone: 'Asia/Shanghai' },
    ])
    for (const worker of workers) await worker.stop()
  })

  test('finishes the running job when it stops', async () => {
    const begun = Promise.withResolvers<void>()
    const may = Promise.withResolvers<void>()
    const slow: Job = {
      name: 'test.note',
      run: async () => {
        begun.resolve()
        await may.promise
        ran.push('finished')
      },
    }
    const worker = createJobs(world.kernel, world.database, [slow], { work: true })
    await worker.start()
    await send({ n: 1 })
    await begun.promise
    const stopped = worker.stop()
    expect(await jobs.drain()).toBe(0)
    may.resolve()
    await stopped
    expect(ran).toEqual(['finished'])
    expect(
      await world.rows("SELECT 1 AS one FROM pgboss.job WHERE name = 'test.note' AND state <> 'completed'"),
    ).toEqual([])
  })

  test('that never started can stop', async () => {
    await createJobs(world.kernel, world.database, [], { work: true }).stop()
  })

  test.runIf(!onServer)('is ready soon on a new embedded database', () => {
    expect(startMs).toBeLessThan(10_000)
  })
})
