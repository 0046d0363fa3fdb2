import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeS3, openFakeS3 } from '../../../test/support/fakes/s3.ts'
import { addVenue } from '../../../test/support/venue.ts'
import { openWorld, type Person, type World } from '../../../test/support/world.ts'
import { parseRange } from './range.ts'

const red = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#cc2222' } })
    .jpeg()
    .toBuffer()

/** Sends a form with one file, or with the given parts. */
async function upload(world: World, path: string, as: Person, bytes: Buffer, filename = '../../etc/me.php') {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(bytes)]), filename)
  const encoded = new Response(form)
  return await world.call('POST', path, {
    as,
    headers: { 'content-type': encoded.headers.get('content-type') ?? '' },
    payload: Buffer.from(await encoded.arrayBuffer()),
  })
}

/** The answer to a GET, its bytes untouched. */
async function read(world: World, url: string, headers: Record<string, string> = {}) {
  const { statusCode: status, headers: answered, rawPayload } = await world.app.inject({ method: 'GET', url, headers })
  return { status, headers: answered, bytes: rawPayload }
}

const SWEEP = 'kernel.files'
let s3: FakeS3

describe.each(['a folder', 'an S3-compatible store'])('Pictures in %s', (place) => {
  let world: World
  let stored: () => Promise<readonly string[]>

  beforeAll(async () => {
    s3 = await openFakeS3()
    const store = {
      S3_ENDPOINT: s3.url,
      S3_BUCKET: s3.bucket,
      S3_ACCESS_KEY_ID: s3.accessKeyId,
      S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    }
    world = await openWorld(place === 'a folder' ? {} : store)
    stored = async () => {
      if (place !== 'a folder') return [...s3.objects.keys()].map((key) => key.replace('files/', ''))
      const found = await readdir(join(world.config.dataDir, 'files'), { recursive: true }).catch(() => [])
      return found.filter((name) => name.includes('.')).map((name) => name.replace(/^\d+\//, ''))
    }
  })
  afterAll(async () => {
    await world.close()
    await s3.close()
  })

  it('become a person’s avatar: square, under a generated name, readable by everybody', async () => {
    const as = await world.person()
    const answer = await upload(world, '/api/v1/users/me/avatar', as, await red(600, 400))
    expect(answer.status).toBe(200)
    const url: string = answer.body.avatar_url
    expect(url).toMatch(/^\/api\/v1\/files\/\d+$/)
    const { status, headers, bytes } = await read(world, url)
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'image/jpeg',
      'x-content-type-options': 'nosniff',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-length': String(bytes.length),
    })
    expect(headers['content-disposition']).toMatch(/^inline; filename="20260302000000_[0-9a-f-]{36}\.jpg"$/)
    const { width, height } = await sharp(bytes).metadata()
    expect([width, height]).toEqual([400, 400])
    expect((await world.call('GET', '/api/v1/users/me', { as })).body.avatar_url).toBe(url)
    for (const name of await stored()) expect(name).toMatch(/^\d{14}_[0-9a-f-]{36}(_t)?\.jpg$/)
  })

  it('are deleted an hour after they are replaced or removed', async () => {
    const as = await world.person()
    const first: string = (await upload(world, '/api/v1/users/me/avatar', as, await red(50, 50))).body.avatar_url
    const second: string = (await upload(world, '/api/v1/users/me/avatar', as, await red(60, 60))).body.avatar_url
    expect((await read(world, first)).status).toBe(404)
    expect((await read(world, second)).status).toBe(200)
    const before = (await stored()).length
    await world.system.jobs.runNow(SWEEP)
    expect(await stored()).toHaveLength(before)
    world.clock.advance(61)
    await world.system.jobs.runNow(SWEEP)
    expect(await stored()).toHaveLength(before - 2)
    expect((await read(world, second)).status).toBe(200)

    expect((await world.call('DELETE', '/api/v1/users/me/avatar', { as })).status).toBe(204)
    expect((await world.call('GET', '/api/v1/users/me', { as })).body.avatar_url).toBeNull()
    world.clock.advance(61)
    await world.system.jobs.runNow(SWEEP)
    expect(await stored()).toHaveLength(before - 4)
    expect(await world.rows('SELECT id FROM files WHERE NOT in_use')).toEqual([])
  })

  it('of venues are set with the permission to change venues, and are deleted with another image_url', async () => {
    const admin = await world.person('venue:admin')
    const venueId = await addVenue(world)
    const path = `/api/v1/venues/${venueId}/image`
    const answer = await upload(world, path, admin, await red(1600, 800))
    expect(answer.status).toBe(200)
    const url: string = answer.body.image_url
    const { width, height } = await sharp((await read(world, url)).bytes).metadata()
    expect([width, height]).toEqual([1200, 600])
    expect((await sharp((await read(world, `${url}?thumbnail`)).bytes).metadata()).width).toBe(800)
    expect((await upload(world, path, await world.person(), await red(9, 9))).status).toBe(403)
    expect((await upload(world, '/api/v1/venues/99999/image', admin, await red(9, 9))).status).toBe(404)
    const other = { as: admin, payload: { image_url: 'https://example.com/a.png' } }
    expect((await world.call('PUT', `/api/v1/venues/${venueId}`, other)).status).toBe(200)
    expect((await read(world, url)).status).toBe(404)

    const hall = await world.call('POST', '/api/v1/sport-venues', { as: admin, payload: { name: `Hall ${place}` } })
    const shown = await upload(world, `/api/v1/sport-venues/${hall.body.id}/image`, admin, await red(30, 30))
    expect((await read(world, shown.body.image_url)).status).toBe(200)
    await world.call('DELETE', `/api/v1/sport-venues/${hall.body.id}`, { as: admin })
    expect((await read(world, shown.body.image_url)).status).toBe(404)
  })

  it('of other owners are not deleted by setting image_url to them and away again', async () => {
    const admin = await world.person('venue:admin')
    const url: string = (await upload(world, '/api/v1/users/me/avatar', await world.person(), await red(20, 20))).body
      .avatar_url
    const venueId = await addVenue(world)
    for (const image_url of [url, null]) {
      await world.call('PUT', `/api/v1/venues/${venueId}`, { as: admin, payload: { image_url } })
    }
    expect((await read(world, url)).status).toBe(200)
  })

  it('are sent in ranges, and not at all when the client has them', async () => {
    const as = await world.person()
    const url: string = (await upload(world, '/api/v1/users/me/avatar', as, await red(300, 300))).body.avatar_url
    const { bytes, headers } = await read(world, url)
    const tag = String(headers.etag)
    const part = await read(world, url, { range: 'bytes=10-19' })
    expect([part.status, part.headers['content-range'], part.bytes]).toEqual([
      206,
      `bytes 10-19/${bytes.length}`,
      bytes.subarray(10, 20),
    ])
    expect((await read(world, url, { range: 'bytes=-5' })).bytes).toEqual(bytes.subarray(-5))
    const beyond = await read(world, url, { range: `bytes=${bytes.length}-` })
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${bytes.length}`])
    expect((await read(world, url, { range: 'bytes=0-1', 'if-range': '"another"' })).status).toBe(200)
    const known = await read(world, url, { 'if-none-match': tag })
    expect([known.status, known.bytes.length, known.headers.etag]).toEqual([304, 0, tag])
    const head = await world.app.inject({ method: 'HEAD', url })
    expect([head.statusCode, head.headers['content-length'], head.rawPayload.length]).toEqual([
      200,
      String(bytes.length),
      0,
    ])
  })

  it('are resized for phones to a few widths, never enlarged', async () => {
    const admin = await world.person('venue:admin')
    const venueId = await addVenue(world)
    const url: string = (await upload(world, `/api/v1/venues/${venueId}/image`, admin, await red(1000, 500))).body
      .image_url
    const widthAt = async (wished: number) =>
      (await sharp((await read(world, `${url}?image_width=${wished}`)).bytes).metadata()).width
    expect(await Promise.all([100, 160, 161, 640, 900, 5000].map(widthAt))).toEqual([160, 160, 320, 640, 1000, 1000])
    const small = await read(world, `${url}?image_width=160`)
    const whole = await read(world, url)
    expect(small.headers.etag).not.toBe(whole.headers.etag)
    expect((await read(world, `${url}?image_width=0`)).status).toBe(400)
  })
})

describe('An upload', () => {
  let world: World
  let as: Person
  beforeAll(async () => {
    world = await openWorld()
    as = await world.person()
  })
  afterAll(() => world.close())
  const path = '/api/v1/users/me/avatar'

  it('that is not a picture is refused with the reason', async () => {
    const html = await upload(world, path, as, Buffer.from('<script>alert(1)</script>'), 'me.jpg')
    expect([html.status, html.body.code]).toEqual([400, 'not_an_image'])
    const jpeg = await red(300, 300)
    const half = await upload(world, path, as, jpeg.subarray(0, jpeg.length / 2))
    expect([half.status, half.body.code]).toEqual([400, 'image_damaged'])
    const empty = await upload(world, path, as, Buffer.alloc(0))
    expect([empty.status, empty.body.code]).toEqual([400, 'file_missing'])
  })

  it('beyond 10 MB is refused', async () => {
    const { status, body } = await upload(world, path, as, Buffer.alloc(10 * 1024 * 1024 + 1, 0xff))
    expect([status, body.code]).toEqual([413, 'file_too_large'])
  })

  it('must be a complete form with a file in it', async () => {
    const send = (type: string, payload: string) =>
      world.call('POST', path, { as, headers: { 'content-type': type }, payload })
    const codes = [
      await send('application/json', '{}'),
      await send('multipart/form-data', 'x'),
      await send(
        'multipart/form-data; boundary=b',
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
      ),
      await send(
        'multipart/form-data; boundary=b',
        '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nabc\r\n--b--\r\n',
      ),
      await send('multipart/form-data; boundary=b', ''),
      await send('image/jpeg', 'abc'),
    ].map(({ status, body }) => `${status} ${body.code}`)
    expect(codes).toEqual([
      '415 unsupported_media_type',
      '400 bad_upload',
      '400 bad_upload',
      '400 file_missing',
      expect.stringMatching(/^400 (file_missing|bad_upload)$/),
      '415 unsupported_media_type',
    ])
  })

  it('requires a log-in, and is accepted on no other route', async () => {
    const nobody = { id: 0, token: 'none' }
    expect((await upload(world, path, nobody, await red(9, 9))).status).toBe(401)
    expect((await upload(world, '/api/v1/users/login', as, await red(9, 9))).status).toBe(415)
  })

  it('that fails leaves nothing behind', async () => {
    await world.database.db
      .insertInto('files')
      .values({
        purpose: 'avatar',
        subject: 'user:1',
        access: 'public',
        name: '20260302000000_00000000-0000-4000-8000-000000000000.jpg',
        content_type: 'image/jpeg',
        bytes: 1,
        sha256: '',
        touched_at: world.clock.now(),
        created_at: world.clock.now(),
      })
      .execute()
    world.clock.advance(61)
    await world.system.jobs.runNow(SWEEP)
    expect(await world.rows('SELECT id FROM files')).toEqual([])
  })

  it('is refused for a path without an id', async () => {
    for (const id of ['..%2f..%2fsecrets.json', '0', '-1', '9007199254740993', 'a']) {
      expect((await read(world, `/api/v1/files/${id}`)).status).toBe(400)
    }
    expect((await read(world, '/api/v1/files/4242')).status).toBe(404)
  })
})

describe('A Range header', () => {
  it('names one range of bytes; anything else selects the whole file', () => {
    expect(parseRange('bytes=0-0', 10)).toEqual({ start: 0, end: 0 })
    expect(parseRange('bytes=5-', 10)).toEqual({ start: 5, end: 9 })
    expect(parseRange('bytes=5-99', 10)).toEqual({ start: 5, end: 9 })
    expect(parseRange('bytes=-99', 10)).toEqual({ start: 0, end: 9 })
    for (const whole of [undefined, '', 'bytes=-', 'bytes=1-2,4-5', 'lines=1-2', 'bytes=5-4', 'bytes=a-b']) {
      expect(parseRange(whole, 10)).toBeUndefined()
    }
    for (const none of ['bytes=10-', 'bytes=-0']) expect(parseRange(none, 10)).toBe('unsatisfiable')
  })
})
