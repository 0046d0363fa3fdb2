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
import { withDeathSignal } from './deathSignal.ts'

const run = promisify(execFile)
const DEBIAN = '/usr/lib/postgresql'
const START_MS = 60_000
const STOP_MS = 10_000

/** A PostgreSQL server for one test. It waits for the disk at each commit, and the test may crash it. */
export interface Cluster {
  /** The URL of the database `postgres` as superuser; it is the same after every start. */
  readonly url: string
  /** Starts it again after `crash`. Resolves when the recovery is done and it accepts connections. */
  start(): Promise<void>
  /** Stops it like `pg_ctl stop -m immediate`, without a checkpoint. Resolves when the process has ended. */
  crash(): Promise<void>
  /** Stops it and deletes its folder. */
  close(): Promise<void>
}

/** The folder of `initdb` and `postgres`: the newest of Debian, or undefined to use the PATH. */
async function programs(): Promise<string | undefined> {
  if (!existsSync(DEBIAN)) return undefined
  const versions = (await readdir(DEBIAN)).filter((name) => existsSync(join(DEBIAN, name, 'bin/initdb')))
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0]
  return newest === undefined ? undefined : join(DEBIAN, newest, 'bin')
}

/** True if the programs of PostgreSQL are installed, which `openCluster` needs. */
export async function canOpenCluster(): Promise<boolean> {
  const bin = await programs()
  return await run(bin === undefined ? 'initdb' : join(bin, 'initdb'), ['--version']).then(
    () => true,
    () => false,
  )
}

/**
 * Finds a free port below the range from which the system assigns ports (ip(7), ip_local_port_range), so that no other
 * connection takes it before it is used.
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
 * Makes and starts a PostgreSQL server in a new folder.
 * @throws Error when the programs of PostgreSQL are not installed.
 */
export async function openCluster(settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  const bin = await programs()
  const program = (name: string) => (bin === undefined ? name : join(bin, name))
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? 'postgres' : undefined
  const folder = await mkdtemp(join(tmpdir(), 'yuyue-cluster-'))
  const data = join(folder, 'data')
  if (user !== undefined) await run('chown', [user, folder])
  const [command, ...args] = withDeathSignal(
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
    const [postgres, ...rest] = withDeathSignal('SIGQUIT', [program('postgres'), '-D', data, ...given], user)
    // In its own process group, so that Ctrl-C does not end it before the tests do.
    const child = spawn(postgres, rest, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    postmaster = child
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (text = (text + String(bytes)).slice(-20_000)))
    return child
  }
  /** Starts PostgreSQL, repeatedly if needed: it ends at once while a process of the previous one still runs. */
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
    // A postmaster that is asked to stop during a recovery may wait for ever.
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(timer)
  }
  // PostgreSQL ends with this process.
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
