import type { Comparison } from './booking.ts'
import type { CalendarTimes } from './calendar.ts'
import type { EmbeddedOutcome } from './embedded.ts'
import { median } from './median.ts'
import { megabytes } from './memory.ts'
import type { RoundTrips } from './roundTrips.ts'
import { table } from './table.ts'

/** All results of a run. */
export interface Results {
  readonly at: string
  readonly short: boolean
  readonly machine: Readonly<Record<string, string | number>>
  readonly server: Readonly<Record<string, string>>
  readonly connections: number
  readonly comparisons: readonly Comparison[]
  readonly roundTrips: readonly RoundTrips[]
  readonly embedded: EmbeddedOutcome
  readonly calendar: { readonly before: CalendarTimes; readonly after: CalendarTimes; readonly fillSeconds: number }
}

const GOAL_RATIO = 0.25
const GOAL_CALENDAR_MS = 5

/** The results as text for people. */
export function present(results: Results): string {
  const { comparisons, roundTrips, embedded, calendar, machine, server } = results
  const rows = [
    [
      '',
      'tps',
      'of the bare work',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'refused',
      'outbox left',
      'MB at rest',
      'MB, 200 people',
      'cores: serving, all',
    ],
    ...comparisons.flatMap(({ name, bare, deployments }) => [
      [`pgbench, ${bare.name}`, bare.tps.toFixed(0), '1', '', '', '', '', '', '', ''],
      ...deployments.map(({ processes, rounds, tps, ratio }) => [
        `${name}, all rules, HTTP, ${processes} serving + 1 worker`,
        tps.toFixed(0),
        `${ratio.toFixed(2)} ${ratio >= GOAL_RATIO ? '(goal ≥ 0.25: met)' : '(goal ≥ 0.25: MISSED)'}`,
        ...(['p50', 'p95', 'p99'] as const).map((name) =>
          median(rounds.map(({ granted }) => granted[name])).toFixed(1),
        ),
        refusals(rounds.map(({ refused }) => refused)),
        `${rounds.map(({ backlog }) => backlog).join(', ')}`,
        megabytes(rounds.at(-1)?.atRest),
        megabytes(rounds.at(-1)?.underLoad),
        (['serving', 'all'] as const).map((of) => median(rounds.map(({ cores }) => cores[of])).toFixed(2)).join(', '),
      ]),
    ]),
    ...embedded.bookings.map(({ name, granted, seconds, refused }) => [
      `${name}, embedded database, 1 process`,
      (granted.count / seconds).toFixed(0),
      '',
      ...(['p50', 'p95', 'p99'] as const).map((name) => granted[name].toFixed(1)),
      refusals([refused]),
      '',
      megabytes(embedded.atRest),
      megabytes(embedded.underLoad),
      '',
    ]),
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
    `${results.connections} connections to the database in every row; ` +
      `median of ${comparisons[0]?.bare.rounds.length} round(s), in turns`,
    '',
    table(rows),
    '',
    ...roundTrips.flatMap(({ name, perBooking, statements }) => [
      `Round trips of one booking, ${name}: ${perBooking.toFixed(2)}`,
      ...statements.map(({ text, perBooking, ms }) => `  ${perBooking.toFixed(2)} × ${ms.toFixed(2)} ms  ${text}…`),
    ]),
    '',
    table([
      ['embedded database, one answer at a time', 'p50 ms', 'p95 ms'],
      ...Object.entries(embedded.reads).map(([kind, { p50, p95 }]) => [kind, p50.toFixed(1), p95.toFixed(1)]),
    ]),
    '',
    table(calendarRows),
    `Goal < ${GOAL_CALENDAR_MS} ms whatever lies in the past: ${verdict}. ` +
      `The plan with ${calendar.after.oldReservations.toLocaleString('en')}:`,
    ...calendar.after.plan.map((line) => `  ${line}`),
  ].join('\n')
}

function refusals(rounds: readonly Readonly<Record<string, number>>[]): string {
  const sums = new Map<string, number>()
  for (const round of rounds)
    for (const [code, count] of Object.entries(round)) sums.set(code, (sums.get(code) ?? 0) + count)
  return [...sums].map(([code, count]) => `${count} × ${code}`).join(', ') || '0'
}
