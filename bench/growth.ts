import type pg from 'pg'
import { addAccounts } from './accounts.ts'
import { CLIENTS, CONNECTIONS } from './booking.ts'
import { checkpoint } from './database.ts'
import { fillPast, slotBookings, WHO_AM_I } from './fixture.ts'
import type { Ask } from './load.ts'
import { fillPastBookings } from './past.ts'
import { type Bare, findPgbench, prepareInsert, preparePair, runBare } from './pgbench.ts'
import { load } from './processes.ts'
import { reads } from './reads.ts'
import { roomBookings } from './rooms.ts'
import { openSite, type Site } from './site.ts'
import { table } from './table.ts'
import { written } from './written.ts'

const FULL = {
  sizes: [10_000, 100_000, 1_000_000, 10_000_000],
  seconds: 5,
  warmUpSeconds: 3,
  times: 40,
  people: 10_000,
}
const QUICK = { sizes: [10_000, 100_000], seconds: 3, warmUpSeconds: 2, times: 20, people: 2000 }

const MOST_A_SECOND = 8000

/** The results for one number of old reservations and old bookings: from name to printed value. */
type Column = ReadonlyMap<string, string>

/**
 * Measures frequent requests with a growing number of old rows: bookings a second beside the bare work of the database
 * over a table of the same size, and the time of one answer for the others. Returns the report.
 */
export async function growth(
  stack: AsyncDisposableStack,
  say: (line: string) => void,
  short: boolean,
): Promise<string> {
  const plan = short ? QUICK : FULL
  const pgbench = findPgbench(process.env.PATH)
  const site = await openSite(stack, 'growth', { people: plan.people, venues: 50, days: 60, slotsPerDay: 12 })
  await addAccounts(site.database.pool)
  const subjects = await prepare(site)
  await site.start('worker', 4)
  const { port } = await site.start('server', CONNECTIONS)
  await load({
    ...commonOrder(site, port),
    asks: reads(site.fixture, site.rooms, 1),
    connections: 1,
    introduce: WHO_AM_I,
  })

  const columns: Column[] = []
  let rows = 0
  for (const size of plan.sizes) {
    const begin = performance.now()
    await fillAll(site.database.pool, size - rows)
    rows = size
    await checkpoint(site.database.pool)
    say(
      `${size.toLocaleString('en')} old rows of each kind, ` +
        `written in ${((performance.now() - begin) / 1000).toFixed(0)} s`,
    )
    const column = new Map<string, string>()
    for (const { name, bare, bookings } of subjects) {
      const bareTps = await runBare({
        ...bare,
        pgbench,
        url: site.database.url,
        connections: CONNECTIONS,
        seconds: plan.seconds,
      })
      const { granted, seconds } = await load({
        ...commonOrder(site, port),
        ...plan,
        connections: CLIENTS,
        asks: bookings((plan.seconds + plan.warmUpSeconds) * MOST_A_SECOND),
      })
      const tps = granted.count / seconds
      column.set(`${name}, a second`, tps.toFixed(0))
      column.set(`${name}, pgbench`, bareTps.toFixed(0))
      column.set(`${name}, ratio`, (tps / bareTps).toFixed(2))
    }
    const { kinds } = await load({
      ...commonOrder(site, port),
      asks: reads(site.fixture, site.rooms, plan.times),
      connections: 1,
    })
    for (const [kind, { p50 }] of Object.entries(kinds)) column.set(`${kind}, ms`, p50.toFixed(1))
    columns.push(column)
    say([...column].map(([name, value]) => `${name} ${value}`).join('; '))
  }
  return present(plan.sizes, columns)
}

const commonOrder = ({ fixture }: Site, port: number) => ({
  ports: [port],
  warmUpSeconds: 0,
  seconds: 60,
  tokens: fixture.tokens,
})

interface Subject {
  readonly name: string
  readonly bare: Bare
  readonly bookings: (count: number) => readonly Ask[]
}

async function prepare({ database: { pool }, folder, fixture, rooms }: Site): Promise<readonly Subject[]> {
  const sizes = { slots: fixture.slots.length, people: fixture.tokens.length }
  return [
    { name: 'a place in a slot', bare: await preparePair(pool, folder, sizes), bookings: slotBookings(fixture) },
    { name: 'a room', bare: await prepareInsert(pool, folder, { ...rooms }), bookings: roomBookings(rooms) },
  ]
}

/** Adds this number of old rows to the tables of the bookings and of pgbench. */
async function fillAll(pool: pg.Pool, count: number): Promise<void> {
  await fillPast(pool, count)
  await fillPastBookings(pool, count)
  await written(pool, count, ['bench_reservations', 'bench_bookings'], async (client) => {
    await client.query(
      `INSERT INTO bench_reservations (slot_id, user_id, created_at)
       SELECT 1, n, now() FROM generate_series(1, $1::int) n`,
      [count],
    )
    await client.query(
      `INSERT INTO bench_bookings (room_id, user_id, status, during, created_at)
       SELECT 1, n, '5', tstzrange('2020-01-01', '2020-01-02'), now() FROM generate_series(1, $1::int) n`,
      [count],
    )
  })
}

function present(sizes: readonly number[], columns: readonly Column[]): string {
  const names = [...(columns[0]?.keys() ?? [])]
  return table([
    ['old rows of each kind', ...sizes.slice(0, columns.length).map((size) => size.toLocaleString('en'))],
    ...names.map((name) => [name, ...columns.map((column) => column.get(name) ?? '')]),
  ])
}
