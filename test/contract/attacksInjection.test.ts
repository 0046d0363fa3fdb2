import { buffer } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { fromBufferPromise } from 'yauzl'
import { isSchema, type JsonSchema } from '../../src/kernel/http/request/strictSchema.ts'
import { openFilledWorld } from './filledWorld.ts'
import { examplesOf } from './mutations.ts'
import { expectDecent, type Operation, readDocument } from './operations.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
afterAll(() => world.close())

/** 1331 × 1009. It is in no payload, so an answer that contains it has executed the payload. */
const PRODUCT = '1342979'
/** Longest time of an answer in milliseconds; the payloads that sleep would sleep longer. */
const PATIENCE = 4000

const payloads = [
  "x' || (SELECT (1331*1009)::text) || '",
  "x'; SELECT pg_sleep(5); --",
  "x') UNION SELECT (1331*1009)::text --",
  '(SELECT 1331*1009)',
  '1331*1009',
  '{{ 1331 | times: 1009 }}',
  '{% assign x = 1331 | times: 1009 %}{{ x }}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is another language's
  '${1331*1009}',
  '#{1331*1009}',
  '<%= 1331*1009 %>',
  '%(1331*1009)s',
  "'; DROP TABLE users; --",
  '\\x27 OR 1=1',
  '$(sleep 5)',
  '`sleep 5`',
] as const

/** A body in which every text is replaced whose schema allows any text. */
function filledWith(value: unknown, schema: JsonSchema, payload: string): unknown {
  if (typeof value === 'string') {
    const isFree = !('enum' in schema || 'const' in schema || 'format' in schema)
    return isFree ? payload : value
  }
  if (Array.isArray(value)) {
    const { items } = schema
    return value.map((one) => filledWith(one, isSchema(items) ? items : {}, payload))
  }
  if (!isSchema(value)) return value
  const properties = isSchema(schema.properties) ? schema.properties : {}
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      const own = properties[name]
      return [name, isSchema(own) ? filledWith(one, own, payload) : one]
    }),
  )
}

async function send(operation: Operation, url: string, body?: unknown) {
  const start = performance.now()
  const answer = await world.app.inject({
    method: operation.method,
    url,
    headers: { authorization: `Bearer ${world.administrator.token}` },
    ...(body !== undefined && { payload: body as object }),
  })
  // A success may repeat the text that was sent; a refusal must not.
  if (answer.statusCode >= 400) expectDecent(answer, `${operation.name} ${url}`, operation)
  expect(performance.now() - start, `${operation.name} ${url}`).toBeLessThan(PATIENCE)
  return answer
}

const pathOf = ({ path }: Operation) => path.replaceAll(/\{\w+\}/g, '1')

/** Templates: texts that administrators write and the server fills in. */
const isTemplate = ({ path }: Operation) => /notification-templates|notification-types/.test(path)
const isTested = ({ path, isAlias }: Operation) => !isAlias && path !== '/dev/clock' && !path.endsWith('/logout')

async function everythingStored(): Promise<string> {
  const tables = await world.rows<{ name: string }>(
    "SELECT quote_ident(relname) AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
  )
  const parts = tables.map(({ name }) => `SELECT string_agg(t::text, ' ') AS text FROM ${name} t`)
  return (await world.rows<{ text: string | null }>(parts.join(' UNION ALL '))).map(({ text }) => text ?? '').join('\n')
}

