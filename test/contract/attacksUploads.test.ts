import { buffer } from 'node:stream/consumers'
import sharp from 'sharp'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { ZipFile } from 'yazl'
import { COLUMNS } from '../../src/room/places/rooms/rules.ts'
import { building } from '../support/room.ts'
import { openWorld } from '../support/world.ts'
import { formOf } from './forms.ts'

const world = await openWorld()
const administrator = await world.person('admin')
await building(world, '信息楼')
afterAll(() => world.close())

/** Milliseconds that one upload may occupy the processor: all other requests wait meanwhile. */
const PATIENCE = 10_000
vi.setConfig({ testTimeout: 8 * PATIENCE })

async function upload(url: string, file: Buffer, disposition?: string) {
  const before = process.cpuUsage()
  const answer = await world.app.inject({
    method: 'POST',
    url,
    headers: {
      authorization: `Bearer ${administrator.token}`,
      'content-type': 'multipart/form-data; boundary=boundary',
    },
    payload: formOf(file, disposition),
  })
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000, 'milliseconds').toBeLessThan(PATIENCE)
  return { status: answer.statusCode, body: answer.json(), length: answer.body.length }
}

const importing = (file: Buffer) => upload('/manage/facility/room/import', file)
const picture = (file: Buffer) => upload('/api/v1/users/me/avatar', file)

/** A zip of these parts with maximal compression. */
async function zipOf(parts: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [path, content] of Object.entries(parts))
    zip.addBuffer(Buffer.from(content), path, { compressionLevel: 9 })
  zip.end()
  return await buffer(zip.outputStream)
}

const FRAME = {
  'xl/workbook.xml': '<workbook xmlns:r="r"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
  'xl/_rels/workbook.xml.rels': '<Relationships><Relationship Id="r1" Target="worksheets/a.xml"/></Relationships>',
}
const header = `<row>${COLUMNS.map((name) => `<c t="str"><v>${name}</v></c>`).join('')}</row>`
const workbook = (rows: string, more: Readonly<Record<string, string | Buffer>> = {}, before = '') =>
  zipOf({
    ...FRAME,
    ...more,
    'xl/worksheets/a.xml': `${before}<worksheet><sheetData>${header}${rows}</sheetData></worksheet>`,
  })

const shared = (...numbers: readonly number[]) =>
  `<row>${numbers.map((number) => `<c t="s"><v>${number}</v></c>`).join('')}</row>`

