import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { fastify } from 'fastify'
import readExcel, { readSheet } from 'read-excel-file/node'
import { describe, expect, it } from 'vitest'
import { csvOf } from './csv.ts'
import { attachment, sendExport } from './exports.ts'
import { fromMemory, inBatches, type Row } from './rows.ts'
import { xlsxOf } from './xlsx.ts'

const zone = 'Asia/Shanghai'
const table = (columns: readonly string[], ...rows: Row[]) => ({ columns, rows: fromMemory(rows) })
const csv = (...rows: Row[]) => text(Readable.from(csvOf(table(['a', 'b'], ...rows), zone)))

describe('CSV', () => {
  it('starts with a byte order mark and the names, and ends every line with CR LF', async () => {
    expect(Buffer.from(await csv(['甲', 1])).toString('hex')).toMatch(/^efbbbf/)
    expect(await csv(['甲', 1], [null, true])).toBe('\uFEFFa,b\r\n甲,1\r\n,true\r\n')
  })

  it('quotes values where RFC 4180 requires it', async () => {
    expect(await csv(['a,b', 'say "hi"'], ['two\nlines', 'plain'])).toBe(
      '\uFEFFa,b\r\n"a,b","say ""hi"""\r\n"two\nlines",plain\r\n',
    )
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', '＝1'])(
    'makes a text of what looks like a formula: %j',
    async (cell) => {
      expect(await csv([cell, 0])).toContain(`'${cell}`)
    },
  )

  it('keeps negative numbers as numbers, and writes instants with their offset', async () => {
    expect(await csv([-3, new Date('2026-03-02T01:30:00Z')])).toContain('\r\n-3,2026-03-02T09:30:00+08:00\r\n')
  })
})

describe('XLSX', () => {
  const read = async (...rows: Row[]) => readSheet(await buffer(xlsxOf(table(['名称', 'n'], ...rows), zone)))

  it('keeps texts, numbers, booleans and local times when another program reads it', async () => {
    const hard = `=1+1 <&> "quoted" _x0041_ 预约 \u{1F3F8}`
    expect(await read([hard, -1.5], [true, new Date('2026-03-02T01:30:15Z')], ['last', null])).toEqual([
      ['名称', 'n'],
      [hard, -1.5],
      [true, new Date('2026-03-02T09:30:15Z')],
      ['last', null],
    ])
  })

  it('escapes characters that XML cannot hold', async () => {
    const [, row] = await read(['bell\u0007', 1])
    expect(['bell_x0007_', 'bell\u0007']).toContain(row?.[0])
  })

  it('continues in another sheet when one is full', async () => {
    const rows = Array.from({ length: 25 }, (_, n) => [n])
    const file = await buffer(xlsxOf(table(['n'], ...rows), zone, 11))
    const sheets = await readExcel(file)
    expect(sheets.map(({ data }) => data.length)).toEqual([11, 11, 6])
    expect(sheets.flatMap(({ data }) => data.slice(1)).flat()).toEqual(rows.flat())
  })
})

describe('reading in batches', () => {
  it('asks for the records after the last one until a batch is not full', async () => {
    const asked: unknown[] = []
    const numbers = inBatches<number>(async (after, limit) => {
      asked.push(after)
      return Array.from({ length: Math.min(limit, 7 - (after ?? 0)) }, (_, n) => (after ?? 0) + n + 1)
    }, 3)
    expect(await Array.fromAsync(numbers)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(asked).toEqual([undefined, 3, 6])
  })
})

describe('an export over HTTP', () => {
  it('has a name in any language, and one in ASCII', () => {
    expect(attachment('登录日志 (1).csv')).toBe(
      `attachment; filename="______1_.csv"; filename*=UTF-8''%E7%99%BB%E5%BD%95%E6%97%A5%E5%BF%97%20%281%29.csv`,
    )
  })

  it.each(['csv', 'xlsx', 'pdf'] as const)('ends the reading when the client goes away (%s)', async (format) => {
    const ended = Promise.withResolvers<number>()
    let count = 0
    async function* endless(): AsyncGenerator<Row> {
      try {
        for (;;) {
          count += 1
          yield [`${count} ${Math.random()}`.repeat(20)]
        }
      } finally {
        ended.resolve(count)
      }
    }
    const app = fastify()
    app.get('/', (_, reply) =>
      sendExport(reply, {
        name: 'x',
        format,
        zone,
        columns: ['a'],
        rows: endless(),
        at: new Date(),
        count: async () => 1,
      }),
    )
    const url = await app.listen({ port: 0 })
    const leaving = new AbortController()
    const answer = await fetch(url, { signal: leaving.signal })
    const reader = answer.body?.getReader()
    await reader?.read()
    leaving.abort()
    await reader?.closed.catch(() => {})
    expect(await ended.promise).toBeGreaterThan(1)
    await app.close()
  })

  it('answers an error when the first row cannot be read', async () => {
    const app = fastify()
    // biome-ignore lint/correctness/useYield: it throws before its first yield
    async function* broken(): AsyncGenerator<Row> {
      throw Object.assign(new Error('no'), { statusCode: 409 })
    }
    app.get('/', (_, reply) => sendExport(reply, { name: 'x', format: 'csv', zone, columns: ['a'], rows: broken() }))
    expect((await app.inject('/')).statusCode).toBe(409)
    await app.close()
  })
})
