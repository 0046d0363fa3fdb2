import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { errorCode } from './constraints.ts'
import type { Database } from './database.ts'
import { type Gathering, gathered } from './gather.ts'

const silent = { info: () => {}, warn: () => {}, error: () => {} }
let database: TestDatabase
let db: Database

beforeAll(async () => {
  database = await openTestDatabase('empty', silent)
  db = database.db
  await sql`create table things (n int primary key check (n > 0))`.execute(db)
})
beforeEach(() => sql`truncate things`.execute(db).then(() => {}))
afterAll(() => database.close())

/** Statements that end when the test allows it; each answers its items times ten. */
function held({ patienceMs = Number.POSITIVE_INFINITY, ...options }: Gathering = {}) {
  const statements: { readonly items: readonly number[]; end(): void; fail(error: unknown): void }[] = []
  const ask = gathered<number, number>(
    (_, items) => {
      const { promise, resolve, reject } = Promise.withResolvers<number[]>()
      statements.push({ items, end: () => resolve(items.map((item) => item * 10)), fail: reject })
      return promise
    },
    { patienceMs, ...options },
  )
  /** Two turns of the event loop: every ready statement has been sent, and no timer has run. */
  const turn = async () => {
    for (let n = 0; n < 2; n += 1) await new Promise((resolve) => setImmediate(resolve))
  }
  return { statements, ask: (item: number) => ask(db, item), turn, sent: () => statements.map(({ items }) => items) }
}

describe('gathering', () => {
  test('a single request is sent at once, without waiting for others', async () => {
    const { ask, turn, sent, statements } = held()
    const answer = ask(1)
    await turn()
    expect(sent()).toEqual([[1]])
    statements[0]?.end()
    expect(await answer).toBe(10)
  })

  test('requests of one turn share a statement, and each gets its own result', async () => {
    const { ask, turn, sent, statements } = held()
    const answers = Promise.all([ask(3), ask(1), ask(2)])
    await turn()
    expect(sent()).toEqual([[3, 1, 2]])
    statements[0]?.end()
    expect(await answers).toEqual([30, 10, 20])
  })

  test('requests that arrive while a statement runs form the next one, in order of arrival', async () => {
    const { ask, turn, sent, statements } = held()
    const answers = [ask(1)]
    await turn()
    answers.push(ask(2))
    await turn()
    answers.push(ask(3))
    await turn()
    expect(sent()).toEqual([[1]])
    statements[0]?.end()
    await answers[0]
    await turn()
    expect(sent()).toEqual([[1], [2, 3]])
    statements[1]?.end()
    expect(await Promise.all(answers)).toEqual([10, 20, 30])
  })

  test('a statement takes a limited number of items; the others follow in the next', async () => {
    const { ask, turn, sent, statements } = held({ most: 2 })
    const answers = Promise.all([1, 2, 3].map(ask))
    await turn()
    expect(sent()).toEqual([[1, 2]])
    statements[0]?.end()
    await turn()
    expect(sent()).toEqual([[1, 2], [3]])
    statements[1]?.end()
    expect(await answers).toEqual([10, 20, 30])
  })

  test('a slow statement does not block the next, but a limited number run at once', async () => {
    const { ask, turn, sent, statements } = held({ most: 2, atOnce: 2, patienceMs: 0 })
    const answers = Promise.all([1, 2, 3, 4, 5].map(ask))
    await turn()
    expect(sent()).toEqual([
      [1, 2],
      [3, 4],
    ])
    statements[1]?.end()
    await turn()
    expect(sent().at(2)).toEqual([5])
    statements[0]?.end()
    statements[2]?.end()
    expect(await answers).toEqual([10, 20, 30, 40, 50])
  })

  test('an error that is not about the values reaches every request once, and the next statement runs', async () => {
    const { ask, turn, sent, statements } = held()
    const answers = Promise.allSettled([ask(1), ask(2)])
    await turn()
    const lost = new Error('Connection terminated')
    statements[0]?.fail(lost)
    expect(await answers).toEqual([
      { status: 'rejected', reason: lost },
      { status: 'rejected', reason: lost },
    ])
    const next = ask(3)
    await turn()
    expect(sent()).toEqual([[1, 2], [3]])
    statements[1]?.end()
    expect(await next).toBe(30)
  })

  test('a statement that does not answer every item is an error for all of them', async () => {
    const ask = gathered<number, number>(async () => [1])
    const answers = await Promise.allSettled([ask(db, 1), ask(db, 2)])
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})

describe('gathering on a database', () => {
  const statements: (readonly number[])[] = []
  const add = gathered(async (db, items: readonly number[]) => {
    statements.push(items)
    const { rows } = await sql<{ n: number }>`insert into things select unnest(${items}::int[]) returning n`.execute(db)
    return rows.map(({ n }) => n)
  })
  const things = async () =>
    (await sql<{ n: number }>`select n from things order by n`.execute(db)).rows.map(({ n }) => n)
  beforeEach(() => {
    statements.length = 0
  })

  test('only the value that the database refuses fails: the others are written, each once', async () => {
    const answers = await Promise.allSettled([1, 2, -3, 4, 5, 2, 7].map((n) => add(db, n)))
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : errorCode(answer.reason)))).toEqual([
      1,
      2,
      '23514',
      4,
      5,
      '23505',
      7,
    ])
    expect(await things()).toEqual([1, 2, 4, 5, 7])
  })

  test('in a transaction each request is a statement of its own and belongs to the transaction', async () => {
    const undone = db.transaction().execute(async (tx) => {
      await add(tx, 1)
      await add(tx, 2)
      throw new Error('undo')
    })
    await expect(undone).rejects.toThrow('undo')
    expect(statements).toEqual([[1], [2]])
    expect(await things()).toEqual([])
  })

  test('requests to a closed database are refused, and none waits for ever', async () => {
    const other = await openTestDatabase('empty', silent)
    await other.close()
    const answers = await Promise.allSettled([1, 2].map((n) => add(other.db, n)))
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})
