import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ZipFile } from 'yazl'
import { fromMemory, type Row } from '../exports/rows.ts'
import { xlsxOf } from '../exports/xlsx.ts'
import { readSheet } from './xlsx.ts'

const limits = { rows: 100, columns: 10, characters: 1000 }
const COLUMNS = [...'一二三四五六七八']

/** A zip of parts as another program would write it. */
async function zipOf(parts: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [path, content] of Object.entries(parts)) zip.addBuffer(Buffer.from(content), path)
  zip.end()
  return buffer(zip.outputStream)
}

const FRAME = {
  'xl/workbook.xml':
    '<?xml version="1.0"?><workbook xmlns:r="r"><sheets><sheet name="Rooms" sheetId="4" r:id="rId7"/><sheet name="Other" sheetId="1" r:id="rId1"/></sheets></workbook>',
  'xl/_rels/workbook.xml.rels':
    '<Relationships><Relationship Id="rId1" Target="worksheets/other.xml"/><Relationship Id="rId7" Target="/xl/worksheets/first.xml"/></Relationships>',
}
const sheetOf = (data: string) => `<worksheet><sheetData>${data}</sheetData></worksheet>`
const workbookOf = (data: string, parts: Readonly<Record<string, string>> = {}) =>
  zipOf({ ...FRAME, ...parts, 'xl/worksheets/first.xml': sheetOf(data) })

