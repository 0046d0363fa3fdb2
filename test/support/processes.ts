import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withDeathSignal } from './deathSignal.ts'

const program = fileURLToPath(new URL('../../bin/yuyue.mjs', import.meta.url))

/** The SECRET_KEY of every process of a fleet, with which tests can sign tokens. */
export const SECRET_KEY = 'a secret of the proofs, a secret of the proofs'
const FIELD_KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`

export type Duty = 'server' | 'worker' | 'start'

/** A started process of the program: a server that listens, or a worker that is ready. */
export interface Running {
  /** The address on which it listens; undefined for a worker. */
  readonly url: string | undefined
  readonly pid: number
  /** Its output so far. */
  output(): string
  /** Resolves when it has ended for any reason. */
  readonly gone: Promise<void>
  /** Sends SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>
  /** Sends SIGTERM. Resolves with the exit code, or with the signal that ended it. */
  end(): Promise<number | NodeJS.Signals | null>
}

/** Real processes of the program that share one database. */
export interface Fleet {
  /** Starts a process directly or by `npm run`. @throws Error with its output when it ends before it is ready. */
  start(duty: Duty, env?: Readonly<Record<string, string>>, under?: 'npm'): Promise<Running>
  /** Runs a command to its end. */
  run(
    command: 'verify' | 'migrate',
    env?: Readonly<Record<string, string>>,
  ): Promise<{ readonly code: number | null; readonly output: string }>
  /** Kills the processes that still run. Call it in `afterAll`, before the database is dropped. */
  close(): Promise<void>
}

/**
 * Opens a fleet over a server (`url`) or over the embedded database in `dataDir`. The processes get only PATH from the
 * environment of the tests, log warnings and errors, and end with the process of the test.
 */
export async function openFleet(database: { readonly url: string } | { readonly dataDir: string }): Promise<Fleet> {
  const children = new Set<ChildProcess>()
  const ownDataDir = 'url' in database ? await mkdtemp(join(tmpdir(), 'yuyue-fleet-')) : undefined
  const killAll = () => {
    for (const child of children) child.kill('SIGKILL')
  }
  process.on('exit', killAll)

  const launch = (command: string, env: Readonly<Record<string, string>> = {}, under?: 'npm') => {
    const [file, ...args] = withDeathSignal(
      'SIGKILL',
      under ? ['npm', 'run', command] : [process.execPath, program, command],
    )
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'test',
        LOG_LEVEL: 'warn',
        SECRET_KEY,
        FIELD_KEYS,
        RATE_LIMIT: 'off',
        PORT: '0',
        DATA_DIR: 'dataDir' in database ? database.dataDir : ownDataDir,
        ...('url' in database && { DATABASE_URL: database.url }),
        ...env,
      },
    })
    children.add(child)
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (text += String(bytes)))
    const gone = once(child, 'close').then(() => {
      children.delete(child)
    })
    return { child, gone, output: () => text }
  }

  /** Waits until the output of a process matches a pattern. */
  const written = (launched: ReturnType<typeof launch>, pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(launched.output())
        if (match) resolve(match)
      }
      launched.child.stdout.on('data', look)
      void launched.gone.then(() => reject(new Error(`the process ended before it was ready:\n${launched.output()}`)))
    })

  return {
    async start(duty, env, under) {
      // A worker says that it is ready only in its log.
      const launched = launch(duty, { ...(duty === 'worker' && { LOG_LEVEL: 'info' }), ...env }, under)
      const ready = duty === 'worker' ? /worker ready/ : /Yuyue is ready: +(http:\S+)/
      const [, url] = await written(launched, ready)
      const { child, gone, output } = launched
      return {
        url,
        pid: child.pid ?? 0,
        output,
        gone,
        async kill() {
          child.kill('SIGKILL')
          await gone
        },
        async end() {
          child.kill('SIGTERM')
          await gone
          return child.exitCode ?? child.signalCode
        },
      }
    },
    async run(command, env) {
      const { child, gone, output } = launch(command, env)
      await gone
      return { code: child.exitCode, output: output() }
    },
    async close() {
      const ends = [...children].map((child) => once(child, 'close'))
      killAll()
      await Promise.all(ends)
      process.off('exit', killAll)
      if (ownDataDir !== undefined) await rm(ownDataDir, { recursive: true, force: true })
    },
  }
}
