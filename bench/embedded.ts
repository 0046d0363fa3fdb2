import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase } from '../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../src/kernel/database/migrate.ts'
import { fill } from './fixture.ts'
import type { LoadOutcome } from './load.ts'
import { load, type Setting, startProgram } from './processes.ts'

const CLIENTS = 16

/** Bookings a second of `npm start`: one process that serves and works, over the embedded database on the disk. */
export async function measureEmbedded(order: {
  readonly folder: string
  readonly setting: Pick<Setting, 'SECRET_KEY' | 'FIELD_KEYS'>
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly stack: AsyncDisposableStack
}): Promise<LoadOutcome> {
  const dataDir = await mkdtemp(join(order.folder, 'embedded-'))
  const log = { info: () => {}, warn: console.warn, error: console.error }
  const database = await openDatabase({ dataDir, poolSize: 1, log })
  await migrate(database.pool, MIGRATIONS, log)
  const size = { people: 1000, venues: 10, days: 60, slotsPerDay: 12 }
  const fixture = await fill(database.pool, order.setting.SECRET_KEY, size)
  await database.close()
  const running = await startProgram('start', { ...order.setting, DATA_DIR: dataDir })
  order.stack.defer(running.stop)
  const { seconds, warmUpSeconds } = order
  const ports = [running.port]
  const outcome = await load({ ports, connections: CLIENTS, warmUpSeconds, seconds, ...fixture, introduce: true })
  await running.stop()
  return outcome
}