describe('A text that is code in some language', () => {
  it('is treated as text in every body', { timeout: 60_000 }, async () => {
    const operations = api.operations.filter((one) => isTested(one) && !isTemplate(one) && one.body !== undefined)
    let taken = 0
    for (const [index, operation] of operations.entries()) {
      for (const example of examplesOf(operation.body ?? {})) {
        // Each operation gets three of them; over many operations all are tried.
        for (const at of [0, 5, 10]) {
          const payload = payloads[(index + at) % payloads.length] ?? ''
          const answer = await send(operation, pathOf(operation), filledWith(example, operation.body ?? {}, payload))
          expect(answer.body, operation.name).not.toContain(PRODUCT)
          if (answer.statusCode < 300) taken += 1
        }
      }
    }
    expect(taken).toBeGreaterThan(20)
    await world.drain()
    const stored = await everythingStored()
    expect(stored).not.toContain(PRODUCT)
    expect(stored).toContain('1331')
    expect(await world.verify()).toEqual([])
  })

  it('is treated as text in every parameter of every read, sort orders included', { timeout: 60_000 }, async () => {
    const reading = api.operations.filter((one) => isTested(one) && one.method === 'GET')
    let tried = 0
    for (const operation of reading) {
      const names = operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name)
      for (const [index, name] of names.entries()) {
        for (const at of [0, 1, 3, 8]) {
          const payload = encodeURIComponent(payloads[(index + at) % payloads.length] ?? '')
          const answer = await send(operation, `${pathOf(operation)}?${name}=${payload}`)
          expect(answer.body, `${operation.name} ${name}`).not.toContain(PRODUCT)
          tried += 1
        }
      }
    }
    expect(tried).toBeGreaterThan(300)
  })

  it('is treated as text by searches: %, _ and quotes are plain characters', async () => {
    const { administrator: as } = world
    for (const name of ['100% _x_', "O'Hara", 'back\\slash']) {
      await world.call('POST', '/api/v1/sport-venues', { as, payload: { name } })
    }
    const search = async (text: string) =>
      (await world.call('GET', `/api/admin/users?q=${encodeURIComponent(text)}`, { as })).body.total
    expect(await search('person')).toBeGreaterThan(5)
    for (const wild of ['%', '_', 'per%', 'p_rson', "' OR '1'='1"]) expect(await search(wild), wild).toBe(0)
  })
})

describe('A cell that looks like a formula', () => {
  const formulas = ['=HYPERLINK("http://evil.example","x")', '+1+1', '-1+1', '@SUM(A1)', "=cmd|' /C calc'!A0", '＝1+1']

  it('is text in every export, in every format', { timeout: 60_000 }, async () => {
    for (const [index, formula] of formulas.entries()) {
      await world.rows(`UPDATE users SET display_name = '${formula.replaceAll("'", "''")}' WHERE id = ${index + 1}`)
      await world.rows(
        `UPDATE tb_facility_booking SET purpose = '${formula.replaceAll("'", "''")}' WHERE id = ${index + 1}`,
      )
      await world.rows(
        `UPDATE tb_facility_room SET room_name = '${formula.replaceAll("'", "''")}' WHERE id = ${index + 1}`,
      )
    }
    const login = { username: '=1+1', password: 'x' }
    await world.call('POST', '/api/v1/users/login', { payload: login, headers: { 'user-agent': '=1+1' } })
    const exporting = api.operations.filter(({ path, isAlias }) => /\/export$/.test(path) && !isAlias)
    expect(exporting.length).toBeGreaterThan(5)
    let seen = 0
    for (const operation of exporting) {
      for (const format of ['csv', 'xlsx']) {
        const takesFormat = operation.parameters.some(({ name }) => name === 'format')
        const url = `${pathOf(operation)}${takesFormat ? `?format=${format}` : ''}`
        const answer = await send(operation, url)
        expect(answer.statusCode, operation.name).toBe(200)
        expect(answer.headers['cache-control']).toBe('no-store')
        const isCsv = String(answer.headers['content-type']).startsWith('text/csv')
        const cells = isCsv ? cellsOf(answer.body) : []
        expect(
          cells.filter((cell) => /^[=+\-@\t\r＝＋－＠]/.test(cell) && !/^-\d+(\.\d+)?$/.test(cell)),
          url,
        ).toEqual([])
        seen += cells.filter((cell) => /^'[=+@]/.test(cell)).length
        if (isCsv) continue
        for (const sheet of await sheetsOf(answer.rawPayload)) {
          expect(sheet, url).not.toMatch(/<f[ >]/)
          seen += sheet.split(/>=|>\+1|>@SUM/).length - 1
        }
      }
    }
    // The texts did reach the export.
    expect(seen).toBeGreaterThan(5)
  })
})

/** The cells of a CSV file, without their quotes. */
function cellsOf(text: string): string[] {
  return [...text.replace('\uFEFF', '').matchAll(/(?:^|,|\r\n)(?:"((?:[^"]|"")*)"|([^,\r]*))/g)].map(
    ([, quoted, plain]) => (quoted ?? plain ?? '').replaceAll('""', '"'),
  )
}

async function sheetsOf(workbook: Buffer): Promise<string[]> {
  const zip = await fromBufferPromise(workbook)
  const sheets: string[] = []
  for await (const entry of zip.eachEntry()) {
    if (!entry.fileName.includes('worksheets/')) continue
    sheets.push((await buffer(await zip.openReadStreamPromise(entry))).toString())
  }
  return sheets
}
