import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { currentStatus } from './conditionsStore.ts'
import { BOOKING_STATES, lifecycle, statusAt } from './states.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

const T0 = Date.parse('2026-03-02T00:00:00Z')
const instant = (n: number) => new Date(T0 + n * 60_000)
const some = fc.record({
  status: fc.constantFrom(...BOOKING_STATES),
  start: fc.integer({ min: 0, max: 4 }),
  length: fc.integer({ min: 0, max: 4 }),
  now: fc.integer({ min: 0, max: 9 }),
})

describe('The state of a booking by the clock', () => {
  it('is the same in SQL and in TypeScript', async () => {
    await fc.assert(
      fc.asyncProperty(some, async ({ status, start, length, now }) => {
        const booking = { status, startTime: instant(start), endTime: instant(start + length) }
        const { rows } = await sql<{ status: string }>`
          SELECT ${currentStatus(instant(now))} AS status
          FROM (SELECT ${status}::text, ${booking.startTime}::timestamptz, ${booking.endTime}::timestamptz) AS b (status, start_time, end_time)`.execute(
          database.db,
        )
        expect(rows[0]?.status).toBe(statusAt(booking, instant(now)))
      }),
      { numRuns: 300 },
    )
  })

  it('changes only along allowed transitions, and is the same when it is computed again', () => {
    fc.assert(
      fc.property(some, ({ status, start, length, now }) => {
        const booking = { status, startTime: instant(start), endTime: instant(start + length) }
        const current = statusAt(booking, instant(now))
        expect(current === status || lifecycle.mayMove(status, current)).toBe(true)
        expect(statusAt({ ...booking, status: current }, instant(now))).toBe(current)
      }),
    )
  })

  it('is final when cancelled or completed', () => {
    expect(lifecycle.final).toEqual(['3', '5'])
  })
})
