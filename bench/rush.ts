import { CONNECTIONS } from './booking.ts'
import { WHO_AM_I } from './fixture.ts'
import type { LoadOutcome } from './load.ts'
import { load } from './processes.ts'
import { openSite, type Site } from './site.ts'
import { table } from './table.ts'

const PEOPLE = 2000
const PLACES = 20
const PROCESSES = 4
const ROUNDS = 3
/** A rush ends after this time at the latest. */
const LONGEST_SECONDS = 30
const GOAL_P95_MS = 500

interface Rush extends LoadOutcome {
  /** Taken places according to the slot, and the number of reservations in the database. */
  readonly taken: number
  readonly reservations: number
}

/**
 * Many logged-in people ask for the few places of a slot at one moment, over several serving processes. Returns the
 * report, and whether the result is correct and quick enough: every place taken once, no server error, 95 of 100
 * answers within half a second.
 */
export async function rush(
  stack: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<{ readonly report: string; readonly met: boolean }> {
  const site = await openSite(stack, 'rush', { people: PEOPLE, venues: 20, days: 30, slotsPerDay: 12 })
  await site.database.pool.query('UPDATE time_slots SET capacity = $1', [PLACES])
  await site.start('worker', 4)
  const servers = await Promise.all(
    Array.from({ length: PROCESSES }, () => site.start('server', Math.ceil(CONNECTIONS / PROCESSES))),
  )
  const ports = servers.map(({ port }) => port)
  // Warms the processes up, because a process in use has compiled the code of a booking long before a rush.
  await load({ ...everybodyAsks(site, ports), asks: asksFor(site, (n) => n % 100), introduce: WHO_AM_I })
  const rounds: Rush[] = []
  for (let round = 1; round <= ROUNDS; round += 1) {
    const slot = site.fixture.slots[100 + round] ?? 0
    const outcome = await load({ ...everybodyAsks(site, ports), asks: asksFor(site, () => 100 + round) })
    const { rows } = await site.database.pool.query<{ taken: number; reservations: number }>(
      `SELECT taken, (SELECT count(*)::int FROM reservations WHERE slot_id = s.id) AS reservations
       FROM time_slots s
       WHERE id = $1`,
      [slot],
    )
    const { taken = 0, reservations = 0 } = rows[0] ?? {}
    rounds.push({ ...outcome, taken, reservations })
    say(`rush ${round}: ${outcome.granted.count} booked, p95 ${outcome.answered.p95.toFixed(0)} ms`)
  }
  const met = rounds.every(isAsItMustBe)
  const goal = `exactly ${PLACES} places, p95 < ${GOAL_P95_MS} ms, no fault: ${met ? 'met' : 'MISSED'}`
  return { met, report: `${present(rounds)}\nGoal ${goal}` }
}

const everybodyAsks = ({ fixture }: Site, ports: readonly number[]) => ({
  ports,
  connections: PEOPLE,
  warmUpSeconds: 0,
  seconds: LONGEST_SECONDS,
  tokens: fixture.tokens,
})

/** One request of each person for a slot. */
function asksFor({ fixture }: Site, slotOf: (person: number) => number) {
  return fixture.tokens.map((_, token) => ({
    token,
    line: 'POST /api/v1/reservations',
    body: `{"time_slot_id":${fixture.slots[slotOf(token)]}}`,
  }))
}

function isAsItMustBe({ granted, taken, reservations, answered, refused }: Rush): boolean {
  const faults = Object.keys(refused).some((code) => code.startsWith('5'))
  return (
    [granted.count, taken, reservations].every((count) => count === PLACES) &&
    answered.count === PEOPLE &&
    answered.p95 < GOAL_P95_MS &&
    !faults
  )
}

function present(rounds: readonly Rush[]): string {
  return table([
    [
      `${PEOPLE} people, ${PLACES} places, ${PROCESSES} serving + 1 worker`,
      'booked',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'refused',
    ],
    ...rounds.map(({ granted, answered, refused }, n) => [
      `rush ${n + 1}`,
      String(granted.count),
      ...[answered.p50, answered.p95, answered.p99].map((ms) => ms.toFixed(0)),
      Object.entries(refused)
        .map(([code, count]) => `${count} × ${code}`)
        .join(', '),
    ]),
  ])
}
