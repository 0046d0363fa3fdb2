import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, inDays, patient } from '../../../../test/support/clinic.ts'
import { picture, upload } from '../../../../test/support/uploads.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import { harmlessName } from '../../core/attachments.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

const PDF = Buffer.from('%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n')
const send = (as: Person | undefined, bytes: Buffer, name?: string) =>
  upload(world, '/common/upload', as, bytes, name === undefined ? {} : { name })
const open = (as: Person | undefined, path: string) => world.call('GET', encodeURI(path), { ...(as && { as }) })

async function team() {
  const of = await department(world)
  return { member: await doctor(world, of.deptId), head: await doctor(world, of.deptId, { isHead: true }) }
}

describe('An upload', () => {
  it('is a picture or a PDF file by its content, whatever its name says', async () => {
    const { member } = await team()
    const image = (await send(member.person, await picture(40, 30), '../../病假条.pdf')).body
    expect(image).toEqual({
      code: 0,
      message: { url: expect.stringMatching(/^\/static\/audit\/\d+_病假条\.jpg$/), name: '病假条.jpg' },
    })
    const document = (await send(member.person, PDF, 'a.jpg')).body.message
    expect(document.name).toBe('a.pdf')
    const [shownImage, shownPdf] = [
      await open(member.person, image.message.url),
      await open(member.person, document.url),
    ]
    expect(shownImage.headers).toMatchObject({ 'content-type': 'image/jpeg', 'cache-control': 'private, no-store' })
    expect([shownPdf.headers['content-type'], shownPdf.text]).toEqual(['application/pdf', PDF.toString()])
  })

  it.each([
    ['a page', Buffer.from('<html><script>alert(1)</script></html>'), '不是可用的图片'],
    ['a PDF file without its end', PDF.subarray(0, 20), '不是可用的图片'],
    ['a program', Buffer.from('MZ\u0090\u0000'), '不是可用的图片'],
    ['a broken picture', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]), '图片'],
    ['nothing', Buffer.alloc(0), '请选择要上传的文件'],
    ['too much', Buffer.alloc(10 * 1024 * 1024 + 1, 'x'), '不能超过 10 MB'],
  ])('is refused if it is %s', async (_, bytes, msg) => {
    const { status, body } = await send(await patient(world), bytes)
    expect([status, body]).toEqual([200, { code: 99, message: { error: expect.any(String), msg: expect.any(String) } }])
    expect(body.message.msg).toContain(msg)
  })

  it('needs a log-in and a form', async () => {
    expect((await send(undefined, PDF)).status).toBe(401)
    const answer = await world.call('POST', '/common/upload', { as: await patient(world), payload: {} })
    expect(answer.body).toMatchObject({ code: 99 })
  })

  it('is opened by the uploader, and once attached by who decides about the leave', async () => {
    const [{ member, head }, admin] = [await team(), await hospitalAdmin(world)]
    const { url } = (await send(member.person, PDF, '证明.pdf')).body.message
    const raw = `/admin/audit/attachment/raw?path=${encodeURIComponent(url)}`
    const codeFor = async (as: Person | undefined) => (await open(as, url)).body.code
    expect((await world.call('GET', raw, { as: member.person })).text).toBe(PDF.toString())
    expect([await codeFor(admin), await codeFor(head.person)]).toEqual([106, 106])
    const leave = { date: inDays(world, 2), reason: '病假', attachments: [url] }
    const other = (await team()).member.person
    expect(await world.call('POST', '/doctor/leave/apply', { as: other, payload: leave })).toMatchObject({
      body: { code: 99, message: { msg: expect.stringContaining('附件不存在') } },
    })
    expect((await world.call('POST', '/doctor/leave/apply', { as: member.person, payload: leave })).body.code).toBe(0)
    for (const as of [admin, head.person, member.person]) expect((await open(as, url)).text).toBe(PDF.toString())
    expect([await codeFor(other), await codeFor(await patient(world))]).toEqual([102, 102])
    expect((await open(undefined, url)).status).toBe(401)
  })

  it('is deleted after an hour if it is attached to nothing, and kept otherwise', async () => {
    const { member } = await team()
    const [loose, kept] = [
      (await send(member.person, PDF)).body.message.url,
      (await send(member.person, PDF)).body.message.url,
    ]
    const leave = { date: inDays(world, 3), reason: '病假', attachments: [kept] }
    await world.call('POST', '/doctor/leave/apply', { as: member.person, payload: leave })
    world.clock.set(new Date(world.clock.now().getTime() + 3_600_001))
    await world.system.jobs.runNow('kernel.files')
    expect((await open(member.person, loose)).body).toMatchObject({ code: 102 })
    expect((await open(member.person, kept)).text).toBe(PDF.toString())
  })

  it('is refused to somebody with twenty unattached files', async () => {
    const person = await patient(world)
    for (let n = 0; n < 20; n += 1) await send(person, PDF)
    expect((await send(person, PDF)).body).toMatchObject({
      code: 99,
      message: { msg: expect.stringContaining('过多') },
    })
    expect((await send(await patient(world), PDF)).body).toMatchObject({ code: 0 })
  })

  it.each([
    ['C:\\Users\\我\\病假.条.JPG', '病假.条.jpg'],
    ['..', '附件.jpg'],
    ['../../etc/passwd', 'passwd.jpg'],
    ['a\u202egpj.exe', 'a_gpj.jpg'],
    ['a..b?c#d%2f.png', 'a.b_c_d_2f.jpg'],
    ['', '附件.jpg'],
    ['x'.repeat(500), `${'x'.repeat(100)}.jpg`],
  ])('of the name %j is shown as %j', (given, shown) => {
    expect(harmlessName(given, 'jpg')).toBe(shown)
  })
})

describe('An icon', () => {
  it('is one of this server’s own', async () => {
    const { status, headers, text } = await world.call('GET', '/common/icon?path=/static/icon/doctor.png')
    expect([status, headers['content-type']]).toEqual([200, 'image/svg+xml'])
    expect(headers['content-security-policy']).toContain('sandbox')
    expect(text).toMatch(/^<svg .*<\/svg>$/)
  })

  it('is a public picture by its path', async () => {
    const { areaId } = await department(world)
    const admin = await hospitalAdmin(world)
    const { image_url } = (await upload(world, `/admin/hospital-areas/${areaId}/photo`, admin, await picture(60, 40)))
      .body.message
    const { status, headers } = await world.call('GET', `/common/icon?path=${image_url}`)
    expect([status, headers['content-type']]).toEqual([200, 'image/jpeg'])
  })

  it.each([
    '/etc/passwd',
    '../../package.json',
    '/static/icon/../../secret.svg',
    '/static/icon/..%2f..%2fetc%2fpasswd',
    'static/icon/constructor.svg',
    '/static/image/doctor_1_999999',
    'doctor.svg.exe',
    'http://169.254.169.254/doctor.svg',
  ])('is not found at %j', async (path) => {
    const answer = await world.call('GET', `/common/icon?path=${encodeURIComponent(path)}`)
    expect([answer.status, answer.body.code]).toEqual([200, 106])
  })

  it('is no private upload', async () => {
    const person = await patient(world)
    const { url } = (await send(person, await picture(10, 10))).body.message
    const id = /\d+/.exec(url)?.[0]
    for (const path of [url, `/static/image/doctor_1_${id}`, `/static/image/area_1_${id}`]) {
      expect((await world.call('GET', `/common/icon?path=${encodeURIComponent(path)}`)).body.code).toBe(106)
    }
    expect((await world.call('GET', `/static/image/doctor_1_${id}`)).body.code).toBe(106)
  })
})