describe('A malicious workbook', () => {
  const MB = 1024 * 1024
  it.each<[string, () => Promise<Buffer>]>([
    ['a part of 100 MB', () => zipOf({ ...FRAME, 'xl/worksheets/a.xml': Buffer.alloc(100 * MB, ' ') })],
    ['texts of 100 MB', () => workbook('<row/>', { 'xl/sharedStrings.xml': Buffer.alloc(100 * MB, 'a') })],
    ['a zip in a zip', async () => zipOf({ 'xl/workbook.xml': await workbook('') })],
    ['700,000 rows', () => workbook('<row><c><v>1</v></c></row>'.repeat(700_000))],
    ['a million empty rows and a good one', () => workbook('<row/>'.repeat(1_000_000))],
    ['a million columns', () => workbook(`<row>${'<c><v>1</v></c>'.repeat(1_000_000)}</row>`)],
    [
      '500,000 attributes',
      () => workbook(`<row ${Array.from({ length: 500_000 }, (_, n) => `a${n}="1"`).join(' ')}/>`),
    ],
    [
      'four million empty texts',
      () => workbook('', { 'xl/sharedStrings.xml': `<sst>${'<si/>'.repeat(4_000_000)}</sst>` }),
    ],
    [
      'one text of 20 MB of blanks in every cell',
      () =>
        workbook(shared(0, 0, 0, 0, 0, 0, 0).repeat(5000), {
          'xl/sharedStrings.xml': `<sst><si><t>${' '.repeat(20 * MB)}</t></si></sst>`,
        }),
    ],
    [
      'opening hours of 10 MB in every line',
      () =>
        workbook(shared(0, 1, 1, 1, 2, 2, 3).repeat(5000), {
          'xl/sharedStrings.xml': `<sst><si><t>信息楼</t></si><si><t>1</t></si><si><t></t></si><si><t>${'；x'.repeat(2 * MB)}</t></si></sst>`,
        }),
    ],
    [
      'a billion laughs',
      () => {
        const entities = Array.from({ length: 30 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('')
        const laugh = '<row><c t="str"><v>&l30;</v></c></row>'
        return workbook(laugh, {}, `<!DOCTYPE x [<!ENTITY l0 "ha">${entities}]>`)
      },
    ],
    [
      'an entity that is a file',
      () =>
        workbook('<row><c t="str"><v>&f;</v></c></row>', {}, '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
    ],
    ['an external DTD', () => workbook('<row/>', {}, '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">')],
    [
      'a sheet outside the workbook',
      () =>
        zipOf({
          ...FRAME,
          'xl/_rels/workbook.xml.rels':
            '<Relationships><Relationship Id="r1" TargetMode="External" Target="../../../../etc/passwd"/></Relationships>',
        }),
    ],
    ['comments without end', () => workbook(`<!--${'<!--'.repeat(2 * MB)}`)],
    ['markup without end', () => workbook('<'.repeat(4 * MB))],
    ['an attribute without end', () => workbook(`<row r="${'&amp;'.repeat(3 * MB)}`)],
  ])('is refused in bounded time, and adds no room: %s', { timeout: 40_000 }, async (_what, make) => {
    const { status, body, length } = await importing(await make())
    expect({ status, code: body.code }).toEqual({ status: 200, code: 500 })
    expect(length).toBeLessThan(5000)
    expect(await world.rows('SELECT id FROM tb_facility_room')).toEqual([])
  })

  it('is refused if one of its paths leaves the folder', async () => {
    const bytes = await zipOf({ 'aaaaaaaaaaaaaaaa.xml': 'x', ...FRAME, 'xl/worksheets/a.xml': 'x' })
    const evil = Buffer.from(
      bytes.toString('latin1').replaceAll('aaaaaaaaaaaaaaaa.xml', '../../../../evil.xml'),
      'latin1',
    )
    expect((await importing(evil)).body.code).toBe(500)
  })

  it('would be noticed if it were accepted: a valid workbook is', async () => {
    const line = ['信息楼', '1', '101', '10', '', '启用', ''].map((cell) => `<c t="str"><v>${cell}</v></c>`).join('')
    expect((await importing(await workbook(`<row>${line}</row>`))).body).toMatchObject({
      code: 200,
      data: { added: 1 },
    })
    await world.rows('DELETE FROM tb_facility_room')
  })
})

describe('A malicious picture', () => {
  const png = () =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } })
      .png()
      .toBuffer()

  it('is refused if it is not a picture, claims too large a size, or is broken', {
    timeout: 30_000,
  }, async () => {
    const small = await png()
    const huge = Buffer.from(small)
    huge.writeUInt32BE(50_000, 16)
    huge.writeUInt32BE(50_000, 20)
    const refused: readonly Buffer[] = [
      huge,
      small.subarray(0, 40),
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
      Buffer.from('<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'),
      Buffer.from('GIF89a/*<svg/onload=alert(1)>*/=1;'),
      Buffer.from('%PDF-1.7'),
      Buffer.from('push graphic-context\nfill \'url(https://127.0.0.1/"|ls")\'\npop graphic-context'),
      Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(5_000_000, 0xff)]),
      Buffer.concat([Buffer.from('RIFF\u0000\u0000\u0000\u0000WEBPVP8X', 'latin1'), Buffer.alloc(1000, 0xff)]),
    ]
    for (const [index, file] of refused.entries()) {
      const { status, body } = await picture(file)
      expect([400, 413], `${index}: ${JSON.stringify(body)}`).toContain(status)
    }
  })

  it('that is also another format is stored only as its pixels, with a name and type that the server chooses', async () => {
    const page = '<html><script>alert(1)</script></html>PK\u0003\u0004'
    const polyglot = Buffer.concat([await png(), Buffer.from(page)])
    const path = '../../../../tmp/evil.html'
    const { status } = await upload('/api/v1/users/me/avatar', polyglot, `form-data; name="file"; filename="${path}"`)
    expect(status).toBe(200)
    const [file] = await world.rows<{ id: number; name: string }>('SELECT id, name FROM files ORDER BY id DESC LIMIT 1')
    expect(file?.name).toMatch(/^\d{14}_[0-9a-f-]{36}\.png$/)
    const kept = await world.app.inject(`/api/v1/files/${file?.id}`)
    expect(kept.headers['content-type']).toBe('image/png')
    expect(kept.headers['x-content-type-options']).toBe('nosniff')
    expect(kept.rawPayload.includes('alert')).toBe(false)
  })
})
