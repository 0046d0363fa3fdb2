import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { openCrm } from '../../../../test/support/crm.ts'
import { picture, upload } from '../../../../test/support/uploads.ts'
import { sweepFiles } from '../../../kernel/files/service.ts'

const world = await openCrm()
afterAll(() => world.close())
const as = world.marketing
const UPLOAD = '/api/v1/upload/image'
const send = (bytes: Buffer, query = '', person = as) => upload(world, `${UPLOAD}${query}`, person, bytes)
const show = (image: string) =>
  world.call('POST', '/api/v1/templates', {
    as,
    payload: { type: 'image_click', carousel_items: [{ image_url: image }] },
  })
const bytesOf = async (url: string, headers: Record<string, string> = {}) => {
  const { rawPayload, statusCode, headers: answered } = await world.app.inject({ method: 'GET', url, headers })
  return { status: statusCode, headers: answered, bytes: rawPayload }
}
const half = (await picture(300, 200)).subarray(0, 400)
const create = (channels: 3 | 4) =>
  sharp({ create: { width: 40, height: 20, channels, background: { r: 200, g: 0, b: 0, alpha: 0.5 } } })

describe('An uploaded picture', () => {
  it('is answered in the envelope, and served to everybody', async () => {
    const { status, body } = await send(await picture(300, 200))
    expect([status, body.code, body.message]).toEqual([200, 200, 'success'])
    const { filename, path, url } = body.data
    expect(filename).toMatch(/^\d{14}_[0-9a-f-]{36}\.jpg$/)
    expect([path, url]).toEqual([`images/templates/${filename}`, `/static/uploads/images/templates/${filename}`])
    const served = await bytesOf(url)
    expect(served.status).toBe(200)
    expect(served.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'x-content-type-options': 'nosniff',
      'cache-control': 'public, max-age=31536000, immutable',
      'cross-origin-resource-policy': 'cross-origin',
      'accept-ranges': 'bytes',
    })
    expect(await sharp(served.bytes).metadata()).toMatchObject({ format: 'jpeg', width: 300, height: 200 })
  })

  it('is encoded anew, at most 1,200 pixels, with a thumbnail of 800, and 1:1 if asked', async () => {
    const { url } = (await send(await picture(2400, 1000))).body.data
    expect(await sharp((await bytesOf(url)).bytes).metadata()).toMatchObject({ width: 1200, height: 500 })
    const thumbnail = await bytesOf(`${url}?thumbnail=true`)
    expect(await sharp(thumbnail.bytes).metadata()).toMatchObject({ width: 800 })
    expect(thumbnail.headers['content-length']).toBe(String(thumbnail.bytes.length))
    const square = (await send(await picture(600, 400), '?crop=square')).body.data.url
    expect(await sharp((await bytesOf(square)).bytes).metadata()).toMatchObject({ width: 400, height: 400 })
  })

  it('is JPEG or PNG, because LINE shows no WebP', async () => {
    const [opaque, clear] = [await create(3).webp().toBuffer(), await create(4).webp().toBuffer()]
    for (const [bytes, extension, type] of [
      [opaque, 'jpg', 'image/jpeg'],
      [clear, 'png', 'image/png'],
    ] as const) {
      const { url } = (await send(bytes)).body.data
      expect(url).toMatch(new RegExp(`\\.${extension}$`))
      expect((await bytesOf(url)).headers['content-type']).toBe(type)
    }
  })

  it('is sent in parts, and not again to who has it', async () => {
    const { url } = (await send(await picture(300, 200))).body.data
    const whole = await bytesOf(url)
    const part = await bytesOf(url, { range: 'bytes=2-5' })
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 2-5/${whole.bytes.length}`])
    expect(part.bytes).toEqual(whole.bytes.subarray(2, 6))
    expect((await bytesOf(url, { range: `bytes=${whole.bytes.length}-` })).status).toBe(416)
    const again = await bytesOf(url, { 'if-none-match': String(whole.headers.etag) })
    expect([again.status, again.bytes.length]).toEqual([304, 0])
  })

  it.each([
    ['text', Buffer.from('no picture'), 400, 'not_an_image'],
    ['a script in a picture’s name', Buffer.from('<svg onload="alert(1)"/>'), 400, 'not_an_image'],
    ['half a picture', half, 400, 'image_damaged'],
    ['nothing', Buffer.alloc(0), 400, 'file_missing'],
    ['more than 10 MB', Buffer.alloc(10 * 1024 * 1024 + 1, 0xff), 413, 'file_too_large'],
  ])('can’t be %s', async (_what, bytes, status, reason) => {
    const refused = await send(bytes)
    expect(refused).toMatchObject({ status, body: { code: status, reason } })
  })

  it('needs a known category and crop, a form, and the right to upload', async () => {
    const bytes = await picture(20, 20)
    expect((await send(bytes, '?category=../members')).body.errors).toMatchObject([{ field: 'category' }])
    expect((await send(bytes, '?crop=round')).body.errors).toMatchObject([{ field: 'crop' }])
    expect((await world.call('POST', UPLOAD, { as, payload: { a: 1 } })).status).toBe(415)
    expect((await send(bytes, '?category=members', world.service)).status).toBe(200)
    expect((await send(bytes, '', await world.person())).status).toBe(403)
    expect((await upload(world, UPLOAD, undefined, bytes)).status).toBe(401)
  })

  it('is found only under its own category, and no other file is', async () => {
    const { url, filename } = (await send(await picture(20, 20))).body.data
    expect((await world.call('GET', url.replace('/templates/', '/members/'))).status).toBe(404)
    for (const path of ['none.jpg', '..%2f..%2fetc%2fpasswd', '%2e%2e', `${filename}%00`, 'constructor'])
      expect((await world.call('GET', `/static/uploads/images/templates/${path}`)).status).toBeOneOf([404, 422])
    expect((await world.call('GET', `/static/uploads/images/constructor/${filename}`)).status).toBeOneOf([404, 422])
    await world.rows(`UPDATE files SET purpose = 'avatar' WHERE name = '${filename}'`)
    expect((await world.call('GET', url)).status).toBe(404)
    expect((await show(url)).body.errors).toMatchObject([{ field: 'carousel_items[0].image_url' }])
  })

  it('is deleted after an hour, unless a template showed it', async () => {
    const lost = (await send(await picture(20, 20))).body.data.url
    const kept = (await send(await picture(20, 20))).body.data.url
    const full = (await send(await picture(20, 20))).body.data.url
    const { body } = await show(kept)
    const byAddress = await show(`https://crm.example.com${full}`)
    expect(byAddress.body.data.carousel_items).toMatchObject([{ image_url: full }])
    const preview = await world.call('GET', `/api/v1/templates/${byAddress.body.data.id}/preview`, { as })
    expect(preview.body.data.messages[0].contents.hero.url).toBe(`https://crm.example.com${full}`)
    const later = new Date(world.clock.now().getTime() + 3_600_000 + 1000)
    const change = { type: 'text', content: 'a', carousel_items: null }
    await world.call('PUT', `/api/v1/templates/${body.data.id}`, { as, payload: change })
    world.clock.set(later)
    await sweepFiles(world.kernel)
    // Chats on phones still show a picture that the template has no more.
    expect(await Promise.all([lost, kept, full].map(async (url) => (await bytesOf(url)).status))).toEqual([
      404, 200, 200,
    ])
    expect((await show(lost)).body.errors).toEqual([
      { field: 'carousel_items[0].image_url', message: 'is no picture on this server' },
    ])
  })
})
