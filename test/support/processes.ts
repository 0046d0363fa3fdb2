import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dyingWithUs } from './dyingWithUs.ts'

const program = fileURLToPath(new URL('../../bin/yuyue.mjs', import.meta.url))

/** What every process of a fleet is told, so that tests can sign tokens for them. */
export const SECRET_KEY = 'a secret of the proofs, a secret of the proofs'
const FIELD_KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`

export type Duty = 'server' | 'worker' | 'start'

/** A process of the program that has started: it listens, or (a worker) is about to take jobs. */
export interface Running {
  /** Where it listens; undefined for a worker. */
  readonly url: string | undefined
  readonly pid: number
  /** What it wrote so far. */
  output(): string
  /** Resolves when it has ended, whatever the reason. */
  readonly gone: Promise<void>
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM. Resolves with the exit code, or the signal that ended it. */
  end(): Promise<number | NodeJS.Signals | null>
}

/** Real processes of the program over one database. */
export interface Fleet {
  /** By itself or under `npm run`. @throws Error with what the process wrote, when it ends before it is ready. */
  start(duty: Duty, env?: Readonly<Record<string, string>>, under?: 'npm'): Promise<Running>
  /** Runs a command to its end. */
  run(
    command: 'verify' | 'migrate',
    env?: Readonly<Record<string, string>>,
  ): Promise<{ readonly code: number | null; readonly output: string }>
  /** Kills whatever still runs. To be called in `afterAll`, before the database is dropped. */
  close(): Promise<void>
}

/**
 * A fleet over a server (`url`) or over the embedded database in `dataDir`. The processes hear nothing from the environment of the tests but PATH,
 * write warnings and worse, and die with the test's process.
 */
export async function openFleet(database: { readonly url: string } | { readonly dataDir: string }): Promise<Fleet> {
  const children = new Set<ChildProcess>()
  const ownDataDir = 'url' in database ? await mkdtemp(join(tmpdir(), 'yuyue-fleet-')) : undefined
  const killAll = () => {
    for (const child of children) child.kill('SIGKILL')
  }
  process.on('exit', killAll)

  const launch = (command: string, env: Readonly<Record<string, string>> = {}, under?: 'npm') => {
    const [file, ...args] = dyingWithUs(
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

  /** Waits until a pattern stands in what a process wrote. */
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
      // A worker has nothing to print but a line of its log.
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
