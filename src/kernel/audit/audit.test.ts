import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { transaction } from '../database/transaction.ts'
import type { LogPage } from './log.ts'
import { ensurePartitions } from './partitions.ts'
import { insertOperations, type OperationFilter, type OperationRow, operations } from './store.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

const operation = (at: string, more: Partial<OperationRow> = {}): OperationRow => ({
  at: new Date(at),
  actorId: 1,
  action: 'thing.change',
  resource: 'thing',
  resourceId: '7',
  changes: { name: ['a', 'b'] },
  address: '192.0.2.1',
  requestId: 'r1',
  ...more,
})
const insert = (...rows: OperationRow[]) => transaction(database.db, (tx) => insertOperations(tx, rows))
const partitionOf = async (at: string) => {
  const { rows } = await sql<{ name: string }>`
    SELECT tableoid::regclass::text AS name FROM operation_log WHERE at = ${new Date(at)}`.execute(database.db)
  return rows.map(({ name }) => name)
}

describe('partitions', () => {
  test('exist for this month and the next after any number of processes created them', async () => {
    const at = new Date('2026-12-31T23:59:59Z')
    const made = await Promise.all([1, 2, 3].map(() => ensurePartitions(database.db, at)))
    expect(made.flat().sort()).toEqual([
      'login_log_2026_12',
      'login_log_2027_01',
      'operation_log_2026_12',
      'operation_log_2027_01',
    ])
    expect(await ensurePartitions(database.db, at)).toEqual([])
    await insert(
      operation('2026-12-31T23:59:59Z'),
      operation('2027-01-01T00:00:00Z'),
      operation('2027-02-01T00:00:00Z'),
    )
    expect(await partitionOf('2026-12-31T23:59:59Z')).toEqual(['operation_log_2026_12'])
    expect(await partitionOf('2027-01-01T00:00:00Z')).toEqual(['operation_log_2027_01'])
    expect(await partitionOf('2027-02-01T00:00:00Z')).toEqual(['operation_log_rest'])
  })

  test('are not created for a month that has entries in the default partition', async () => {
    expect(await ensurePartitions(database.db, new Date('2027-01-15T00:00:00Z'))).toEqual(['login_log_2027_02'])
    expect(await ensurePartitions(database.db, new Date('2027-02-15T00:00:00Z'))).toEqual([
      'operation_log_2027_03',
      'login_log_2027_03',
    ])
  })
})

describe('the operation log', () => {
  const page: LogPage = { limit: 2, offset: 0, direction: 'desc' }

  test('can be searched by actor, action, resource and time, page by page', async () => {
    await insert(
      operation('2026-03-01T00:00:00Z', { actorId: 5, requestId: 'one' }),
      operation('2026-03-02T00:00:00Z', { actorId: 5, action: 'thing.delete', requestId: 'two', changes: null }),
      operation('2026-03-02T00:00:00Z', { actorId: 5, resource: 'place', resourceId: '8', requestId: 'three' }),
    )
    const ids = async (filter: OperationFilter, part = page) => {
      const { items, total } = await operations.list(database.db, filter, part)
      return [total, items.map(({ requestId }) => requestId)]
    }
    expect(await ids({ actorId: 5 })).toEqual([3, ['three', 'two']])
    expect(await ids({ actorId: 5 }, { ...page, offset: 2 })).toEqual([3, ['one']])
    expect(await ids({ actorId: 5, action: 'thing.delete' })).toEqual([1, ['two']])
    expect(await ids({ resource: 'place', resourceId: '8' })).toEqual([1, ['three']])
    const [from, to] = [new Date('2026-03-01T00:00:00Z'), new Date('2026-03-02T00:00:00Z')]
    expect(await ids({ actorId: 5, from, to })).toEqual([1, ['one']])
    expect((await operations.list(database.db, { actorId: 5, to }, page)).items[0]).toMatchObject({
      at: from,
      changes: { name: ['a', 'b'] },
      address: '192.0.2.1',
    })
  })

  test('can’t be changed', async () => {
    await expect(sql`UPDATE operation_log SET action = 'x'`.execute(database.db)).rejects.toThrow('append-only')
    await expect(sql`DELETE FROM operation_log`.execute(database.db)).rejects.toThrow('append-only')
  })
})
