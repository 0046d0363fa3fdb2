import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import type { Database, Transaction } from './database.ts'
import { statementNames } from './prepared.ts'
import { withRetries } from './transaction.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase()
  await sql`create table things (id int primary key, n int not null)`.execute(database.db)
  await sql`insert into things values (1, 10), (2, 20)`.execute(database.db)
})
afterAll(() => database.close())

/** Our statements that are prepared on a connection. */
async function prepared(db: Database | Transaction): Promise<string[]> {
  const answer = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(db)
  return answer.rows.map((row) => row.statement)
}

describe('prepared statements', () => {
  test('a text with parameters is prepared at its second use, inside and outside transactions', async () => {
    await database.db.connection().execute(async (db) => {
      const ask = (id: number) => sql<{ n: number }>`select n from things where id = ${id}`.execute(db)
      await ask(1)
      expect(await prepared(db)).toEqual([])
      for (const id of [1, 2, 1]) expect((await ask(id)).rows).toEqual([{ n: id * 10 }])
      expect(await prepared(db)).toEqual(['select n from things where id = $1'])
    })
    await database.db.transaction().execute(async (tx) => {
      for (const by of [1, 2, -3]) await sql`update things set n = n + ${by} where id = 1`.execute(tx)
      expect(await prepared(tx)).toContain('update things set n = n + $1 where id = 1')
    })
  })

  test('a prepared statement that fails throws its error every time and does not affect others', async () => {
    for (let i = 0; i < 4; i += 1) {
      await expect(sql`insert into things values (${1}, 1)`.execute(database.db)).rejects.toMatchObject({
        code: '23505',
        constraint: 'things_pkey',
      })
      await expect(sql`select nothing from things where id = ${1}`.execute(database.db)).rejects.toMatchObject({
        code: '42703',
      })
      expect((await sql`select ${i}::int as i`.execute(database.db)).rows).toEqual([{ i }])
    }
  })

  test('a statement keeps working while a migration changes its table', async () => {
    const ask = () => withRetries(database.db, (db) => sql`select * from things where id = ${2}`.execute(db))
    for (let i = 0; i < 3; i += 1) await ask()
    await sql`alter table things add column colour text not null default 'red'`.execute(database.db)
    expect((await ask()).rows).toEqual([{ id: 2, n: 20, colour: 'red' }])
  })

  test('the callback form of the pool works too', async () => {
    for (let i = 0; i < 3; i += 1) {
      expect((await database.pool.query('select $1::int + 1 as i', [i])).rows).toEqual([{ i: i + 1 }])
    }
  })
})

describe('names', () => {
  test('are assigned at the second use, equal for equal texts, up to a limit', () => {
    const names = statementNames(2)
    expect(names.nameOf('a')).toBe(undefined)
    const name = names.nameOf('a')
    expect(name).toMatch(/^y_/)
    expect(names.nameOf('a')).toBe(name)
    for (const text of ['b', 'b', 'c', 'c', 'c']) names.nameOf(text)
    expect(names.nameOf('b')).toMatch(/^y_/)
    expect(names.nameOf('c')).toBe(undefined)
    expect(names.size).toBe(2)
    expect(statementNames().nameOf('a')).toBe(undefined)
  })

  test('are not assigned to very long texts, to dropped texts, or after a stop', () => {
    const names = statementNames()
    const long = 'x'.repeat(10_000)
    for (const text of [long, long, long]) expect(names.nameOf(text)).toBe(undefined)
    for (const text of ['a', 'a', 'b', 'b']) names.nameOf(text)
    names.forget('a')
    expect([names.nameOf('a'), names.nameOf('a'), names.nameOf('b')]).toEqual([
      undefined,
      undefined,
      expect.any(String),
    ])
    names.stop()
    expect([names.nameOf('b'), names.nameOf('b')]).toEqual([undefined, undefined])
  })
})
