import { type ChildProcess, fork, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoadOrder, LoadOutcome } from './load.ts'

const PROGRAM = fileURLToPath(new URL('../bin/yuyue.mjs', import.meta.url))
const BENCH = fileURLToPath(new URL('./main.ts', import.meta.url))
const START_MS = 60_000
const STOP_MS = 15_000

/** A process of the program. */
export interface Running {
  /** The port it listens on; 0 for a worker. */
  readonly port: number
  /** Process id of the program: the launcher replaces itself by it. */
  readonly pid: number
  stop(): Promise<void>
}

/** Environment of every process of a run. */
export interface Setting {
  readonly DATA_DIR: string
  readonly SECRET_KEY: string
  readonly FIELD_KEYS: string
  readonly DATABASE_URL?: string
  readonly PRODUCTS?: string
  readonly DATABASE_POOL_SIZE?: string
  readonly NODE_OPTIONS?: string
  /** The file that bench/startProbe.mjs writes. */
  readonly START_TIMES?: string
}

/** Starts the program as it is deployed and waits until it is ready. `flags` are flags of Node. */
export async function startProgram(
  command: 'server' | 'worker' | 'start',
  setting: Setting,
  flags: readonly string[] = [],
): Promise<Running> {
  const child = spawn(process.execPath, [...flags, PROGRAM, command], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      RATE_LIMIT: 'off',
      HOST: '127.0.0.1',
      PORT: '0',
      // A worker logs its readiness at this level, and nothing after it.
      LOG_LEVEL: command === 'worker' ? 'info' : 'warn',
      ...setting,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // However this process ends, it ends that process too.
  const end = () => child.kill('SIGTERM')
  process.once('exit', end)
  child.once('exit', () => process.removeListener('exit', end))
  const ready = command === 'worker' ? /worker ready()/ : /Yuyue is ready: +http:\/\/127\.0\.0\.1:(\d+)/
  try {
    return { port: Number(await said(child, ready, command)), pid: child.pid ?? 0, stop: () => stop(child) }
  } catch (error) {
    await stop(child)
    throw error
  }
}

/**
 * Waits until a process prints a pattern; returns its first group.
 * @throws Error with the output if the process ends or takes too long.
 */
function said(child: ChildProcess, pattern: RegExp, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = ''
    const fail = (why: string) => reject(new Error(`${command} ${why}:\n${printed.slice(-2000)}`))
    const timer = setTimeout(() => fail('was not ready in time'), START_MS)
    const read = (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-20_000)
      const match = pattern.exec(printed)
      if (!match) return
      clearTimeout(timer)
      resolve(match[1] ?? '')
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(`ended with ${code}`)
    })
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
}

/** Generates load from a separate process. */
export function load(order: LoadOrder): Promise<LoadOutcome> {
  return new Promise((resolve, reject) => {
    const child = fork(BENCH, ['generator'], { timeout: (order.seconds + order.warmUpSeconds + 60) * 1000 })
    child.once('message', (message: { outcome?: LoadOutcome; error?: string }) => {
      if (message.outcome) resolve(message.outcome)
      else reject(new Error(`the load generator failed: ${message.error}`))
    })
    child.once('exit', (code) => reject(new Error(`the load generator ended with ${code}`)))
    child.send(order)
  })
}
