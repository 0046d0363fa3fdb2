/**
 * Measures the program on this machine:
 *
 *   node bench/main.ts [--quick]          bookings beside the bare work of the database, the embedded database, the
 *                                         calendar
 *   node bench/main.ts growth [--quick]   frequent requests with 10,000 to 10,000,000 old rows
 *   node bench/main.ts rush               2,000 people for 20 places at one moment
 *   node bench/main.ts hospital [--quick] what is read of 5,000,000 orders of a clinic
 *   node bench/main.ts analytics [--quick] the analytics of a CRM with 10,000,000 recipients and messages
 *   node bench/main.ts start [--quick]    the time of each phase of a start, and the memory at rest
 *   node bench/main.ts load [--quick]     1,000 people who use the program at the same time
 *
 * BENCH_DATABASE_URL is a PostgreSQL server on this machine whose user may create databases; default
 * postgres://postgres@127.0.0.1:5432/postgres. The run creates its own databases there and drops them at the end.
 *
 * Duration: the first takes about four minutes, or one minute with --quick (short phases and few old rows). The start
 * takes a minute and a half, the rush half a minute, the load two minutes (one with --quick), the growth half an hour
 * (two minutes with --quick, which stops at 100,000 rows), the hospital five minutes (one with --quick), the analytics
 * ten minutes (half a one with --quick).
 */
import { analytics } from './analytics.ts'
import { growth } from './growth.ts'
import { hospital } from './hospital.ts'
import { serveLoad } from './load.ts'
import { rush } from './rush.ts'
import { speed } from './speed.ts'
import { starts } from './start.ts'
import { users } from './users.ts'

type Say = (line: string) => void

interface Measurement {
  /** A run that takes longer is stopped. */
  readonly longestMinutes: number
  /** Returns the report, and whether the goal was met (true without a goal). */
  readonly run: (
    stack: AsyncDisposableStack,
    say: Say,
    short: boolean,
  ) => Promise<{ readonly report: string; readonly met: boolean }>
}

const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  speed: {
    longestMinutes: 8,
    run: async (stack, say, short) => ({ report: await speed(stack, say, short), met: true }),
  },
  growth: {
    longestMinutes: 60,
    run: async (stack, say, short) => ({ report: await growth(stack, say, short), met: true }),
  },
  hospital: { longestMinutes: 20, run: hospital },
  analytics: { longestMinutes: 30, run: analytics },
  start: { longestMinutes: 5, run: starts },
  rush: { longestMinutes: 3, run: rush },
  load: { longestMinutes: 5, run: users },
}

const say: Say = (line) => console.error(`${(performance.now() / 1000).toFixed(0).padStart(4)} s  ${line}`)

async function run({ longestMinutes, run: measure }: Measurement, short: boolean): Promise<void> {
  const stack = new AsyncDisposableStack()
  let ending = false
  const end = (code: number, why: string) => {
    ending = true
    say(why)
    stack.disposeAsync().then(
      () => process.exit(code),
      () => process.exit(1),
    )
  }
  process.once('SIGINT', () => end(130, 'interrupted: tidying up'))
  process.once('SIGTERM', () => end(143, 'ended: tidying up'))
  setTimeout(() => end(1, 'this took too long: tidying up'), longestMinutes * 60_000).unref()
  try {
    const { report, met } = await measure(stack, say, short)
    console.log(report)
    if (!met) process.exitCode = 1
  } catch (error) {
    // After an interrupt the measurement fails, because its files and processes are removed.
    if (!ending) throw error
  } finally {
    await stack.disposeAsync()
  }
}

const [name = 'speed'] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const measurement = MEASUREMENTS[name]
if (name === 'generator') {
  serveLoad()
} else if (measurement) {
  await run(measurement, process.argv.includes('--quick')).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
} else {
  console.error(`there is no ${name}: ${Object.keys(MEASUREMENTS).join(', ')}`)
  process.exitCode = 1
}
