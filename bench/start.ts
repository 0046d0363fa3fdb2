import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { START_PHASES } from '../src/kernel/startTimes.ts'
import { createDatabase, serverUrl } from './database.ts'
import { makeSecrets } from './fixture.ts'
import { median } from './median.ts'
import { cpuSecondsOf, type Memory, megabytes, memoryOf } from './memory.ts'
import { type Setting, startProgram } from './processes.ts'
import { table } from './table.ts'

const PROBE = new URL('./startProbe.mjs', import.meta.url)
const PHASES = ['Node started', ...START_PHASES] as const
/** Milliseconds after which an idle process is at rest. */
const REST_MS = 4000
const ROUNDS = { full: 5, short: 2 }
const GOALS = { fresh: 3, used: 1.5 }

interface Start {
  /** Milliseconds of each phase. */
  readonly phases: readonly number[]
  readonly seconds: number
  readonly cpuSeconds: number
  readonly atRest: Memory | undefined
}

/**
 * Starts the program on a fresh folder, on a used one and on a server. Reports the time of each phase and the memory at
 * rest.
 */
export async function starts(
  stack: AsyncDisposableStack,
  say: (line: string) => void,
  short: boolean,
): Promise<{ readonly report: string; readonly met: boolean }> {
  const home = await mkdtemp(join(tmpdir(), 'yuyue-bench-start-'))
  stack.defer(() => rm(home, { recursive: true, force: true }))
  const secrets = makeSecrets()
  const database = await createDatabase(serverUrl(process.env), 'start')
  stack.defer(database.drop)
  const onServer = { ...secrets, DATA_DIR: join(home, 'server'), DATABASE_URL: database.url }
  // As `npm ci` leaves it: with a compile cache and a template of the database.
  await startOnce('start', { ...secrets, DATA_DIR: join(home, 'warm') }, home)
  await startOnce('server', onServer, home)
  const seen = { fresh: [] as Start[], used: [] as Start[], server: [] as Start[] }
  for (let round = 1; round <= (short ? ROUNDS.short : ROUNDS.full); round += 1) {
    const DATA_DIR = join(home, `data${round}`)
    seen.fresh.push(await startOnce('start', { ...secrets, DATA_DIR }, home))
    seen.used.push(await startOnce('start', { ...secrets, DATA_DIR }, home))
    seen.server.push(await startOnce('server', onServer, home))
    const said = Object.entries(seen).map(([name, all]) => `${name} ${all.at(-1)?.seconds.toFixed(2)} s`)
    say(`round ${round}: ${said.join(', ')}`)
  }
  return present(seen)
}

async function startOnce(command: 'start' | 'server', setting: Setting, home: string): Promise<Start> {
  const file = join(home, 'times.json')
  await rm(file, { force: true })
  const began = performance.timeOrigin + performance.now()
  const options = { START_TIMES: file, NODE_OPTIONS: `--import=${PROBE.href}` }
  const running = await startProgram(command, { ...setting, ...options })
  const ready = performance.timeOrigin + performance.now()
  const cpuSeconds = cpuSecondsOf(running.pid)
  await pause(REST_MS)
  const atRest = memoryOf(running.pid)
  const times: Readonly<Record<string, number>> = JSON.parse(await readFile(file, 'utf8'))
  await running.stop()
  let last = began
  const phases = PHASES.map((phase) => {
    const took = (times[phase] ?? last) - last
    last += took
    return took
  })
  return { phases, seconds: (ready - began) / 1000, cpuSeconds, atRest }
}

function present(seen: Readonly<Record<'fresh' | 'used' | 'server', readonly Start[]>>) {
  const kinds = [seen.fresh, seen.used, seen.server] as const
  const middle = (starts: readonly Start[], value: (start: Start) => number) => median(starts.map(value))
  const met =
    middle(seen.fresh, ({ seconds }) => seconds) < GOALS.fresh &&
    middle(seen.used, ({ seconds }) => seconds) < GOALS.used
  const rows = [
    ['milliseconds, median', 'fresh folder', 'used folder', 'on a server'],
    ...PHASES.map((phase, nth) => [
      phase,
      ...kinds.map((starts) => middle(starts, ({ phases }) => phases[nth] ?? 0).toFixed(0)),
    ]),
    ['ready, seconds', ...kinds.map((starts) => middle(starts, ({ seconds }) => seconds).toFixed(2))],
    ['processor, seconds', ...kinds.map((starts) => middle(starts, ({ cpuSeconds }) => cpuSeconds).toFixed(2))],
    ['at rest, MB', ...kinds.map((starts) => megabytes(starts.at(-1)?.atRest))],
  ]
  const goal = `fresh folder < ${GOALS.fresh} s, used < ${GOALS.used} s: ${met ? 'met' : 'MISSED'}`
  return { met, report: `${table(rows)}\nGoal ${goal}` }
}
