import { buffer } from 'node:stream/consumers'
import { fastify } from 'fastify'
import { describe, expect, it } from 'vitest'
import { pdfTexts } from '../../../../test/support/pdf.ts'
import { sendExport, streamOf } from '../exports.ts'
import { fromMemory, type Row } from '../rows.ts'

const about = { name: '预约记录', format: 'pdf', zone: 'Asia/Shanghai', at: new Date('2026-03-14T01:30:00Z') } as const
const columns = ['编号', '姓名', '场馆']

async function pagesOf(rows: readonly Row[], names: readonly string[] = columns) {
  const table = { columns: names, rows: fromMemory(rows), count: async () => rows.length }
  return await pdfTexts(await buffer(await streamOf({ ...about, ...table })))
}

describe('PDF', () => {
  it('has searchable text in Chinese, with rare characters and other scripts', async () => {
    const [page] = await pagesOf([
      [1, '张喆堃', '羽毛球馆（东区）'],
      [-2.5, 'Ærøskøbing 繁體 Ωμέγα Привет', 'かな ㎡ ℃'],
      [null, true, new Date('2026-03-02T01:30:15Z')],
    ])
    const text = page?.join(' ')
    for (const each of ['张喆堃', '羽毛球馆（东区）', '-2.5', 'Ærøskøbing 繁體 Ωμέγα Привет', 'かな ㎡ ℃', '是']) {
      expect(text).toContain(each)
    }
    expect(text).toContain('2026-03-02 09:30:15')
  })

  it('has the title, the column names, the time and the page number on every page', async () => {
    const pages = await pagesOf(Array.from({ length: 90 }, (_, n) => [n, `人${n}`, '馆']))
    expect(pages.length).toBeGreaterThan(1)
    for (const [index, page] of pages.entries()) {
      expect(page).toEqual(expect.arrayContaining(['预约记录', ...columns, '2026-03-14 09:30']))
      expect(page.join('').replaceAll(' ', '')).toContain(`第${index + 1}页/共${pages.length}页`)
    }
    expect(pages.flat().filter((text) => /^人\d+$/.test(text))).toEqual(Array.from({ length: 90 }, (_, n) => `人${n}`))
  })

  it('is one page when there are no rows', async () => {
    const pages = await pagesOf([])
    expect(pages).toHaveLength(1)
    expect(pages[0]).toEqual(expect.arrayContaining(columns))
  })

  it('cuts nothing off: long cells are wrapped and continue on the next page', async () => {
    const long = Array.from({ length: 4000 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join('')
    const word = 'x'.repeat(300)
    const pages = await pagesOf([
      [1, '张伟', long],
      [2, word, 'b'.repeat(10)],
      [3, 'two\nlines', ''],
    ])
    const text = pages.flat().join('')
    const ideographs = [...text].filter(
      (character) => long.includes(character) && !'张伟编号姓名场馆预约记录第页共'.includes(character),
    )
    expect(ideographs.join('')).toBe(
      [...long].filter((character) => !'张伟编号姓名场馆预约记录第页共'.includes(character)).join(''),
    )
    expect(text.replaceAll(/[^x]/g, '')).toHaveLength(300)
    expect(pages.flat()).toEqual(expect.arrayContaining(['two', 'lines']))
    expect(pages.length).toBeGreaterThan(1)
  })

  it('breaks lines between words, and begins none with a full stop', async () => {
    const words = 'the quick brown fox jumps over the lazy dog '.repeat(20)
    const sentence = '今天下雨。'.repeat(60)
    const pages = await pagesOf([[1, words, sentence]])
    for (const line of pages.flat()) {
      if (/[a-z]{2}/.test(line))
        expect(
          line
            .trim()
            .split(' ')
            .every((word) => words.includes(` ${word} `) || word === 'the'),
        ).toBe(true)
      expect(line).not.toMatch(/^。/)
    }
  })

  it('accepts any text, and shows a box for characters that the font lacks', async () => {
    const [page] = await pagesOf([['🏸', '\ud800 \u0007\u200b한', '=1+1']])
    expect(page?.join(' ')).toContain('🏸')
    expect(page?.join(' ')).toContain('=1+1')
  })

  it('fits twenty columns on a page', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `column_name_${n}`)
    const [page] = await pagesOf([names.map((_, n) => `值${n}`)], names)
    expect(page).toEqual(expect.arrayContaining(['值0', '值19']))
    expect(page?.join('')).toContain('column_name_19')
  })
})

describe('A PDF over HTTP', () => {
  const answerFor = async (count: number) => {
    const app = fastify()
    app.get('/', (_, reply) =>
      sendExport(reply, { ...about, columns, rows: fromMemory([[1, '张伟', '馆']]), count: async () => count }),
    )
    const answer = await app.inject('/')
    await app.close()
    return answer
  }

  it('is an attachment', async () => {
    const { headers, rawPayload } = await answerFor(20_000)
    expect(headers['content-type']).toBe('application/pdf')
    expect(headers['content-disposition']).toContain("filename*=UTF-8''%E9%A2%84%E7%BA%A6%E8%AE%B0%E5%BD%95.pdf")
    expect((await pdfTexts(rawPayload)).flat()).toContain('张伟')
  })

  it('refuses more than 20,000 rows and names the other formats', async () => {
    const { statusCode, body } = await answerFor(50_001)
    expect([statusCode, JSON.parse(body).code]).toEqual([400, 'too_many_rows'])
    expect(body).toContain('csv or xlsx')
  })
})