describe('Reading an uploaded sheet', () => {
  it('reads back our own workbooks with any texts', async () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((text) => text.toWellFormed()),
      fc.constantFrom('_x0041_', '<&>"\'', ' two  spaces ', '会议室\n201', '\u{1F3F8}'),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number || 0),
      fc.boolean(),
      fc.constant(null),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(cell, { minLength: 1, maxLength: 8 }), { maxLength: 10 }), async (rows) => {
        const table = { columns: COLUMNS, rows: fromMemory<Row>(rows) }
        const read = await readSheet(await buffer(xlsxOf(table, 'Asia/Shanghai')), limits)
        const expected = [COLUMNS, ...rows]
          .map((cells, index) => ({
            number: index + 1,
            cells: cells.slice(0, cells.findLastIndex((one) => one !== null) + 1),
          }))
          .filter(({ cells }) => cells.length > 0)
        expect(read).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  it('reads the first sheet, wherever its file is, and the cell formats of other programs', async () => {
    const strings =
      '<sst><si><t>shared</t></si><si><r><t>ri</t></r><r><rPr><b/></rPr><t>ch</t></r><rPh><t>pronounced</t></rPh></si></sst>'
    const data =
      '<row r="2"><c r="B2" t="s"><v>0</v></c><c r="D2" t="s"><v>1</v></c></row>' +
      '<row r="5"><c><v>12.5</v></c><c t="b"><v>1</v></c><c t="str"><f>A1</f><v>formula</v></c><c t="inlineStr"><is><t>a&amp;b&#65;</t></is></c></row>' +
      '<row r="9"><c r="A9" s="1"/></row>'
    expect(await readSheet(await workbookOf(data, { 'xl/sharedStrings.xml': strings }), limits)).toEqual([
      { number: 2, cells: [null, 'shared', null, 'rich'] },
      { number: 5, cells: [12.5, true, 'formula', 'a&bA'] },
    ])
  })

  it('reads elements with a prefix, and ignores columns beyond the last', async () => {
    const data = '<x:row><x:c r="A1"><x:v>1</x:v></x:c><x:c r="XFD1"><x:v>2</x:v></x:c></x:row>'
    expect(await readSheet(await workbookOf(data), limits)).toEqual([{ number: 1, cells: [1] }])
  })

  it('refuses more rows than the limit', async () => {
    const row = '<row><c><v>1</v></c></row>'
    expect(await readSheet(await workbookOf(row.repeat(100)), limits)).toHaveLength(100)
    await expect(readSheet(await workbookOf(row.repeat(101)), limits)).rejects.toMatchObject({
      code: 'sheet_too_large',
    })
  })

  it('refuses a text longer than the limit, and ignores it where no cell uses it', async () => {
    const strings = (length: number) => ({ 'xl/sharedStrings.xml': `<sst><si><t>${'x'.repeat(length)}</t></si></sst>` })
    const data = '<row><c t="s"><v>0</v></c></row>'
    expect(await readSheet(await workbookOf(data, strings(1000)), limits)).toHaveLength(1)
    for (const sheet of [
      workbookOf(data, strings(1001)),
      workbookOf(`<row><c t="str"><v>${'x'.repeat(1001)}</v></c></row>`),
    ]) {
      await expect(readSheet(await sheet, limits)).rejects.toMatchObject({ code: 'sheet_too_large' })
    }
    expect(await readSheet(await workbookOf('<row><c><v>1</v></c></row>', strings(1001)), limits)).toHaveLength(1)
  })

  it('stops unpacking a zip that becomes far larger than a sheet needs', async () => {
    const bomb = await zipOf({ ...FRAME, 'xl/worksheets/first.xml': Buffer.alloc(64 * 1024 * 1024, ' ') })
    expect(bomb.length).toBeLessThan(100_000)
    const before = process.memoryUsage().arrayBuffers
    await expect(readSheet(bomb, limits)).rejects.toMatchObject({ code: 'sheet_too_large' })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 1024 * 1024)
  })

  it('survives empty rows and columns that claim a million places, own entities and deep nesting', async () => {
    const far = '<row r="1048576"><c r="J1048576"><v>1</v></c></row>'
    expect(await readSheet(await workbookOf(far), limits)).toEqual([
      { number: 1_048_576, cells: [...Array.from({ length: 9 }, () => null), 1] },
    ])
    const laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    const zip = await zipOf({
      ...FRAME,
      'xl/worksheets/first.xml': `${laughs}${sheetOf('<row><c t="str"><v>&b;</v></c></row>')}`,
    })
    expect(await readSheet(zip, limits)).toEqual([{ number: 1, cells: ['&b;'] }])
    const many = Array.from({ length: 101 }, (_, number) => `a${number}="1"`).join(' ')
    await expect(readSheet(await workbookOf(`<row ${many}/>`), limits)).rejects.toMatchObject({ code: 'bad_workbook' })
    const deep = await workbookOf('<a>'.repeat(2_000_000))
    await expect(readSheet(deep, limits)).rejects.toMatchObject({ code: 'bad_workbook' })
  })

  it.each<[string, () => Promise<Buffer> | Buffer]>([
    ['a text', () => Buffer.from('楼房名称,楼层')],
    ['a zip of something else', () => zipOf({ 'readme.txt': 'hello' })],
    ['a workbook whose sheet is missing', () => zipOf(FRAME)],
    ['a zip cut short', async () => (await workbookOf('<row/>')).subarray(0, 300)],
    [
      'what is not UTF-8',
      () => zipOf({ ...FRAME, 'xl/worksheets/first.xml': Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0xfe]) }),
    ],
    ['a place that can’t be', () => workbookOf('<row><c r="12"><v>1</v></c></row>')],
  ])('refuses %s', async (_, make) => {
    await expect(readSheet(await make(), limits)).rejects.toMatchObject({ code: 'bad_workbook' })
  })

  it('throws only its own error for a damaged workbook', async () => {
    const good = await buffer(xlsxOf({ columns: ['a'], rows: Readable.from([['x'], [1], [true]]) }, 'Asia/Shanghai'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        async (hits) => {
          const damaged = Buffer.from(good)
          for (const [place, byte] of hits) damaged[place] = byte
          const outcome = await readSheet(damaged, limits).catch((error: unknown) => error)
          if (!Array.isArray(outcome))
            expect(outcome).toMatchObject({ code: expect.stringMatching(/^(bad_workbook|sheet_too_large)$/) })
        },
      ),
      { numRuns: 200 },
    )
  })
})
