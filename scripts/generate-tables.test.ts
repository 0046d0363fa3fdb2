import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../test/support/database.ts'
import { describeTables } from './generate-tables.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase('empty')
})
afterAll(() => database.close())

test('columns have the types in which the driver answers and takes them', async () => {
  await database.pool.query(`
    create type colour as enum ('red', 'green');
    create table waiting_things (
      id bigint generated always as identity primary key,
      state text not null default 'new' check (state in ('new', 'it''s old')),
      kind text check (kind = 'only'),
      day date not null, at timestamptz, price numeric not null default 0,
      facts jsonb not null default '{}', tags text[] not null, colour colour,
      amount int not null check (amount in (1, 2)),
      period tstzrange generated always as (tstzrange(at, null)) stored,
      check (day > '2020-01-01')
    );
    create view shown as select id from waiting_things;
    create table parted (at timestamptz not null) partition by range (at);
    create table parted_rest partition of parted default;`)
  const text = await describeTables(database.pool)
  expect(text.slice(text.indexOf('export interface'))).toBe(`export interface PartedTable {
  at: Date
}

export interface ShownTable {
  id: ColumnType<number | null, never, never>
}

export interface WaitingThingsTable {
  id: GeneratedAlways<number>
  state: Generated<"new" | "it's old">
  kind: "only" | null
  day: string
  at: Date | null
  price: ColumnType<string, string | number | undefined, string | number>
  facts: ColumnType<JsonValue, JsonInput | undefined, JsonInput>
  tags: (string)[]
  colour: "red" | "green" | null
  amount: number
  period: GeneratedAlways<string | null>
}

export interface DB {
  parted: PartedTable
  shown: ShownTable
  waiting_things: WaitingThingsTable
}
`)
})
