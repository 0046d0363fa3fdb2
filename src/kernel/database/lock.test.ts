import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FolderInUse, lockFolder } from './lock.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'yuyue-lock-'))
  path = join(folder, 'lock')
})
afterEach(() => rm(folder, { recursive: true }))

/** A lock file of this process, which tests change into another process's. */
async function ownHolder(): Promise<{ pid: number; started: string; scope: string; nonce: string }> {
  const lock = await lockFolder(folder)
  const holder = JSON.parse(await readFile(path, 'utf8'))
  await lock.release()
  return holder
}

/** The pid of a process that has ended. */
async function freePid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid ?? 0
}

describe('the lock on the data folder', () => {
  test('refuses a second holder with one line that names the folder and the process', async () => {
    const lock = await lockFolder(folder)
    const refusal = await lockFolder(folder).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(FolderInUse)
    expect(String(refusal)).toBe(
      `FolderInUse: The data folder ${folder} is in use by process ${process.pid}: stop it first, or set DATA_DIR.`,
    )
    await lock.release()
  })

  test('is free again after its release, and leaves no file behind', async () => {
    const first = await lockFolder(folder)
    await first.release()
    await first.release()
    expect(await readdir(folder)).toEqual([])
    await (await lockFolder(folder)).release()
  })

  test('is taken over when its holder has ended', async () => {
    await writeFile(path, JSON.stringify({ ...(await ownHolder()), pid: await freePid() }))
    await (await lockFolder(folder)).release()
  })

  test.runIf(process.platform === 'linux')('is taken over when another program has the pid now', async () => {
    await writeFile(path, JSON.stringify({ ...(await ownHolder()), started: '1' }))
    await (await lockFolder(folder)).release()
  })

  test('is taken over when its writer was killed before it had written', async () => {
    await writeFile(path, '')
    await (await lockFolder(folder)).release()
  })

  test('of another machine holds only while its heartbeat continues', async () => {
    const elsewhere = { ...(await ownHolder()), scope: 'another machine' }
    await writeFile(path, JSON.stringify(elsewhere))
    let alive = true
    const beat = async () => {
      for (; alive; await pause(20)) await utimes(path, new Date(), new Date())
    }
    const beating = beat()
    await expect(lockFolder(folder, { patienceMs: 1000 })).rejects.toThrow(FolderInUse)
    alive = false
    await beating
    await (await lockFolder(folder, { patienceMs: 200 })).release()
  })

  test('release does not remove the lock of a successor', async () => {
    const lock = await lockFolder(folder)
    const successor = JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), nonce: 'successor' })
    await writeFile(path, successor)
    await lock.release()
    expect(await readFile(path, 'utf8')).toBe(successor)
  })

  test('has one winner when many processes find a stale one together', async () => {
    await writeFile(path, JSON.stringify({ ...(await ownHolder()), pid: await freePid() }))
    const program = `
      import { lockFolder } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
      await lockFolder(process.argv[1]).then(
        () => { console.log('mine'); process.stdin.resume(); process.stdin.on('end', () => process.exit()) },
        (error) => console.log(error.name),
      )`
    const racers = Array.from({ length: 6 }, () =>
      spawn(process.execPath, ['--input-type=module-typescript', '-e', program, folder], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    )
    const answers = await Promise.all(racers.map(async (racer) => String((await once(racer.stdout, 'data'))[0]).trim()))
    for (const racer of racers) racer.stdin.end()
    expect(answers.sort()).toEqual([...Array(5).fill('FolderInUse'), 'mine'])
  })
})
