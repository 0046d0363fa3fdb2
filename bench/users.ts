import { ADMINISTRATOR, addAccounts, LOG_IN } from './accounts.ts'
import { CONNECTIONS } from './booking.ts'
import { DAY_MS, type Fixture, fillPast, slotBookings, tomorrow, WHO_AM_I } from './fixture.ts'
import type { Ask, LoadOutcome } from './load.ts'
import { load } from './processes.ts'
import { type RoomFixture, roomBookings } from './rooms.ts'
import { openSite } from './site.ts'
import { table } from './table.ts'

const USERS = 1000
const PROCESSES = 2
/** Least and greatest time in milliseconds that a person looks at an answer before the next request. */
const THINK_MS: readonly [number, number] = [2000, 8000]
const GOAL_P95_MS = 500
const GOAL_ERRORS = 0.01

const FULL = { past: 200_000, seconds: 60, warmUpSeconds: 15 }
const QUICK = { past: 20_000, seconds: 20, warmUpSeconds: 10 }

/** Weights of the requests, out of 100. */
const MIX = {
  calendar: 24,
  myReservations: 15,
  unread: 15,
  timeline: 15,
  freeRooms: 10,
  myBookings: 9,
  bookSlot: 5,
  bookRoom: 5,
  logIn: 1,
  statistics: 1,
} as const

/**
 * A thousand people use the program at the same time, each with a connection of their own and time to think; some of
 * them book. Returns the report, and whether it was quick enough and hardly anything was refused.
 */
export async function users(
  stack: AsyncDisposableStack,
  say: (line: string) => void,
  short: boolean,
): Promise<{ readonly report: string; readonly met: boolean }> {
  const { past, seconds, warmUpSeconds } = short ? QUICK : FULL
  const site = await openSite(stack, 'users', { people: 5000, venues: 20, days: 60, slotsPerDay: 12 })
  await addAccounts(site.database.pool)
  say(`${await fillPast(site.database.pool, past)} old reservations`)
  await site.start('worker', 4)
  const servers = await Promise.all(
    Array.from({ length: PROCESSES }, () => site.start('server', CONNECTIONS / PROCESSES)),
  )
  const asks = Math.ceil(((warmUpSeconds + seconds) * 1000 * USERS * 1.5) / THINK_MS[0])
  const outcome = await load({
    ports: servers.map(({ port }) => port),
    connections: USERS,
    warmUpSeconds,
    seconds,
    tokens: site.fixture.tokens,
    asks: mixed(site.fixture, site.rooms, asks),
    introduce: WHO_AM_I,
    think: THINK_MS,
  })
  const errors = 1 - outcome.granted.count / outcome.answered.count
  const met = outcome.answered.p95 < GOAL_P95_MS && errors < GOAL_ERRORS
  const goal = `p95 < ${GOAL_P95_MS} ms, errors < ${GOAL_ERRORS * 100} %: ${met ? 'met' : 'MISSED'}`
  return { met, report: `${present(outcome, errors)}\nGoal ${goal}` }
}

function mixed(fixture: Fixture, rooms: RoomFixture, count: number): Ask[] {
  const [slots, bookings] = [slotBookings(fixture), roomBookings(rooms)]
  const random = (below: number) => Math.floor(Math.random() * below)
  const today = new Date()
  const day = (n: number) => new Date(tomorrow(today).getTime() + n * DAY_MS).toISOString().slice(0, 10)
  const read = (line: string): Ask => ({ token: random(fixture.tokens.length), line: `GET ${line}` })
  const span = (from: string, to: string) => `${from}%2009:00:00&${to}%2011:00:00`
  const makers: Readonly<Record<keyof typeof MIX, () => Ask>> = {
    calendar: () => read(`/api/v1/venues/${1 + random(20)}/calendar?start_date=${day(0)}&end_date=${day(30)}`),
    myReservations: () => read('/api/v1/reservations'),
    unread: () => read('/api/v1/notifications/unread-count'),
    timeline: () =>
      read(`/portal/facility/room/${1 + random(rooms.rooms)}/timeline?${span(`from=${day(0)}`, `to=${day(7)}`)}`),
    freeRooms: () => {
      const date = day(random(30))
      return read(`/portal/facility/room/free?${span(`start=${date}`, `end=${date}`)}`)
    },
    myBookings: () => read('/portal/facility/booking/my/list'),
    bookSlot: () => slots(1)[0] ?? read(WHO_AM_I),
    bookRoom: () => bookings(1)[0] ?? read(WHO_AM_I),
    logIn: () => LOG_IN,
    statistics: () => ({
      token: ADMINISTRATOR,
      line: `GET /api/v1/stats/venue-usage?start_date=${day(-9)}&end_date=${day(-2)}`,
    }),
  }
  const deck = Object.entries(MIX).flatMap(([kind, times]) =>
    Array.from({ length: times }, () => makers[kind as keyof typeof MIX]),
  )
  return Array.from({ length: count }, () => deck[random(deck.length)]?.() ?? read(WHO_AM_I))
}

function present({ seconds, kinds, answered, refused }: LoadOutcome, errors: number): string {
  const rows = Object.entries(kinds).toSorted(([, a], [, b]) => b.count - a.count)
  return [
    table([
      [
        `${USERS} users, ${THINK_MS.map((ms) => ms / 1000).join(' to ')} s to think`,
        'a second',
        'p50 ms',
        'p95 ms',
        'p99 ms',
      ],
      ...[...rows, ['all', answered] as const].map(([kind, { count, p50, p95, p99 }]) => [
        kind,
        (count / seconds).toFixed(1),
        ...[p50, p95, p99].map((ms) => ms.toFixed(1)),
      ]),
    ]),
    `not granted: ${(errors * 100).toFixed(2)} % ${JSON.stringify(refused)}`,
  ].join('\n')
}
