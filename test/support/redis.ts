import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from './cluster.ts'
import { withDeathSignal } from './deathSignal.ts'

/** The reason why no Redis can be started; undefined if one can. */
export const noRedis = spawnSync('redis-server', ['--version']).error
  ? 'Redis is not installed on this machine'
  : undefined

/** A Redis server for one test, without persistence. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Resolves when it accepts connections. @throws Error when it does not start. */
  start(): Promise<void>
  /** Kills it. It may be started again at the same port. */
  stop(): Promise<void>
}

/** Finds a port for a Redis server, which does not run yet. */
export async function createRedis(): Promise<RedisServer> {
  const port = await freePort()
  let running: { readonly child: ChildProcess; readonly gone: Promise<unknown> } | undefined
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async start() {
      const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
      const [command, ...args] = withDeathSignal('SIGKILL', ['redis-server', ...options])
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
      running = { child, gone: once(child, 'exit') }
      await new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (bytes: Buffer) => String(bytes).includes('Ready to accept connections') && resolve())
        child.once('error', reject)
        child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: is it installed?`)))
      })
    },
    async stop() {
      running?.child.kill('SIGKILL')
      await running?.gone
      running = undefined
    },
  }
}
