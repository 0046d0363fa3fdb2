import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { dyingWithUs } from './dyingWithUs.ts'

const run = promisify(execFile)
const DEBIAN = '/usr/lib/postgresql'
const START_MS = 60_000
const STOP_MS = 10_000

/** A PostgreSQL of our own that waits for the disk at each commit, and that may be crashed. */
export interface Cluster {
  /** Its database `postgres`, for its superuser; the same after every start. */
  readonly url: string
  /** Starts it again after `crash`. Resolves when it takes connections, recovery done. */
  start(): Promise<void>
  /** What `pg_ctl stop -m immediate` does: no checkpoint, no goodbye. Resolves when it is gone. */
  crash(): Promise<void>
  /** Stops it and deletes its folder. */
  close(): Promise<void>
}

/** Where `initdb` and `postgres` are: Debian's newest, or undefined when they are to be found on the PATH. */
async function programs(): Promise<string | undefined> {
  if (!existsSync(DEBIAN)) return undefined
  const versions = (await readdir(DEBIAN)).filter((name) => existsSync(join(DEBIAN, name, 'bin/initdb')))
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0]
  return newest === undefined ? undefined : join(DEBIAN, newest, 'bin')
}

/** Whether PostgreSQL's programs are installed, so that `openCluster` can make one. */
export async function canOpenCluster(): Promise<boolean> {
  const bin = await programs()
  return await run(bin === undefined ? 'initdb' : join(bin, 'initdb'), ['--version']).then(
    () => true,
    () => false,
  )
}

/**
 * A port that nobody listens on, out of those that the system gives to nobody by itself (ip(7), ip_local_port_range): no connection that is made
 * before it is taken can be in its way.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!free) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

/**
 * Makes and starts a cluster in a folder of its own.
 * @throws Error when PostgreSQL's programs are not installed.
 */
export async function openCluster(settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  const bin = await programs()
  const program = (name: string) => (bin === undefined ? name : join(bin, name))
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? 'postgres' : undefined
  const folder = await mkdtemp(join(tmpdir(), 'yuyue-cluster-'))
  const data = join(folder, 'data')
  if (user !== undefined) await run('chown', [user, folder])
  const [command, ...args] = dyingWithUs(
    'SIGKILL',
    [program('initdb'), `--pgdata=${data}`, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C'],
    user,
  )
  try {
    await run(command, args, { cwd: folder })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw new Error('no cluster could be made; are the programs of a PostgreSQL server installed?', { cause: error })
  }
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const options = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...settings,
  }
  let postmaster: ChildProcess | undefined
  let text = ''

  const answers = async () => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.end()
      return true
    } catch {
      return false
    }
  }
  const launch = () => {
    const given = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [postgres, ...rest] = dyingWithUs('SIGQUIT', [program('postgres'), '-D', data, ...given], user)
    // A group of its own: Ctrl-C is for us, who end it in our order.
    const child = spawn(postgres, rest, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    postmaster = child
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (text = (text + String(bytes)).slice(-20_000)))
    return child
  }
  /** Until the last process of the one before is gone, the new one ends at once: then it is tried again. */
  const start = async () => {
    const until = performance.now() + START_MS
    let child = launch()
    while (!(await answers())) {
      if (performance.now() > until) throw new Error(`PostgreSQL did not start:\n${text}`)
      await pause(50)
      if (child.exitCode !== null) child = launch()
    }
  }
  const end = async (signal: NodeJS.Signals) => {
    const child = postmaster
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    // A postmaster that is asked to stop in the middle of a recovery has been seen to wait for ever.
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(timer)
  }
  // Whatever way this process ends, that one does too.
  const quit = () => postmaster?.kill('SIGQUIT')
  process.on('exit', quit)
  const close = async () => {
    try {
      await end('SIGINT')
    } finally {
      process.off('exit', quit)
      await rm(folder, { recursive: true, force: true })
    }
  }
  await start().catch(async (error: unknown) => {
    await close()
    throw error
  })
  return { url, start, crash: () => end('SIGQUIT'), close }
}
