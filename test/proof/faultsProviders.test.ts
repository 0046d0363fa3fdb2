import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { s3Storage } from '../../src/kernel/files/s3.ts'
import { newName } from '../../src/kernel/files/storage.ts'
import { callProvider } from '../../src/kernel/notifications/providers/http.ts'
import { openFakeS3 } from '../support/fakes/s3.ts'
import { startProxy } from '../support/proxy.ts'

const PATIENCE_MS = 1500
const name = newName(new Date(), 'jpg')

describe('A file store that does not answer', () => {
  test('is reported as unavailable in bounded time, and used again when it answers', async () => {
    const store = await openFakeS3()
    const proxy = await startProxy(Number(new URL(store.url).port))
    const { bucket, accessKeyId, secretAccessKey } = store
    const endpoint = `http://127.0.0.1:${proxy.port}`
    const place = { endpoint, bucket, region: 'us-east-1', accessKeyId, secretAccessKey, pathStyle: true, prefix: 'f/' }
    const files = s3Storage(place, PATIENCE_MS)
    await files.put(name, Buffer.from('picture'), 'image/jpeg')

    proxy.hold()
    const started = performance.now()
    const refused = { status: 503, code: 'files_unavailable', retryAfter: 30 }
    await expect(files.read(name)).rejects.toMatchObject(refused)
    await expect(files.put(name, Buffer.from('another'), 'image/jpeg')).rejects.toMatchObject(refused)
    await expect(files.remove(name)).rejects.toMatchObject(refused)
    expect(performance.now() - started).toBeLessThan(10 * PATIENCE_MS)

    await proxy.pass()
    // The requests held back may still arrive, including the removal.
    await expect.poll(() => store.objects.size).toBe(0)
    await files.put(name, Buffer.from('picture'), 'image/jpeg')
    expect(await (await files.read(name)).toArray()).toEqual([Buffer.from('picture')])
    await proxy.close()
    await store.close()
  })
})

describe('A message provider that does not answer', () => {
  let silent: Server
  let url: string

  beforeAll(async () => {
    silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
  })
  afterAll(() => silent.close())

  test('fails a query as temporary and a message as unheard, in bounded time', async () => {
    const started = performance.now()
    const call = (asks: boolean) => callProvider(url, { method: 'POST', asks }, PATIENCE_MS)
    await expect(call(true)).rejects.toMatchObject({ kind: 'temporary' })
    await expect(call(false)).rejects.toMatchObject({ kind: 'unheard' })
    expect(performance.now() - started).toBeLessThan(10 * PATIENCE_MS)
  })
})
