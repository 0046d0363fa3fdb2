import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchDatabase, createDatabase, serverUrl } from './database.ts'
import { type Fixture, fill, makeSecrets, type Size } from './fixture.ts'
import { fillNumbers, type NumberFixture } from './numbers.ts'
import { type Running, type Setting, startProgram } from './processes.ts'
import { fillRooms, type RoomFixture } from './rooms.ts'

/** A filled database for this run only, and the settings for starting the program with it. */
export interface Site {
  readonly database: BenchDatabase
  readonly fixture: Fixture
  readonly rooms: RoomFixture
  readonly numbers: NumberFixture
  readonly setting: Setting
  /** A folder for the files of this run. */
  readonly folder: string
  /** Starts a process that ends with the run. */
  start(command: 'server' | 'worker', poolSize: number): Promise<Running>
}

export const ROOMS = 300

/** Creates and fills a site; disposing `stack` removes it. */
export async function openSite(stack: AsyncDisposableStack, name: string, size: Size): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'yuyue-bench-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const database = await createDatabase(serverUrl(process.env), name)
  stack.defer(database.drop)
  const secrets = makeSecrets()
  const fixture = await fill(database.pool, secrets.SECRET_KEY, size)
  const rooms = await fillRooms(database.pool, { rooms: ROOMS, people: size.people })
  const numbers = await fillNumbers(database.pool, size.people)
  const setting = { ...secrets, DATA_DIR: folder, DATABASE_URL: database.url, PRODUCTS: 'venue,room,clinic' }
  return {
    database,
    fixture,
    rooms,
    numbers,
    setting,
    folder,
    async start(command, poolSize) {
      const running = await startProgram(command, { ...setting, DATABASE_POOL_SIZE: String(poolSize) })
      stack.defer(running.stop)
      return running
    },
  }
}
