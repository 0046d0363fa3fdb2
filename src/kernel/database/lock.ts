import { randomUUID } from 'node:crypto'
import { open, readFile, readlink, stat, unlink, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

/** Another process has the data folder. The message is the line to show to people. */
export class FolderInUse extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'FolderInUse'
  }
}

/** The holder of a lock. */
interface Holder {
  readonly pid: number
  /** Start time of the process: distinguishes processes that had the same pid. */
  readonly started: string
  /** The scope in which the pid is unique: see `scopeOfPids`. */
  readonly scope: string
  readonly nonce: string
}

export interface FolderLock {
  /** Unlocks the folder. Idempotent. */
  release(): Promise<void>
}

export interface LockOptions {
  /**
   * A holder in another scope (as in a container sharing the folder) counts as dead without a heartbeat for this long.
   */
  readonly patienceMs?: number
  /** Interval of the heartbeats of the holder, in milliseconds. */
  readonly heartbeatMs?: number
}

const code = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

/** The start time of a process, in ticks since boot (proc(5), field 22); '' without /proc. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the program's name in parentheses, which may contain anything.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

/** Machine, boot and process namespace: pids are only comparable within the same scope. */
async function scopeOfPids(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return `${hostname()} ${boot.trim()} ${namespace}`.trim()
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, started, scope, nonce } = JSON.parse(text)
    if (!Number.isInteger(pid) || pid < 1) return undefined
    return { pid, started: String(started), scope: String(scope), nonce: String(nonce) }
  } catch {
    return undefined
  }
}

/**
 * Reads the holder of a lock; undefined when there is none. pid 0: the file is unreadable, as its writer was killed.
 */
async function readHolder(path: string): Promise<Holder | undefined> {
  for (let tries = 0; ; tries += 1) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (code(error) === 'ENOENT') return undefined
      throw error
    })
    if (text === undefined) return undefined
    const holder = parseHolder(text)
    if (holder) return holder
    // Its writer may have created the file, but not written it yet.
    if (tries === 10) return { pid: 0, started: '', scope: '', nonce: 'unreadable' }
    await pause(50)
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return code(error) === 'EPERM'
  }
}

async function isAlive(path: string, holder: Holder, me: Holder, patienceMs: number): Promise<boolean> {
  if (holder.pid === 0) return false
  if (holder.scope === me.scope) {
    if (!isRunning(holder.pid)) return false
    const started = await startOf(holder.pid)
    return started === '' || holder.started === '' || started === holder.started
  }
  // After a reboot, or in another container, the pid says nothing. Only a heartbeat does.
  const before = await stat(path).catch(() => undefined)
  await pause(patienceMs)
  const after = await stat(path).catch(() => undefined)
  return before !== undefined && after !== undefined && before.mtimeMs !== after.mtimeMs
}

async function create(path: string, me: Holder): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(JSON.stringify(me))
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if (code(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Takes the lock file, or returns its holder. Only one process may remove the file of a dead holder: between checking
 * and removing it, another process may have taken the lock over, and its lock would be removed. So a process first
 * takes, in the same way, a second lock that is named after the dead holder.
 */
async function acquire(path: string, me: Holder, patienceMs: number): Promise<Holder | undefined> {
  for (;;) {
    if (await create(path, me)) return undefined
    const holder = await readHolder(path)
    if (!holder) continue
    if (await isAlive(path, holder, me, patienceMs)) return holder
    const claim = `${path}.${holder.nonce}`
    if (await acquire(claim, me, patienceMs)) {
      await pause(20)
      continue
    }
    try {
      if ((await readHolder(path))?.nonce === holder.nonce) await unlink(path)
    } finally {
      await unlink(claim)
    }
  }
}

/**
 * Locks a data folder for this process. PGlite has no lock of its own, and a second process would silently lose rows.
 * The lock of a dead holder (its pid is free, or belongs to a process that started later) is taken over.
 * @throws FolderInUse when a living process holds the lock
 */
export async function lockFolder(folder: string, options: LockOptions = {}): Promise<FolderLock> {
  const { patienceMs = 20_000, heartbeatMs = 5_000 } = options
  const path = `${folder}/lock`
  const me: Holder = {
    pid: process.pid,
    started: await startOf(process.pid),
    scope: await scopeOfPids(),
    nonce: randomUUID(),
  }
  const holder = await acquire(path, me, patienceMs)
  if (holder) {
    throw new FolderInUse(
      `The data folder ${folder} is in use by process ${holder.pid}: stop it first, or set DATA_DIR.`,
    )
  }
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, heartbeatMs)
  heartbeat.unref()
  return {
    async release() {
      clearInterval(heartbeat)
      if ((await readHolder(path))?.nonce === me.nonce) await unlink(path)
    },
  }
}
