import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { CONNECTIONS, compare, type Subject } from './booking.ts'
import { measureCalendar } from './calendar.ts'
import { createDatabase, describeServer, serverUrl } from './database.ts'
import { measureEmbedded } from './embedded.ts'
import { fill, slotBookings } from './fixture.ts'
import { registrations } from './numbers.ts'
import { findPgbench, prepareInsert, preparePair } from './pgbench.ts'
import type { Setting } from './processes.ts'
import { present, type Results } from './report.ts'
import { roomBookings } from './rooms.ts'
import { countRoundTrips, type RoundTrips } from './roundTrips.ts'
import { openSite } from './site.ts'
import { openSystem } from './system.ts'
import { watchStatements } from './watch.ts'

const FULL = {
  rounds: 2,
  seconds: 10,
  warmUpSeconds: 3,
  embeddedSeconds: 5,
  // Each registers once in each of the fifty departments.
  people: 15_000,
  days: 365,
  past: 1_000_000,
}
const QUICK = { rounds: 1, seconds: 3, warmUpSeconds: 1, embeddedSeconds: 3, people: 2500, days: 90, past: 50_000 }

type Say = (line: string) => void

/** Describes the machine, and warns if it is busy with other work: the results are then too slow, and not evenly. */
function describeMachine(say: Say): Results['machine'] {
  const [load = 0] = loadavg()
  const cores = availableParallelism()
  if (load > cores / 2)
    say(`the machine is busy with something else (load ${load.toFixed(1)} on ${cores} cores): measure again`)
  return { cpu: cpus()[0]?.model ?? 'unknown', cores, 'load before': load.toFixed(1), node: process.version }
}

/**
 * Measures bookings beside the bare work of the database, the embedded database, and the calendar. Writes the results
 * to a file too.
 */
export async function speed(stack: AsyncDisposableStack, say: Say, short: boolean): Promise<string> {
  const results = await measure(stack, say, short)
  const folder = new URL('./results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  await writeFile(new URL('latest.json', folder), `${JSON.stringify(results, null, 2)}\n`)
  return `${present(results)}\n\nAll of it: bench/results/latest.json`
}

async function measure(stack: AsyncDisposableStack, say: Say, short: boolean): Promise<Results> {
  const plan = short ? QUICK : FULL
  const pgbench = findPgbench(process.env.PATH)
  const machine = describeMachine(say)
  const site = await openSite(stack, 'booking', { people: plan.people, venues: 20, days: plan.days, slotsPerDay: 12 })
  const { database, fixture, rooms, numbers, setting, folder } = site
  const { tokens, slots } = fixture
  say(`${tokens.length} people, ${slots.length} slots, ${rooms.rooms} rooms`)
  const pair = {
    bareName: 'bare guarded UPDATE and INSERT',
    bare: await preparePair(database.pool, folder, { slots: slots.length, people: tokens.length }),
  }
  const subjects: readonly Subject[] = [
    { name: 'a place in a slot', ...pair, bookings: slotBookings(fixture) },
    { name: 'a number of a doctor', ...pair, bookings: registrations(numbers) },
    {
      name: 'a room',
      bareName: 'bare guarded INSERT',
      bare: await prepareInsert(database.pool, folder, { ...rooms }),
      bookings: roomBookings(rooms),
    },
  ]
  const comparisons = await compare({ ...plan, database, tokens, subjects, start: site.start, pgbench, say })
  const roundTrips: RoundTrips[] = []
  for (const subject of subjects) roundTrips.push(await countRoundTrips(setting, tokens, subject))

  const { warmUpSeconds } = plan
  const embedded = await measureEmbedded({
    folder,
    // Without DATABASE_URL, so with the embedded database.
    setting: { SECRET_KEY: setting.SECRET_KEY, FIELD_KEYS: setting.FIELD_KEYS },
    seconds: plan.embeddedSeconds,
    warmUpSeconds,
    stack,
  })
  for (const { name, granted, seconds } of embedded.bookings)
    say(`embedded: ${name}: ${Math.round(granted.count / seconds)} bookings/s`)

  return {
    at: new Date().toISOString(),
    short,
    machine,
    server: await describeServer(serverUrl(process.env)),
    connections: CONNECTIONS,
    comparisons,
    roundTrips,
    embedded,
    calendar: await calendar(setting, plan.past, stack, say),
  }
}

async function calendar(
  setting: Setting,
  past: number,
  stack: AsyncDisposableStack,
  say: Say,
): Promise<Results['calendar']> {
  const database = await createDatabase(serverUrl(process.env), 'calendar')
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
