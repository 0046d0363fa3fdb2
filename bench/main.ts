/**
 * Measures the program against the bare work of its database, side by side in one run (npm run bench):
 *
 *   node bench/main.ts [--quick]
 *
 * BENCH_DATABASE_URL is a PostgreSQL server on this machine whose user may create databases; default
 * postgres://postgres@127.0.0.1:5432/postgres. The run makes databases of its own there and drops them at the end.
 * The default takes about three minutes; --quick, with short phases and a small past, half a minute.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONNECTIONS, compare } from './booking.ts'
import { measureCalendar } from './calendar.ts'
import { createDatabase, describeServer, serverUrl } from './database.ts'
import { measureEmbedded } from './embedded.ts'
import { fill, makeSecrets } from './fixture.ts'
import { serveLoad } from './load.ts'
import { findPgbench, preparePair } from './pgbench.ts'
import { present, type Results } from './report.ts'
import { countRoundTrips } from './roundTrips.ts'
import { openSystem } from './system.ts'
import { watchStatements } from './watch.ts'

/** A run that takes longer hangs. */
const LONGEST_MS = 5 * 60_000

const FULL = {
  rounds: 2,
  seconds: 10,
  warmUpSeconds: 3,
  embeddedSeconds: 5,
  people: 10_000,
  days: 365,
  past: 1_000_000,
}
const QUICK = { rounds: 1, seconds: 3, warmUpSeconds: 1, embeddedSeconds: 3, people: 1000, days: 90, past: 50_000 }

const say = (line: string) => console.error(`${(performance.now() / 1000).toFixed(0).padStart(4)} s  ${line}`)

/** Says so when the machine is busy with something else: everything here is then too slow, and not evenly. */
function describeMachine(): Results['machine'] {
  const [load = 0] = loadavg()
  const cores = availableParallelism()
  if (load > cores / 2)
    say(`the machine is busy with something else (load ${load.toFixed(1)} on ${cores} cores): measure again`)
  return { cpu: cpus()[0]?.model ?? 'unknown', cores, 'load before': load.toFixed(1), node: process.version }
}

async function bench(stack: AsyncDisposableStack, short: boolean): Promise<Results> {
  const plan = short ? QUICK : FULL
  const pgbench = findPgbench(process.env.PATH)
  const machine = describeMachine()
  const server = serverUrl(process.env)
  const folder = await mkdtemp(join(tmpdir(), 'yuyue-bench-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const secrets = makeSecrets()

  const database = await createDatabase(server, 'booking')
  stack.defer(database.drop)
  const size = { people: plan.people, venues: 20, days: plan.days, slotsPerDay: 12 }
  const fixture = await fill(database.pool, secrets.SECRET_KEY, size)
  const script = await preparePair(database.pool, folder, fixture.slots.length)
  say(`${fixture.tokens.length} people, ${fixture.slots.length} slots`)
  const setting = { ...secrets, DATA_DIR: folder, DATABASE_URL: database.url }
  const comparison = await compare({ ...plan, database, fixture, setting, pgbench, script, stack, say })
  const roundTrips = await countRoundTrips(setting, fixture)
  say(`${roundTrips.perBooking.toFixed(2)} round trips a booking`)

  const { warmUpSeconds } = plan
  const embedded = await measureEmbedded({
    folder,
    setting: secrets,
    seconds: plan.embeddedSeconds,
    warmUpSeconds,
    stack,
  })
  say(`embedded: ${Math.round(embedded.booked / embedded.seconds)} bookings/s`)

  return {
    at: new Date().toISOString(),
    short,
    machine,
    server: await describeServer(server),
    connections: CONNECTIONS,
    comparison,
    roundTrips,
    embedded,
    calendar: await calendar(server, { ...secrets, DATA_DIR: folder }, plan.past, stack),
  }
}

async function calendar(
  server: URL,
  setting: ReturnType<typeof makeSecrets> & { readonly DATA_DIR: string },
  past: number,
  stack: AsyncDisposableStack,
): Promise<Results['calendar']> {
  const database = await createDatabase(server, 'calendar')
  stack.defer(database.drop)
  await fill(database.pool, setting.SECRET_KEY, { people: 5000, venues: 50, days: 31, slotsPerDay: 12 })
  const watch = watchStatements()
  const system = await openSystem({ ...setting, DATABASE_URL: database.url })
  try {
    return await measureCalendar(database.pool, system, watch.sent, past, say)
  } finally {
    watch.stop()
    await system.close()
  }
}

async function run(short: boolean): Promise<void> {
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
  setTimeout(() => end(1, 'this took too long: tidying up'), LONGEST_MS).unref()
  try {
    const results = await bench(stack, short)
    const folder = new URL('./results/', import.meta.url)
    await mkdir(folder, { recursive: true })
    await writeFile(new URL('latest.json', folder), `${JSON.stringify(results, null, 2)}\n`)
    console.log(present(results))
    console.log('\nAll of it: bench/results/latest.json')
  } catch (error) {
    // What is tidied away under its feet fails: that is no news.
    if (!ending) throw error
  } finally {
    await stack.disposeAsync()
  }
}

if (process.argv[2] === 'load') {
  serveLoad()
} else {
  await run(process.argv.includes('--quick')).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
}
