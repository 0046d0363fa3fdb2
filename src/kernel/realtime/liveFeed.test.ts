import { expect, test } from 'vitest'
import type { Feed, Follower } from './feed.ts'
import { createLiveFeed } from './liveFeed.ts'

interface Row {
  readonly id: number
  readonly key: number
}

/** A table in memory, the database that announces its rows, and a record of the queries. */
function openTable({ ordered }: { ordered: boolean }) {
  const rows: Row[] = []
  const queries: (readonly number[])[] = []
  const faults: Error[] = []
  const said: unknown[] = []
  let hear: (payload: string) => void = () => {}
  let comeBack = () => {}
  const newest = async () => rows.at(-1)?.id ?? 0
  const feed: Feed<Row> = {
    name: 'rows',
    channel: 'rows',
    news: (payload) => (ordered ? { upTo: Number(payload) } : { key: Number(payload) }),
    async rowsAfter(keys, after, limit, upTo = Number.POSITIVE_INFINITY) {
      queries.push(keys)
      const fault = faults.shift()
      if (fault) throw fault
      return rows.filter(({ id, key }) => keys.includes(key) && id > after && id <= upTo).slice(0, limit)
    },
    keyOf: ({ key }) => key,
    ...(ordered && { newest }),
  }
  const database = {
    async listen(_channel: string, handler: (payload: string) => void) {
      hear = handler
      return async () => {}
    },
    listenState: {
      listening: true,
      onLost: () => () => {},
      onListening(then: () => void) {
        comeBack = then
        return () => {}
      },
    },
  }
  const live = createLiveFeed(feed, database, { error: (line: unknown) => said.push(line) })
  const follow = (key: number, after = 0, more: Partial<Follower<Row>> = {}) => {
    const ids: number[] = []
    const stop = live.follow({ key, deliver: ({ id }) => ids.push(id), flushed: async () => {}, ...more }, after)
    return { ids, stop }
  }
  const add = (key: number, { announced = true } = {}) => {
    const id = rows.length + 1
    rows.push({ id, key })
    if (announced) hear(String(ordered ? id : key))
    return id
  }
  return { live, follow, add, queries, faults, said, comeBack: () => comeBack() }
}

test.each([true, false])(
  'sends what was there, then what comes, each row once and to nobody else (%s)',
  async (ordered) => {
    const { live, follow, add } = openTable({ ordered })
    await live.start()
    for (let n = 0; n < 250; n += 1) add(7)
    const [mine, late, others] = [follow(7), follow(7, 249), follow(8)]
    const next = add(7)
    await expect.poll(() => mine.ids).toHaveLength(251)
    const last = add(7)
    await expect.poll(() => mine.ids.at(-1)).toBe(last)
    expect(mine.ids).toEqual(Array.from({ length: 252 }, (_, n) => n + 1))
    await expect.poll(() => late.ids).toEqual([250, next, last])
    expect(others.ids).toEqual([])
    mine.stop()
    add(7)
    await expect.poll(() => late.ids.at(-1)).toBe(last + 1)
    expect(mine.ids.at(-1)).toBe(last)
    await live.stop()
  },
)

test.each([true, false])('continues after a lost connection (%s)', async (ordered) => {
  const { live, follow, add, comeBack } = openTable({ ordered })
  await live.start()
  const { ids } = follow(7)
  add(7)
  await expect.poll(() => ids).toEqual([1])
  add(7, { announced: false })
  comeBack()
  await expect.poll(() => ids).toEqual([1, 2])
  await live.stop()
})

test('reads once for all followers where the ids are in order', async () => {
  const { live, follow, add, queries } = openTable({ ordered: true })
  await live.start()
  const followers = [1, 2, 3].map((key) => follow(key))
  await expect.poll(() => queries).toHaveLength(3)
  add(2)
  await expect.poll(() => followers[1]?.ids).toEqual([1])
  expect(queries.slice(3)).toEqual([[1, 2, 3]])
  await live.stop()
})

test('serves all followers of a key, even if one starts beyond the newest row', async () => {
  const { live, follow, add } = openTable({ ordered: false })
  await live.start()
  const beyond = follow(7, 1_000_000)
  const usual = follow(7)
  add(7)
  await expect.poll(() => usual.ids).toEqual([1])
  add(7)
  await expect.poll(() => usual.ids).toEqual([1, 2])
  expect(beyond.ids).toEqual([])
  await live.stop()
})

test('tells a follower that its rows cannot be read, or tries again', async () => {
  const { live, follow, add, faults, said } = openTable({ ordered: false })
  await live.start()
  const failures: unknown[] = []
  faults.push(new Error('first'), new Error('second'))
  follow(7, 0, { failed: (error) => failures.push(error) })
  const patient = follow(8)
  add(8)
  await expect.poll(() => patient.ids, { timeout: 5000 }).toEqual([1])
  expect(failures).toEqual([new Error('first')])
  expect(said).toEqual([{ err: new Error('second') }])
  await live.stop()
})
