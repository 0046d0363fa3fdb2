import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onServer, openTestDatabase } from '../support/database.ts'

/** The folder of the project, in which tours run. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** The program as people start it, in its own process and with its own data. */
export interface RunningServer {
  readonly url: string
  readonly dataDir: string
  /** The set-up token that it prints at its first start. */
  readonly setupToken: string
  /** Ends it like Ctrl-C; returns the exit code. */
  stop(): Promise<number | null>
  /** Runs another command over the same data; returns its output. Call `stop` first: they allow only one process. */
  command(name: string): Promise<string>
  /** Stops it, and removes its data. */
  remove(): Promise<void>
}

const READY_MS = 60_000

/** Starts `node bin/yuyue.mjs start` on a free port, with a new database: embedded, or on the server of the tests. */
export async function startServer(settings: Readonly<Record<string, string>>): Promise<RunningServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'yuyue-tour-data-'))
  const database = onServer ? await openTestDatabase('empty') : undefined
  const env = {
    ...process.env,
    NODE_ENV: 'development',
    ...settings,
    DATA_DIR: dataDir,
    PORT: '0',
    ...(database?.url !== undefined && {
      DATABASE_URL: database.url,
      SECRET_KEY: 'a secret of the tours, a secret of the tours',
      FIELD_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
    }),
  }
  const start = (command: string) =>
    spawn(process.execPath, ['bin/yuyue.mjs', command], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const server = start('start')
  const ended = new Promise<number | null>((resolve) => server.on('close', resolve))
  const printed = await untilReady(server, ended)
  return {
    url: /ready: +(\S+)/.exec(printed)?.[1] ?? '',
    setupToken: /"token":"([^"]+)"/.exec(printed)?.[1] ?? '',
    dataDir,
    async stop() {
      server.kill('SIGINT')
      return await ended
    },
    async command(name) {
      const other = start(name)
      other.stderr.resume()
      let output = ''
      other.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
      await new Promise((resolve) => other.on('close', resolve))
      return output
    },
    async remove() {
      server.kill('SIGKILL')
      await ended
      await database?.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Waits for the set-up token, which is printed last; returns the output until then. */
async function untilReady(server: ReturnType<typeof spawn>, ended: Promise<unknown>): Promise<string> {
  let printed = ''
  const ready = new Promise<void>((resolve) => {
    const hear = (text: string) => {
      printed += text
      if (printed.includes('"token":"')) resolve()
    }
    server.stdout?.setEncoding('utf8').on('data', hear)
    server.stderr?.setEncoding('utf8').on('data', hear)
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, READY_MS)
  })
  await Promise.race([ready, ended, late])
  clearTimeout(timer)
  if (printed.includes('"token":"')) return printed
  server.kill('SIGKILL')
  throw new Error(`the server did not start:\n${printed}`)
}
