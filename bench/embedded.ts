import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openDatabase } from '../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../src/kernel/database/migrate.ts'
import { addAccounts } from './accounts.ts'
import { fill, slotBookings, WHO_AM_I } from './fixture.ts'
import type { LoadOutcome } from './load.ts'
import { type Memory, memoryOf } from './memory.ts'
import { load, type Setting, startProgram } from './processes.ts'
import { reads } from './reads.ts'
import { fillRooms, roomBookings } from './rooms.ts'
import { ROOMS } from './site.ts'

const CLIENTS = 16
/** More bookings than a machine makes in a second. */
const MOST_A_SECOND = 6000

/** Milliseconds after which a started process has released the memory that it needs only at its start. */
const REST_MS = 2000

/** Number of requests of each kind of reading. */
const TIMES = 20

/** Results of one process over the embedded database. */
export interface EmbeddedOutcome {
  readonly bookings: readonly (LoadOutcome & { readonly name: string })[]
  /** Latencies, one request at a time. */
  readonly reads: LoadOutcome['kinds']
  /** Memory of the whole process, the database included. */
  readonly atRest: Memory | undefined
  readonly underLoad: Memory | undefined
}

/** Measures `npm start`: one process that serves and works, over the embedded database on the disk. */
export async function measureEmbedded(order: {
  readonly folder: string
  readonly setting: Pick<Setting, 'SECRET_KEY' | 'FIELD_KEYS'>
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly stack: AsyncDisposableStack
}): Promise<EmbeddedOutcome> {
  const dataDir = await mkdtemp(join(order.folder, 'embedded-'))
  const log = { info: () => {}, warn: console.warn, error: console.error }
  const database = await openDatabase({ dataDir, poolSize: 1, log })
  await migrate(database.pool, MIGRATIONS, log)
  const size = { people: 1000, venues: 10, days: 60, slotsPerDay: 12 }
  const fixture = await fill(database.pool, order.setting.SECRET_KEY, size)
  const rooms = await fillRooms(database.pool, { rooms: ROOMS, people: size.people })
  await addAccounts(database.pool)
  await database.close()
  const running = await startProgram('start', { ...order.setting, DATA_DIR: dataDir })
  order.stack.defer(running.stop)
  await pause(REST_MS)
  const atRest = memoryOf(running.pid)
  const { seconds, warmUpSeconds } = order
  const common = { ports: [running.port], tokens: fixture.tokens }
  const bookings: (LoadOutcome & { readonly name: string })[] = []
  for (const [name, asks] of [
    ['a place in a slot', slotBookings(fixture)],
    ['a room', roomBookings(rooms)],
  ] as const) {
    const outcome = await load({
      ...common,
      connections: CLIENTS,
      warmUpSeconds,
      seconds,
      asks: asks((seconds + warmUpSeconds) * MOST_A_SECOND),
      introduce: WHO_AM_I,
    })
    bookings.push({ name, ...outcome })
  }
  const underLoad = memoryOf(running.pid)
  const asks = reads(fixture, rooms, TIMES)
  const { kinds } = await load({ ...common, connections: 1, warmUpSeconds: 0, seconds: 60, asks })
  await running.stop()
  return { bookings, reads: kinds, atRest, underLoad }
}
