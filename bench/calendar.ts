import type pg from 'pg'
import type { System } from '../src/app.ts'
import { readCalendar } from '../src/venue/places/slots/calendar/service.ts'
import { slotsOf } from '../src/venue/places/slots/calendar/store.ts'
import { fillPast, tomorrow } from './fixture.ts'
import { median } from './median.ts'
import type { Sent } from './watch.ts'

const DAYS = 31
const TIMES = 20
const VENUE = 1
const READER = 1
/** Reservations that the reader has in the month. */
const OWN = 20

/** Times for reading a month of one venue, for a person with reservations in it. Milliseconds, medians of 20. */
export interface CalendarTimes {
  readonly oldReservations: number
  readonly slots: number
  /** Execution time of the query with slots and reservations, as PostgreSQL reports it (EXPLAIN ANALYZE). */
  readonly executionMs: number
  readonly planningMs: number
  /** The same query through the program's store. */
  readonly queryMs: number
  /** The whole calendar: closures, opening hours and slots, grouped by day. */
  readonly calendarMs: number
  readonly plan: readonly string[]
}

/** Reads the calendar without old reservations, and again with `count` of them. */
export async function measureCalendar(
  pool: pg.Pool,
  { kernel }: System,
  sent: readonly Sent[],
  count: number,
  say: (line: string) => void,
): Promise<{ readonly before: CalendarTimes; readonly after: CalendarTimes; readonly fillSeconds: number }> {
  await bookForReader(pool)
  const start = tomorrow(new Date())
  const end = new Date(start.getTime() + DAYS * 86_400_000)
  const dates = {
    startDate: start.toISOString().slice(0, 10),
    endDate: new Date(end.getTime() - 1).toISOString().slice(0, 10),
  }

  const measure = async (oldReservations: number): Promise<CalendarTimes> => {
    const slots = (await slotsOf(kernel.reads, VENUE, { start, end }, READER)).length
    // The program's own statement, as it was sent.
    const statement = sent.at(-1)
    if (!statement?.text.includes('time_slots')) throw new Error('the statement of the calendar was not seen')
    const explained: Explained[] = []
    for (let n = 0; n < TIMES; n += 1) explained.push(await explain(pool, statement))
    return {
      oldReservations,
      slots,
      executionMs: median(explained.map(({ executionMs }) => executionMs)),
      planningMs: median(explained.map(({ planningMs }) => planningMs)),
      queryMs: await medianTime(() => slotsOf(kernel.reads, VENUE, { start, end }, READER)),
      calendarMs: await medianTime(() => readCalendar(kernel, VENUE, dates, READER)),
      plan: explained.at(-1)?.plan ?? [],
    }
  }

  const before = await measure(0)
  say(`calendar with nothing in the past: ${before.executionMs.toFixed(2)} ms`)
  const begin = performance.now()
  const filled = await fillPast(pool, count)
  const fillSeconds = (performance.now() - begin) / 1000
  say(`${filled} old reservations written in ${fillSeconds.toFixed(0)} s`)
  return { before, after: await measure(filled), fillSeconds }
}

async function bookForReader(pool: pg.Pool): Promise<void> {
  await pool.query(
    `WITH mine AS (SELECT * FROM time_slots WHERE venue_id = $1 ORDER BY start_at LIMIT $3),
       taken AS (UPDATE time_slots s SET taken = s.taken + 1 FROM mine WHERE s.id = mine.id)
     INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader,
       points_paid, created_at, updated_at)
     SELECT $2, id, venue_id, start_at, end_at, 1, 'confirmed', false, 0, created_at, created_at
     FROM mine`,
    [VENUE, READER, OWN],
  )
  await pool.query('VACUUM ANALYZE')
}

interface Explained {
  readonly plan: readonly string[]
  readonly planningMs: number
  readonly executionMs: number
}

async function explain(pool: pg.Pool, { text, values }: Sent): Promise<Explained> {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, BUFFERS) ${text}`, [...values])
  const plan = rows.map((row) => row['QUERY PLAN'])
  const time = (name: string) => Number(plan.find((line) => line.startsWith(name))?.match(/[\d.]+/)?.[0])
  return { plan, planningMs: time('Planning Time'), executionMs: time('Execution Time') }
}

async function medianTime(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < TIMES; n += 1) {
    const begin = performance.now()
    await work()
    times.push(performance.now() - begin)
  }
  return median(times)
}
