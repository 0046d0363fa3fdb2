import { afterAll, beforeAll, expect, test } from 'vitest'
import type { App } from '../../src/kernel/http/app.ts'
import { connectRedis, type SharedCounts } from '../../src/kernel/http/request/limits.ts'
import { route } from '../../src/kernel/http/route.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { createRedis, noRedis, type RedisServer } from '../support/redis.ts'
import { createSampleServer } from '../support/sampleServer.ts'

const LIMIT = 3
/** Time limit for an answer of Redis; in production it is a quarter of a second. */
const PATIENCE_MS = 1500
let redis: RedisServer
let proxy: TcpProxy
const opened: { readonly app: App; readonly counts: SharedCounts }[] = []

beforeAll(async () => {
  redis = await createRedis()
  proxy = await startProxy(redis.port)
})

afterAll(async () => {
  for (const { counts, app } of opened) {
    counts.close()
    await app.close()
  }
  await proxy.close()
  await redis.stop()
})

/** Opens a server that shares its counts with others. */
async function openServer() {
  const said: string[] = []
  const say = (...line: unknown[]) => void said.push(String(line.at(-1)))
  const counts = connectRedis(`redis://127.0.0.1:${proxy.port}`, { info: say, warn: say }, PATIENCE_MS)
  const { app } = await createSampleServer({
    sharedCounts: counts,
    rateLimits: { general: 1, anonymous: LIMIT, login: 1, loginAddress: 1, register: 1, message: 1 },
  })
  route(app, {
    method: 'GET',
    permission: 'public',
    tag: 'test',
    summary: 's',
    paths: ['/things'],
    schema: {},
    handler: () => 'ok',
  })
  await app.ready()
  opened.push({ app, counts })
  return {
    said,
    counts,
    async statuses(address: string, times: number) {
      const statuses: number[] = []
      for (let n = 0; n < times; n += 1) {
        const { statusCode } = await app.inject({ url: '/things', remoteAddress: address })
        statuses.push(statusCode)
      }
      return statuses
    },
  }
}

const ALONE = [200, 200, 200, 429]
const AWAY = 'Redis cannot be reached: each process counts calls for itself'
const SHARED = 'rate limits are shared through Redis'

test('While Redis is away each process counts for itself without waiting; with Redis they share counts, and each change is logged once', async ({
  skip,
}) => {
  if (noRedis !== undefined) return skip(noRedis)
  // The servers start while Redis is away.
  const [one, two] = [await openServer(), await openServer()]
  await expect.poll(() => one.said).toEqual([AWAY])
  expect(await one.statuses('10.0.0.1', 4)).toEqual(ALONE)
  expect(await two.statuses('10.0.0.1', 4)).toEqual(ALONE)

  await redis.start()
  const together = () => expect.poll(() => [one.counts.there, two.counts.there]).toEqual([true, true])
  await together()
  expect(await one.statuses('10.0.0.2', 2)).toEqual([200, 200])
  expect(await two.statuses('10.0.0.2', 2)).toEqual([200, 429])

  // Redis is killed.
  await redis.stop()
  for (const address of ['10.0.0.3', '10.0.0.4']) expect(await one.statuses(address, 4)).toEqual(ALONE)
  await redis.start()
  await together()
  expect(await one.statuses('10.0.0.5', 2)).toEqual([200, 200])
  expect(await two.statuses('10.0.0.5', 2)).toEqual([200, 429])

  // Redis accepts connections but does not answer: the first request detects this.
  proxy.hold()
  const held = performance.now()
  expect(await one.statuses('10.0.0.6', 1)).toEqual([200])
  for (let n = 0; n < 50; n += 1) expect(await one.statuses(`10.0.1.${n}`, 4)).toEqual(ALONE)
  // If each request waited, this would take five minutes.
  expect(performance.now() - held).toBeLessThan(10_000)
  await proxy.pass()
  await expect.poll(() => one.counts.there).toBe(true)

  expect(one.said).toEqual([AWAY, SHARED, AWAY, SHARED, AWAY, SHARED])
}, 90_000)
