import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { acquirePace } from './pace.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

const limit = { limit: 2, seconds: 3600 }
const at = (minute: number) => new Date(Date.UTC(2026, 2, 14, 1, minute))
const take = (key: string, minute: number, holder?: number) =>
  acquirePace(database.db, key, at(minute), limit, holder === undefined ? {} : { holder })

test('grants no more places than the limit to parallel requests, and frees old ones', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => take('rush', 0)))
  expect(answers.filter((free) => free === undefined)).toHaveLength(2)
  expect(answers.find((free) => free !== undefined)).toEqual(at(60))
  expect(await take('rush', 59)).toEqual(at(60))
  expect(await take('rush', 60)).toBeUndefined()
})

test('grants a holder one place, even for repeated or parallel requests', async () => {
  const answers = await Promise.all([1, 1, 2, 1, 2, 2].map((holder) => take('held', 0, holder)))
  expect(answers).toEqual(answers.map(() => undefined))
  expect(await take('held', 10, 3)).toEqual(at(60))
  // A repeated request renews the place from that time on.
  expect(await take('held', 30, 1)).toBeUndefined()
  expect(await take('held', 60, 3)).toBeUndefined()
  expect(await take('held', 60, 4)).toEqual(at(90))
})

test('counts a place taken before holders were recorded', async () => {
  await database.db
    .insertInto('notification_pace')
    .values({ key: 'old', taken: [at(0)] })
    .execute()
  expect(await take('old', 1, 1)).toBeUndefined()
  expect(await take('old', 1, 2)).toEqual(at(60))
  expect(await take('old', 1, 1)).toBeUndefined()
})
