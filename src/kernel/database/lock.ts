import { randomUUID } from 'node:crypto'
import { open, readFile, readlink, stat, unlink, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

/** Another process has the data folder. The message is the line to show; nothing more needs to be printed. */
export class FolderInUse extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'FolderInUse'
  }
}

/** Who holds a lock. `started` tells two processes with one pid apart; `scope` says where the pid means something. */
interface Holder {
  readonly pid: number
  readonly started: string
  readonly scope: string
  readonly nonce: string
}

export interface FolderLock {
  /** Gives the folder free. Safe to call again. */
  release(): Promise<void>
}

export interface LockOptions {
  /** A holder of another scope (a container sharing the folder) is gone when it gave no sign of life for so long. */
  readonly patienceMs?: number
  /** How often the holder gives a sign of life. */
  readonly heartbeatMs?: number
}

const code = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

/** When a process started, in ticks since the machine did (proc(5), field 22), or '' where there is no /proc. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the program's name in parentheses, and may hold anything.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

/** Machine, boot and process namespace: only inside one of them are pids comparable. */
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

/** Who holds the lock; undefined when nobody does. A file without a readable holder (its writer was killed in between) has pid 0. */
async function readHolder(path: string): Promise<Holder | undefined> {
  for (let tries = 0; ; tries += 1) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (code(error) === 'ENOENT') return undefined
      throw error
    })
    if (text === undefined) return undefined
    const holder = parseHolder(text)
    if (holder) return holder
    // Its writer may be between creating and writing it.
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
  // A rebooted machine, or another container: the pid says nothing, a beating heart does.
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
 * Takes the lock file, or answers who holds it. Removing a dead holder's file has to be the act of one process: between "it is dead"
 * and "unlink" another may have taken it over, and we would remove a living lock. So whoever wants to remove a file takes
 * a lock named after that very holder first, in the same way.
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
 * Takes a data folder for this process: PGlite has no lock of its own, and a second process would silently lose rows.
 * A lock whose holder is gone (its pid is free, or belongs to a program that started later) is taken over.
 * Throws FolderInUse, with the line to show, when somebody holds it.
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
