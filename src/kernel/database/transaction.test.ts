import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { Conflict, Unavailable } from '../errors.ts'
import { defineConstraints, mapConstraint, refusalCode } from './constraints.ts'
import { openDatabase } from './database.ts'
import { Stale, transaction, withRetries } from './transaction.ts'

const silent = { info: () => {}, warn: () => {}, error: () => {} }
let database: TestDatabase

beforeAll(async () => {
  database = await openTestDatabase('migrated', silent)
  await sql`create table things (
    id int constraint things_pkey primary key,
    n int not null constraint things_positive check (n > 0),
    other int constraint things_other_fkey references things,
    during int4range,
    constraint things_no_overlap exclude using gist (during with &&)
  )`.execute(database.db)
})
beforeEach(() => sql`truncate things; insert into things values (1, 1), (2, 1)`.execute(database.db).then(() => {}))
afterAll(() => database.close())

defineConstraints({
  things_pkey: () => new Conflict('taken', 'taken'),
  things_positive: () => new Conflict('not_positive', 'not positive'),
  things_other_fkey: () => new Conflict('no_other', 'no other'),
  things_no_overlap: () => new Conflict('overlap', 'overlap'),
})

/** Work that fails `times` times with `error` before it succeeds; counts its runs. */
function failing(times: number, error: () => unknown) {
  const work = {
    runs: 0,
    async run(): Promise<string> {
      work.runs += 1
      if (work.runs <= times) throw error()
      return 'done'
    },
  }
  return work
}
const withCode = (code: string, message = 'from the database') => Object.assign(new Error(message), { code })

describe.each([
  ['transaction', transaction],
  ['withRetries', withRetries],
])('%s', (_, run) => {
  test.each([
    ['a serialization failure', () => withCode('40001'), 3],
    ['a deadlock', () => withCode('40P01'), 3],
    ['a stale plan', () => withCode('0A000', 'cached plan must not change result type'), 3],
    ['a lost statement', () => withCode('26000'), 3],
    ['a Stale', () => new Stale(), 10],
  ])('retries %s as often as it may, then says try_again', async (_, error, retries) => {
    const patient = failing(retries, error)
    expect(await run(database.db, patient.run)).toBe('done')
    expect(patient.runs).toBe(retries + 1)
    const hopeless = failing(retries + 1, error)
    await expect(run(database.db, hopeless.run)).rejects.toMatchObject({
      status: 503,
      code: 'try_again',
      retryAfter: 1,
    })
    expect(hopeless.runs).toBe(retries + 1)
  })

  test('does not retry other errors, and throws them unchanged', async () => {
    const error = withCode('22012')
    const broken = failing(1, () => error)
    await expect(run(database.db, broken.run)).rejects.toBe(error)
    expect(broken.runs).toBe(1)
  })

  test.each([
    ['unique', 'insert into things values (1, 1)', 'taken'],
    ['check', 'insert into things values (3, 0)', 'not_positive'],
    ['foreign key', 'insert into things values (3, 1, 9)', 'no_other'],
    ['exclusion', `insert into things values (3, 1, null, '[1,5)'), (4, 1, null, '[4,9)')`, 'overlap'],
  ])('a violated %s constraint is its domain error', async (_, statement, code) => {
    await expect(run(database.db, (db) => sql.raw(statement).execute(db))).rejects.toMatchObject({ status: 409, code })
  })

  test('a refusal raised by our SQL function keeps its code', async () => {
    const error = await run(database.db, (db) => sql`select refuse('slot_full')`.execute(db)).catch((e: unknown) => e)
    expect(refusalCode(error)).toBe('slot_full')
    expect(refusalCode(new Error('slot_full'))).toBe(undefined)
  })

  test.each([
    ...['ECONNREFUSED', '57P01', '57P03', '08006', '53300'].map((code) => withCode(code)),
    new Error('Connection terminated unexpectedly'),
    new Error('Query read timeout'),
  ])('%s is database_unavailable', async (error) => {
    await expect(run(database.db, failing(1, () => error).run)).rejects.toMatchObject({
      status: 503,
      code: 'database_unavailable',
      retryAfter: 5,
      cause: error,
    })
  })
})

test.each([
  ['database_busy', new Error('timeout exceeded when trying to connect')],
  ['storage_full', withCode('53100')],
  ['storage_full', withCode('ENOSPC')],
])('%s is said when nothing else can be done', async (code, error) => {
  await expect(withRetries(database.db, failing(1, () => error).run)).rejects.toMatchObject({
    status: 503,
    code,
    cause: error,
  })
})

test('a transaction that throws leaves nothing behind', async () => {
  const work = transaction(database.db, async (tx) => {
    await sql`insert into things values (3, 1)`.execute(tx)
    throw new Stale()
  })
  await expect(work).rejects.toBeInstanceOf(Unavailable)
  expect((await sql`select id from things where id = 3`.execute(database.db)).rows).toEqual([])
})

test('a constraint without a registered error is passed through, and can be registered once', () => {
  const error = Object.assign(withCode('23505'), { constraint: 'nobody_knows' })
  expect(mapConstraint(error)).toBe(error)
  expect(() => defineConstraints({ things_pkey: () => new Conflict('a', 'a') })).toThrow('already has an error')
})

test('an unreachable server is reported in one line', async () => {
  const opening = openDatabase({
    url: 'postgres://postgres:secret@127.0.0.1:1/none',
    dataDir: 'memory',
    poolSize: 1,
    log: silent,
  })
  await expect(opening).rejects.toThrow(
    /^The database 127\.0\.0\.1:1\/none cannot be used: connect ECONNREFUSED 127\.0\.0\.1:1$/,
  )
})

describe.runIf(onServer)('on a server', () => {
  test('a real deadlock is retried until both have done their work', async () => {
    const both = Promise.withResolvers<void>()
    let arrived = 0
    const raise = (first: number, second: number) =>
      transaction(database.db, async (tx) => {
        await sql`update things set n = n + 1 where id = ${first}`.execute(tx)
        arrived += 1
        if (arrived === 2) both.resolve()
        await both.promise
        await sql`update things set n = n + 1 where id = ${second}`.execute(tx)
      })
    await Promise.all([raise(1, 2), raise(2, 1)])
    expect(arrived).toBe(3)
    expect((await sql`select n from things order by id`.execute(database.db)).rows).toEqual([{ n: 3 }, { n: 3 }])
  })

  test('a statement that takes too long fails with database_timeout', async () => {
    const slow = transaction(database.db, async (tx) => {
      await sql`set local statement_timeout = 10`.execute(tx)
      await sql`select pg_sleep(10)`.execute(tx)
    })
    await expect(slow).rejects.toMatchObject({ status: 503, code: 'database_timeout' })
  })

  test('a cut connection fails with database_unavailable, and the next one works', async () => {
    const cut = withRetries(database.db, (db) => sql`select pg_terminate_backend(pg_backend_pid())`.execute(db))
    await expect(cut).rejects.toMatchObject({ code: 'database_unavailable' })
    expect((await sql`select 1 as one`.execute(database.db)).rows).toEqual([{ one: 1 }])
  })
})
