import { sql } from 'kysely'
import { readSheet } from 'read-excel-file/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrmWorld, member, openCrm, tag } from '../../../../test/support/crm.ts'
import { memberColumns } from '../../core/members.ts'
import { insertMember } from '../../core/membersStore.ts'
import { tagMembers } from '../../core/taggingStore.ts'

let world: CrmWorld
let vip: number
let dinner: number
let segment: number
const ids: number[] = []

beforeAll(async () => {
  world = await openCrm()
  const { db } = world.database
  const now = world.clock.now()
  vip = await tag(world, { name: '貴賓' })
  dinner = await tag(world, { name: '=晚餐' })
  const click = await tag(world, { type: 'interaction', name: '點擊' })
  const first = await db.transaction().execute(async (tx) => {
    const { columns } = memberColumns(world.kernel, {
      first_name: '小 明',
      last_name: '王',
      gender: 'male',
      birthday: '1988-05-20',
      email: 'Wang@Example.com',
      phone: '0912-345-678',
      id_number: 'A123456789',
      notes: '=cmd()',
    })
    return await insertMember(tx, { ...columns, source: 'crm' }, now)
  })
  const more = await member(world, { lastName: '李', tags: [vip, dinner] })
  await db
    .transaction()
    .execute((tx) => tagMembers(tx, [more.id], [{ id: click, type: 'interaction' }], { source: 'click' }, now))
  const gone = await member(world, { lastName: '亡', tags: [vip] })
  ids.push(first, more.id)
  await sql`UPDATE members SET deleted_at = ${now} WHERE id = ${gone.id}`.execute(db)
  await sql`INSERT INTO consumption_records (member_id, order_number, amount, source, created_at)
    VALUES (${first}, 'a', 100.5, 'manual', ${now}), (${first}, 'b', 99.5, 'manual', ${now})`.execute(db)
  const condition = JSON.stringify({ kind: 'has', what: 'email' })
  const { rows } = await sql<{ id: number }>`INSERT INTO crm_segments (name, condition, created_at)
    VALUES ('有信箱', ${condition}::text::jsonb, ${now}) RETURNING id`.execute(db)
  segment = rows[0]?.id ?? 0
})
afterAll(() => world.close())

const ask = (query: string, as = world.service) => world.call('GET', `/api/v1/members/export?${query}`, { as })

/** The ids in the CSV file that filters give. */
async function idsOf(query: string): Promise<number[]> {
  const { status, text } = await ask(query)
  expect(status, text).toBe(200)
  return text
    .trim()
    .split('\r\n')
    .slice(1)
    .map((line) => Number(line.split(',')[0]))
}

test('a CSV file has headings, every member who is not deleted, masked id numbers and no formulas', async () => {
  const { status, headers, text } = await ask('')
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('text/csv; charset=utf-8')
  expect(headers['cache-control']).toBe('no-store')
  const [heading, first, second, ...rest] = text.trimEnd().split('\r\n')
  expect(heading).toBe(
    '\uFEFF會員編號,姓,名,LINE 顯示名稱,性別,生日,電子信箱,手機號碼,身分證/護照號碼,來源,接受優惠通知,標籤,互動標籤,備註,建立時間,最後互動時間,訂單數,消費總額',
  )
  expect(first).toBe(
    `${ids[0]},王,小 明,,男,1988-05-20,Wang@Example.com,0912-345-678,A1******89,CRM,是,,,'=cmd(),2026-03-02T08:00:00+08:00,,2,200`,
  )
  expect(second).toContain(',貴賓、=晚餐,點擊,')
  expect(rest).toEqual([])
})

test('an Excel workbook has the same rows', async () => {
  const { rawPayload } = await world.app.inject({
    url: '/api/v1/members/export?format=xlsx',
    headers: { authorization: `Bearer ${world.service.token}` },
  })
  const [heading, first, ...rest] = await readSheet(rawPayload)
  expect([heading?.[8], first?.[0], first?.[8], first?.[17], rest.length]).toEqual([
    '身分證/護照號碼',
    ids[0],
    'A1******89',
    200,
    1,
  ])
})

describe('the filters', () => {
  test.each([
    'search=王小明',
    'search=小明 王',
    'search=wang@example',
    'search=WANG@EXAMPLE.COM',
    'search=0912345678',
    'search=0912-345-678',
    'search=0912345',
    'search=%2B886912345678',
    'search=886912345678',
    'search=王',
  ])('%s finds the member', async (query) => {
    expect(await idsOf(query)).toEqual([ids[0]])
  })

  test('narrow together', async () => {
    expect(await idsOf('search=nobody')).toEqual([])
    expect(await idsOf('search=%25')).toEqual([])
    expect(await idsOf(`tags=${vip}`)).toEqual([ids[1]])
    expect(await idsOf(`tags=${vip},999999`)).toEqual([ids[1]])
    expect(await idsOf(`tags=999999`)).toEqual([])
    expect(await idsOf('source=crm')).toEqual([ids[0]])
    expect(await idsOf(`segment_id=${segment}`)).toEqual([ids[0]])
    expect(await idsOf(`segment_id=${segment}&source=line`)).toEqual([])
  })

  test('are refused when they are wrong', async () => {
    expect((await ask('segment_id=99999')).status).toBe(404)
    expect((await ask('tags=a')).status).toBe(422)
    expect((await ask('source=web')).status).toBe(422)
    expect((await ask('format=pdf')).status).toBe(422)
  })
})

test('an export is recorded with its number of rows', async () => {
  await ask('source=crm')
  await world.drain()
  const [entry] = await world.rows<{ changes: unknown; actor_id: number }>(
    "SELECT changes, actor_id FROM operation_log WHERE action = 'member.export' ORDER BY id DESC LIMIT 1",
  )
  expect(entry).toEqual({
    changes: { rows: [null, 1], filters: [null, { source: 'crm' }] },
    actor_id: world.service.id,
  })
})

test('only holders of the right may export, at once or by a job', async () => {
  expect((await ask('', world.marketing)).status).toBe(403)
  const payload = { what: 'crm_members', format: 'csv', filters: { source: 'crm' } }
  expect((await world.call('POST', '/api/v1/exports', { as: world.marketing, payload })).status).toBe(403)
  const asked = await world.call('POST', '/api/v1/exports', { as: world.service, payload })
  await world.drain()
  const done = await world.call('GET', `/api/v1/exports/${asked.body.id}`, { as: world.service })
  expect(done.body).toMatchObject({ state: 'done', rows: 1 })
})

test('a long list is read in batches, each member once', async () => {
  await sql`INSERT INTO members (source, first_name, created_at)
    SELECT 'system', 'n' || n, now() FROM generate_series(1, 2001) n`.execute(world.database.db)
  const found = await idsOf('source=system')
  expect([found.length, new Set(found).size]).toEqual([2001, 2001])
})
