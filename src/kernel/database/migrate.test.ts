import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { openDatabase } from './database.ts'
import { MigrationMismatch, migrate, migrationNames, pendingMigrations } from './migrate.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }
let database: TestDatabase
let folder: string
const write = (file: string, sql: string) => writeFile(join(folder, file), sql)
const run = () => migrate(database.pool, folder, log)

beforeAll(async () => {
  database = await openTestDatabase('empty')
})
afterAll(() => database.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'yuyue-migrations-'))
  await database.pool.query('drop schema public cascade; create schema public')
  await write('0001_first.sql', 'create table a (id int);\ncreate table b (id int);')
  await write('0002_second.sql', 'insert into a values (1);')
})
afterEach(() => rm(folder, { recursive: true }))

async function countOf(table: string): Promise<number> {
  return (await database.pool.query<{ n: number }>(`select count(*) as n from ${table}`)).rows[0]?.n ?? -1
}

describe('migrations', () => {
  test('are applied once, in order', async () => {
    expect(await migrationNames(folder)).toEqual(['0001_first', '0002_second'])
    expect(await run()).toEqual({ applied: ['0001_first', '0002_second'] })
    expect(await run()).toEqual({ applied: [] })
    await write('0003_third.sql', 'insert into a values (2);')
    expect(await run()).toEqual({ applied: ['0003_third'] })
    expect(await countOf('a')).toBe(2)
  })

  test('of this program are pending until they are applied; newer ones are ignored', async () => {
    const known = await migrationNames(folder)
    await run()
    expect(await pendingMigrations(database.pool, known)).toEqual([])
    await write('0003_third.sql', 'insert into a values (2);')
    const newer = await migrationNames(folder)
    expect(await pendingMigrations(database.pool, newer)).toEqual(['0003_third'])
    await run()
    expect(await pendingMigrations(database.pool, newer)).toEqual([])
    expect(await pendingMigrations(database.pool, known)).toEqual([])
  })

  test('a failing one is rolled back as a whole; earlier ones stay', async () => {
    await write('0003_broken.sql', 'insert into a values (2); create table c (); select 1/0;')
    await expect(run()).rejects.toThrow('migration 0003_broken failed: division by zero')
    expect(await countOf('a')).toBe(1)
    await write('0003_broken.sql', 'insert into a values (2);')
    expect(await run()).toEqual({ applied: ['0003_broken'] })
  })

  test('a migration changed after it was applied is refused', async () => {
    await run()
    await write('0001_first.sql', 'create table other (id int);')
    await expect(run()).rejects.toThrow('0001_first.sql was changed after it had been applied')
    await expect(run()).rejects.toThrow('put it back and write a new migration')
    await expect(run()).rejects.toThrow(MigrationMismatch)
  })

  test('a database of a development version is refused with advice', async () => {
    await run()
    const before = await database.pool.query('select * from schema_migrations')
    await write('0001_first.sql', 'create table a (id int);')
    await unlink(join(folder, '0002_second.sql'))
    await expect(run()).rejects.toThrow(
      'start with a new one (set DATA_DIR to an empty folder, or DATABASE_URL to an empty database)',
    )
    expect((await database.pool.query('select * from schema_migrations')).rows).toEqual(before.rows)
  })

  test('different line endings do not count as a change', async () => {
    await run()
    await write('0001_first.sql', 'create table a (id int);\r\ncreate table b (id int);')
    expect(await run()).toEqual({ applied: [] })
  })

  test('an applied migration whose file is missing is refused', async () => {
    await run()
    await unlink(join(folder, '0002_second.sql'))
    await expect(run()).rejects.toThrow('migration 0002_second, but its file is missing')
  })

  test('a number below the last applied one, a number given twice and a bad name are refused', async () => {
    await write('0005_fifth.sql', 'select 1')
    await run()
    await write('0004_late.sql', 'select 1')
    await expect(run()).rejects.toThrow('0004_late.sql is new, but 0005_fifth was applied before it')
    await write('0005_again.sql', 'select 1')
    await expect(run()).rejects.toThrow('0005_again and 0005_fifth have the same number')
    await write('6-six.sql', 'select 1')
    await expect(run()).rejects.toThrow('6-six.sql: a migration is named NNNN_name.sql')
  })

  test('one of several parallel starts migrates', async () => {
    await write('0003_slow.sql', 'select pg_sleep(0.2); insert into b values (1);')
    const outcomes = await Promise.all([run(), run(), run(), run()])
    expect(outcomes.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 0, 3])
    expect(await countOf('b')).toBe(1)
  })

  test.runIf(onServer)('the same holds for several pools', async () => {
    const others = await Promise.all(
      [1, 2, 3].map(() => openDatabase({ url: database.url, dataDir: 'memory', poolSize: 2, log })),
    )
    const outcomes = await Promise.all(others.map(({ pool }) => migrate(pool, folder, log)))
    expect(outcomes.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 2])
    await Promise.all(others.map((other) => other.close()))
  })
})
