import type { Comparison } from './booking.ts'
import type { CalendarTimes } from './calendar.ts'
import type { LoadOutcome } from './load.ts'
import { median } from './median.ts'
import type { RoundTrips } from './roundTrips.ts'

/** Everything a run measured. */
export interface Results {
  readonly at: string
  readonly short: boolean
  readonly machine: Readonly<Record<string, string | number>>
  readonly server: Readonly<Record<string, string>>
  readonly connections: number
  readonly comparison: Comparison
  readonly roundTrips: RoundTrips
  readonly embedded: LoadOutcome
  readonly calendar: { readonly before: CalendarTimes; readonly after: CalendarTimes; readonly fillSeconds: number }
}

const GOAL_RATIO = 0.25
const GOAL_CALENDAR_MS = 5

/** The results as people read them. */
export function present(results: Results): string {
  const { comparison, roundTrips, embedded, calendar, machine, server } = results
  const bookings = comparison.deployments.map(({ processes, rounds, tps, ratio }) => [
    `booking, all rules, HTTP, ${processes} serving + 1 worker`,
    tps.toFixed(0),
    `${ratio.toFixed(2)} ${ratio >= GOAL_RATIO ? '(goal ≥ 0.25: met)' : '(goal ≥ 0.25: MISSED)'}`,
    ...(['p50', 'p95', 'p99'] as const).map((name) => median(rounds.map((round) => round[name])).toFixed(1)),
    refusals(rounds.map(({ refused }) => refused)),
    `${rounds.map(({ backlog }) => backlog).join(', ')}`,
  ])
  const rows = [
    ['', 'tps', 'of the bare pair', 'p50 ms', 'p95 ms', 'p99 ms', 'not 201', 'outbox left'],
    ['pgbench, bare guarded pair', comparison.pgbench.tps.toFixed(0), '1', '', '', '', '', ''],
    ...bookings,
    [
      'booking, embedded database, 1 process',
      (embedded.booked / embedded.seconds).toFixed(0),
      '',
      embedded.p50.toFixed(1),
      embedded.p95.toFixed(1),
      embedded.p99.toFixed(1),
      refusals([embedded.refused]),
      '',
    ],
  ]
  const calendarRows = [
    ['calendar of a venue, one month', 'slots', 'execution ms', 'planning ms', 'store ms', 'whole calendar ms'],
    ...[calendar.before, calendar.after].map((times) => [
      `${times.oldReservations.toLocaleString('en')} old reservations`,
      String(times.slots),
      times.executionMs.toFixed(2),
      times.planningMs.toFixed(2),
      times.queryMs.toFixed(2),
      times.calendarMs.toFixed(2),
    ]),
  ]
  const verdict = calendar.after.executionMs < GOAL_CALENDAR_MS ? 'met' : 'MISSED'
  return [
    '',
    `${Object.entries({ ...machine, ...server })
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
    `${results.connections} connections to the database in every row; median of ${comparison.pgbench.rounds.length} round(s), in turns`,
    '',
    table(rows),
    '',
    `Round trips of one booking: ${roundTrips.perBooking.toFixed(2)}`,
    ...roundTrips.statements.map(
      ({ text, perBooking, ms }) => `  ${perBooking.toFixed(2)} × ${ms.toFixed(2)} ms  ${text}…`,
    ),
    '',
    table(calendarRows),
    `Goal < ${GOAL_CALENDAR_MS} ms whatever lies in the past: ${verdict}. The plan with ${calendar.after.oldReservations.toLocaleString('en')}:`,
    ...calendar.after.plan.map((line) => `  ${line}`),
  ].join('\n')
}

function refusals(rounds: readonly Readonly<Record<string, number>>[]): string {
  const sums = new Map<string, number>()
  for (const round of rounds)
    for (const [code, count] of Object.entries(round)) sums.set(code, (sums.get(code) ?? 0) + count)
  return [...sums].map(([code, count]) => `${count} × ${code}`).join(', ') || '0'
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .map((line) => line.trimEnd())
    .join('\n')
}
