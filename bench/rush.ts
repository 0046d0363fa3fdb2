import { CONNECTIONS } from './booking.ts'
import { WHO_AM_I } from './fixture.ts'
import type { Ask, LoadOutcome } from './load.ts'
import { register } from './numbers.ts'
import { load } from './processes.ts'
import { openSite, type Site } from './site.ts'
import { table } from './table.ts'

const PEOPLE = 2000
const PLACES = 20
const PROCESSES = 4
const ROUNDS = 3
/** A rush ends after this time at the latest. */
const LONGEST_SECONDS = 30
const GOAL_P95_MS = 300
const SOLD_OUT_SECONDS = 5
/** Until every process has compiled the code of a refusal. */
const WARM_UP_SECONDS = 5
const MOST_REFUSALS = 20_000
const GOAL_REFUSALS = 8000

/** A place or number that everybody wants at one moment. */
interface Target {
  readonly name: string
  readonly ask: (person: number) => Ask
  /** How many the database has given out: by the counter, and by the rows. */
  readonly given: () => Promise<{ readonly counted: number; readonly rows: number }>
}

interface Rush extends LoadOutcome {
  readonly name: string
  readonly counted: number
  readonly rows: number
}

/**
 * Many logged-in people ask for the few places of a slot, or the few numbers of a doctor, at one moment, over several
 * serving processes. Then they go on asking for the numbers that are sold out. Returns the report, and whether the
 * result is correct and quick enough: every place and number given once, no server error, 95 of 100 answers in time,
 * and enough refusals a second.
 */
export async function rush(
  stack: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<{ readonly report: string; readonly met: boolean }> {
  const site = await openSite(stack, 'rush', { people: PEOPLE, venues: 20, days: 30, slotsPerDay: 12 })
  await site.database.pool.query('UPDATE time_slots SET capacity = $1', [PLACES])
  await site.database.pool.query('UPDATE schedule SET total_slots = $1, remaining_slots = $1', [PLACES])
  await site.start('worker', 4)
  const servers = await Promise.all(
    Array.from({ length: PROCESSES }, () => site.start('server', Math.ceil(CONNECTIONS / PROCESSES))),
  )
  const ports = servers.map(({ port }) => port)
  const everybody = everybodyAsks(site, ports)
  // Warms the processes up, because a process in use has compiled the code of a booking long before a rush.
  await load({ ...everybody, asks: asksOf((n) => slotTarget(site, n % 100).ask(n)), introduce: WHO_AM_I })
  await load({ ...everybody, asks: asksOf((n) => numberTarget(site, 0, n % 100).ask(n)) })
  const rounds: Rush[] = []
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const target of [slotTarget(site, 100 + round), numberTarget(site, round)]) {
      const outcome = await load({ ...everybody, asks: asksOf(target.ask) })
      rounds.push({ ...outcome, name: `${target.name}, rush ${round}`, ...(await target.given()) })
      say(`${target.name}, rush ${round}: ${outcome.granted.count} given, p95 ${outcome.answered.p95.toFixed(0)} ms`)
    }
  }
  const refusals = await soldOut(site, ports, numberTarget(site, 1))
  say(`sold out: ${refusals.toFixed(0)} refusals a second`)
  const met = rounds.every(isAsItMustBe) && refusals >= GOAL_REFUSALS
  const goal =
    `exactly ${PLACES} given, p95 < ${GOAL_P95_MS} ms, ` +
    `${GOAL_REFUSALS} refusals a second, no fault: ${met ? 'met' : 'MISSED'}`
  return {
    met,
    report: `${present(rounds)}\n\nRefusals a second when sold out: ${refusals.toFixed(0)}\nGoal ${goal}`,
  }
}

/** The refusals a second of a schedule that is sold out. */
async function soldOut({ fixture }: Site, ports: readonly number[], { ask }: Target): Promise<number> {
  const { answered, seconds } = await load({
    ports,
    connections: 100,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds: SOLD_OUT_SECONDS,
    tokens: fixture.tokens,
    asks: Array.from({ length: (WARM_UP_SECONDS + SOLD_OUT_SECONDS) * MOST_REFUSALS }, (_, n) => ask(n % PEOPLE)),
    refusalsOnly: true,
  })
  return answered.count / seconds
}

/** The nth slot of the venues. */
function slotTarget({ fixture, database }: Site, n: number): Target {
  const slot = fixture.slots[n] ?? 0
  return {
    name: 'a place in a slot',
    ask: (token) => ({ token, line: 'POST /api/v1/reservations', body: `{"time_slot_id":${slot}}` }),
    async given() {
      const { rows } = await database.pool.query<{ counted: number; rows: number }>(
        `SELECT taken AS counted, (SELECT count(*)::int FROM reservations WHERE slot_id = s.id) AS rows
         FROM time_slots s
         WHERE id = $1`,
        [slot],
      )
      return rows[0] ?? { counted: 0, rows: 0 }
    },
  }
}

/** The nth schedule of a department; a patient registers once in a department. */
function numberTarget({ numbers, database }: Site, department: number, n = 0): Target {
  const schedule = numbers.schedules[department]?.[n] ?? 0
  return {
    name: 'a number of a doctor',
    ask: (person) => register(person, schedule),
    async given() {
      const { rows } = await database.pool.query<{ counted: number; rows: number }>(
        `SELECT
           total_slots - remaining_slots AS counted,
           (SELECT count(DISTINCT queue_no)::int FROM registration_order o WHERE o.schedule_id = s.schedule_id) AS rows
         FROM schedule s
         WHERE schedule_id = $1`,
        [schedule],
      )
      return rows[0] ?? { counted: 0, rows: 0 }
    },
  }
}

const everybodyAsks = ({ fixture }: Site, ports: readonly number[]) => ({
  ports,
  connections: PEOPLE,
  warmUpSeconds: 0,
  seconds: LONGEST_SECONDS,
  tokens: fixture.tokens,
})

/** One request of each person. */
function asksOf(ask: (person: number) => Ask): readonly Ask[] {
  return Array.from({ length: PEOPLE }, (_, person) => ask(person))
}

function isAsItMustBe({ granted, counted, rows, answered, refused }: Rush): boolean {
  const faults = Object.keys(refused).some((code) => code.startsWith('5'))
  return (
    [granted.count, counted, rows].every((count) => count === PLACES) &&
    answered.count === PEOPLE &&
    answered.p95 < GOAL_P95_MS &&
    !faults
  )
}

function present(rounds: readonly Rush[]): string {
  return table([
    [
      `${PEOPLE} people, ${PLACES} places, ${PROCESSES} serving + 1 worker`,
      'given',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'refused',
    ],
    ...rounds.map(({ name, granted, answered, refused }) => [
      name,
      String(granted.count),
      ...[answered.p50, answered.p95, answered.p99].map((ms) => ms.toFixed(0)),
      Object.entries(refused)
        .map(([code, count]) => `${count} × ${code}`)
        .join(', '),
    ]),
  ])
}
