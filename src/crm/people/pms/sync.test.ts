import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type CrmWorld, member, openCrm } from '../../../../test/support/crm.ts'
import { onServer } from '../../../../test/support/database.ts'
import { idNumberIndex, memberColumns } from '../../core/members.ts'
import { insertMember } from '../../core/membersStore.ts'
import { type PmsServer, startPmsServer } from '../../demo/pms.ts'

let world: CrmWorld
let pms: PmsServer

beforeAll(async () => {
  pms = await startPmsServer()
  world = await openCrm({ PMS_API_URL: pms.url, PMS_API_KEY: pms.key })
})
afterEach(async () => {
  pms.fault = () => undefined
  pms.most = 1000
})
afterAll(async () => {
  try {
    expect(await world.verify()).toEqual([])
  } finally {
    await world.close()
    await pms.close()
  }
})

const post = async (path: string, payload: unknown, as = world.admin) => await world.call('POST', path, { as, payload })
const get = async (path: string, as = world.admin) => await world.call('GET', path, { as })

async function start(type: string, force = false): Promise<string> {
  const { status, body } = await post('/api/v1/pms/sync', { sync_type: type, force })
  expect(status).toBe(200)
  return body.data.task_id
}

async function statusOf(task: string) {
  return (await get(`/api/v1/pms/sync-status/${task}`)).body.data
}

async function linesOf(task: string, page = 1): Promise<string[]> {
  const { body } = await get(`/api/v1/pms/syncs/${task}/log?page=${page}`)
  return body.data.items.map(({ level, text }: { level: string; text: string }) => `${level}: ${text}`)
}

async function sync(type: 'members' | 'consumption_records', force = false) {
  const task = await start(type, force)
  await world.drain()
  return { task, ...(await statusOf(task)) }
}

/** A member as people enter one. */
async function person(fields: Record<string, string>): Promise<number> {
  const { columns } = memberColumns(world.kernel, fields)
  return await world.kernel.transaction((tx) => insertMember(tx, { ...columns, source: 'crm' }, world.clock.now()))
}

async function rowOf(id: number) {
  const [row] = await world.rows<Record<string, unknown>>(`SELECT * FROM members WHERE id = ${id}`)
  return row ?? {}
}

const ordersOf = (id: number) =>
  world.rows<{ order_number: string; amount: string; room_type: string | null; nights: number | null }>(
    `SELECT order_number, amount::text, room_type, nights FROM consumption_records WHERE member_id = ${id} ORDER BY id`,
  )

const reviewsBy = async (filter = '') => (await get(`/api/v1/pms/reviews?page_size=100${filter}`)).body.data

describe('A synchronisation of members', () => {
  it('answers at once with a task, and says later what became of it', async () => {
    const { status, body } = await post('/api/v1/pms/sync', { sync_type: 'members', force: false })
    expect([status, body.message, body.data.status]).toEqual([200, 'Sync task created', 'pending'])
    expect(await statusOf(body.data.task_id)).toMatchObject({
      status: 'pending',
      synced_count: 0,
      failed_count: 0,
      started_at: null,
      completed_at: null,
    })
    await world.drain()
    expect(await statusOf(body.data.task_id)).toMatchObject({
      task_id: body.data.task_id,
      status: 'completed',
      started_at: '2026-03-02T00:00:00.000Z',
      completed_at: '2026-03-02T00:00:00.000Z',
      error: null,
    })
  })

  it('is refused while one of its type is not finished, naming its task; the other type may run', async () => {
    const task = await start('members')
    const { status, body } = await post('/api/v1/pms/sync', { sync_type: 'members' })
    expect(status).toBe(409)
    expect(body.errors).toEqual([{ field: 'sync_type', message: expect.stringContaining(task) }])
    await start('consumption_records')
    await world.drain()
    await sync('members')
  })

  it('fills only empty fields of the member with the id number, and keeps the others', async () => {
    const id = await person({ id_number: 'A123456789', last_name: '王', email: 'own@hotel.example' })
    pms.members.push({
      id: 7001,
      id_number: ' ａ123456789 ',
      last_name: '王',
      first_name: '小明',
      gender: '男',
      birthday: '1988-05-20',
      email: 'pms@hotel.example',
      phone: '0911-000-001',
    })
    expect(await sync('members')).toMatchObject({ status: 'completed', synced_count: 1, failed_count: 0 })
    expect(await rowOf(id)).toMatchObject({
      first_name: '小明',
      last_name: '王',
      gender: 'male',
      birthday: '1988-05-20',
      email: 'own@hotel.example',
      phone: '0911-000-001',
      phone_e164: '+886911000001',
      source: 'crm',
      search: expect.stringContaining('王小明'),
    })
  })

  it('finds a member by phone number in any notation, then by e-mail address in any case', async () => {
    const phone = await person({ phone: '0911 000 002', first_name: '甲' })
    const mail = await person({ email: 'Mixed@Hotel.example', first_name: '乙' })
    pms.members.push({ id: 7002, phone: '+886-911-000-002', id_number: 'B100000002' })
    pms.members.push({ id: 7003, email: 'mIXED@hotel.EXAMPLE', phone: '0911000003' })
    expect(await sync('members')).toMatchObject({ synced_count: 2, failed_count: 0 })
    expect(await rowOf(phone)).toMatchObject({ id_number_masked: 'B1******02', phone: '0911 000 002' })
    expect((await rowOf(phone)).id_number_index).toBe(idNumberIndex(world.kernel, 'b100000002'))
    expect(await rowOf(mail)).toMatchObject({ email: 'Mixed@Hotel.example', phone_e164: '+886911000003' })
  })

  it('knows a guest again by their number, whatever else changed', async () => {
    const [known] = await world.rows<{ id: number }>(`SELECT id FROM members WHERE phone_e164 = '+886911000003'`)
    pms.members.push({ id: 7003, email: 'new@hotel.example', phone: '0911999999', birthday: '1990-01-02' })
    expect(await sync('members')).toMatchObject({ synced_count: 1, failed_count: 0 })
    expect(await rowOf(known?.id ?? 0)).toMatchObject({ email: 'Mixed@Hotel.example', birthday: '1990-01-02' })
  })

  it('does not mix the names of two people', async () => {
    const id = await person({ phone: '0911000004', last_name: '李' })
    pms.members.push({ id: 7004, phone: '0911000004', last_name: '陳', first_name: '大文', gender: 'female' })
    await sync('members')
    expect(await rowOf(id)).toMatchObject({ last_name: '李', first_name: null, gender: 'female' })
  })

  it('leaves guests whom nobody knows for review, and counts them as failed', async () => {
    pms.members.push({ id: 7005, last_name: '無', first_name: '名', phone: '0911000005', id_number: 'C100000005' })
    const done = await sync('members')
    expect(done).toMatchObject({ synced_count: 0, failed_count: 1 })
    const { items } = await reviewsBy('&reason=unmatched')
    expect(items.at(-1)).toMatchObject({
      sync_type: 'members',
      reason: 'unmatched',
      state: 'open',
      guest: { id: '7005', last_name: '無', phone: '0911000005', id_number: 'C1******05' },
      order: null,
      candidates: [],
    })
    expect(await linesOf(done.task)).toContain('info: 0 rows synchronised, 1 wait for review, 0 skipped, 0 refused.')
  })

  it('leaves a guest who fits two members, or contradicts one, for review', async () => {
    const byPhone = await person({ phone: '0911000006', last_name: '林' })
    const byId = await person({ id_number: 'D100000006', last_name: '黃' })
    const other = await person({ phone: '0911000007', id_number: 'D100000007', last_name: '周' })
    pms.members.push({ id: 7006, phone: '0911000006', id_number: 'D100000006' })
    pms.members.push({ id: 7007, phone: '0911000007', id_number: 'D999999999' })
    expect(await sync('members')).toMatchObject({ synced_count: 0, failed_count: 2 })
    const ambiguous = (await reviewsBy('&reason=ambiguous')).items.at(-1)
    expect(ambiguous.candidates.map(({ id }: { id: number }) => id).sort()).toEqual([byPhone, byId].sort())
    const contradiction = (await reviewsBy('&reason=contradiction')).items.at(-1)
    expect(contradiction.candidates).toEqual([
      { id: other, name: '周', phone: '0911000007', email: null, id_number: 'D1******07' },
    ])
    expect(await rowOf(byPhone)).toMatchObject({ id_number: null })
  })

  it('judges guests of one page who meet at one member one after the other', async () => {
    const id = await person({ phone: '0911000008', email: 'eight@hotel.example' })
    pms.members.push({ id: 7008, phone: '0911000008', id_number: 'E100000008' })
    pms.members.push({ id: 7009, email: 'eight@hotel.example', id_number: 'E100000009' })
    expect(await sync('members')).toMatchObject({ synced_count: 1, failed_count: 1 })
    expect(await rowOf(id)).toMatchObject({ id_number_masked: 'E1******08' })
    expect((await reviewsBy('&reason=contradiction')).items.at(-1).guest.id).toBe('7009')
  })

  it('settles what waited once the guest has a member', async () => {
    const before = (await reviewsBy()).total
    const id = await person({ id_number: 'C100000005' })
    pms.members.push({ id: 7005, phone: '0911000005', id_number: 'C100000005' })
    const done = await sync('members')
    expect(done).toMatchObject({ synced_count: 1, failed_count: 0 })
    expect((await reviewsBy()).total).toBe(before - 1)
    const [settled] = (await reviewsBy('&state=linked')).items
    expect(settled).toMatchObject({ member_id: id, guest: null, decided_by: null })
    expect(await world.rows(`SELECT record FROM crm_pms_reviews WHERE id = ${settled.id}`)).toEqual([{ record: '' }])
    expect(await linesOf(done.task)).toContain('info: 1 records that waited are settled now.')
  })

  it('does not bring a deleted member back', async () => {
    const id = await person({ phone: '0911000010' })
    pms.members.push({ id: 7010, phone: '0911000010' })
    await sync('members')
    await world.rows(`UPDATE members SET deleted_at = now(), phone = NULL, phone_e164 = NULL WHERE id = ${id}`)
    pms.members.push({ id: 7010, phone: '0911000010', first_name: '還在' })
    expect(await sync('members')).toMatchObject({ synced_count: 0, failed_count: 0, skipped_count: 1 })
    expect(await rowOf(id)).toMatchObject({ first_name: null, phone: null })
    const again = await person({ phone: '0911000010' })
    pms.members.push({ id: 7010, phone: '0911000010', first_name: '回來' })
    expect(await sync('members')).toMatchObject({ synced_count: 1 })
    expect(await rowOf(again)).toMatchObject({ first_name: '回來' })
  })

  it('follows a member who was merged into another', async () => {
    const old = await person({ phone: '0911000011' })
    pms.members.push({ id: 7011, phone: '0911000011' })
    await sync('members')
    const target = await person({ email: 'eleven@hotel.example' })
    await world.rows(
      `UPDATE members SET merged_into = ${target}, deleted_at = now(), phone = NULL, phone_e164 = NULL WHERE id = ${old}`,
    )
    pms.members.push({ id: 7011, phone: '0911000011', gender: 'F' })
    expect(await sync('members')).toMatchObject({ synced_count: 1 })
    expect(await rowOf(target)).toMatchObject({ gender: 'female', phone_e164: '+886911000011' })
  })

  it('reads on from the cursor, and everything again with force', async () => {
    pms.calls.length = 0
    await sync('members')
    expect(pms.calls).toEqual([{ path: '/api/members', cursor: String(pms.members.length), limit: 200 }])
    const before = (await reviewsBy()).total
    pms.calls.length = 0
    pms.most = 5
    const done = await sync('members', true)
    expect(done.status).toBe('completed')
    expect(pms.calls.map(({ cursor }) => cursor).slice(0, 3)).toEqual([null, '5', '10'])
    expect(done.synced_count + done.failed_count + done.skipped_count).toBe(pms.members.length)
    expect((await reviewsBy()).total).toBe(before)
    pms.calls.length = 0
    await sync('members')
    expect(pms.calls.map(({ cursor }) => cursor)).toEqual([String(pms.members.length)])
  })
})

describe('Rows that can’t be used', () => {
  it('are refused each by itself, named by place and field and never by value', async () => {
    const good = await person({ phone: '0911000020' })
    pms.members.push(
      ...[null, 'text', [1], 42, {}],
      { id: 7020, birthday: '2026-02-30', gender: 'robot', phone: '0911000020' },
      { id: 7021, id_number: 'F1!', email: 'no address', phone: '12' },
      { id: { $gt: '' }, phone: '0911000020' },
      { id: 7022, first_name: '\u0000', phone: '0911000020' },
      { id: 7023, first_name: 'x'.repeat(51), phone: '0911000020' },
      { id: 7024, first_name: '\ud800', phone: '0911000020' },
      { id: 'x'.repeat(2_000_000), phone: '0911000020' },
      { id: 7025, id_number: 'A12****789' },
      JSON.parse('{"__proto__": {"phone": "0911000020"}, "id": null}'),
      { id: 7026, phone: '0911000020', first_name: '好\u000b人', constructor: 'x', unknown: 'ignored' },
    )
    const done = await sync('members')
    expect(done).toMatchObject({ status: 'completed', synced_count: 1, failed_count: 14 })
    expect(await rowOf(good)).toMatchObject({ first_name: '好 人' })
    const lines = (await linesOf(done.task)).filter((line) => line.startsWith('warning'))
    expect(lines).toHaveLength(14)
    expect(lines[0]).toBe('warning: page 1, row 1 was refused: it must be an object.')
    expect(lines[4]).toBe(
      'warning: page 1, row 5 was refused: it has neither number, id number, phone number nor e-mail address.',
    )
    expect(lines[5]).toBe(
      'warning: page 1, row 6 was refused: gender must be male, female or other; birthday must be a date YYYY-MM-DD.',
    )
    expect(lines.join()).not.toMatch(/0911|F1!|no address|A12/)
  })

  it('are counted in the log when they are too many to be named', async () => {
    pms.members.push(...Array.from({ length: 130 }, () => 'junk'))
    const done = await sync('members')
    expect(done.failed_count).toBe(130)
    expect(await linesOf(done.task)).toHaveLength(100)
    const lines = await linesOf(done.task, 2)
    expect(lines).toContain('warning: 30 more rows of this page were refused.')
  })
})

describe('A synchronisation of consumption records', () => {
  it('writes the records of known guests exactly, and changes known ones instead of doubling them', async () => {
    const id = await person({ phone: '0922000001' })
    pms.members.push({ id: 8001, phone: '0922000001' })
    await sync('members')
    pms.records.push(
      { member_id: 8001, order_number: 'R-1', amount: 18000.1, room_type: '商務房', nights: 2 },
      {
        member_id: '8001',
        order_number: 'R-2',
        amount: '99999999.99',
        check_in_date: '2026-02-27',
        check_out_date: '2026-03-01',
      },
      { phone: '0922-000-001', order_number: 'R-3', amount: '-0.50', created_at: '2026-03-01 23:59:00' },
      { member_id: 8001, order_number: 'R-1', amount: 18000.2, room_type: '豪華房' },
    )
    expect(await sync('consumption_records')).toMatchObject({ synced_count: 4, failed_count: 0 })
    expect(await ordersOf(id)).toEqual(
      expect.arrayContaining([
        { order_number: 'R-1', amount: '18000.20', room_type: '豪華房', nights: null },
        { order_number: 'R-2', amount: '99999999.99', room_type: null, nights: null },
        { order_number: 'R-3', amount: '-0.50', room_type: null, nights: null },
      ]),
    )
    pms.records.push({ member_id: 8001, order_number: 'R-2', amount: '1.00' })
    await sync('consumption_records')
    expect(await ordersOf(id)).toHaveLength(3)
    expect(
      await world.rows(`SELECT amount::text, source, created_at, synced_at FROM consumption_records
        WHERE order_number IN ('R-2', 'R-3') ORDER BY order_number`),
    ).toEqual([
      { amount: '1.00', source: 'pms', created_at: world.clock.now(), synced_at: world.clock.now() },
      { amount: '-0.50', source: 'pms', created_at: new Date('2026-03-01T15:59:00Z'), synced_at: world.clock.now() },
    ])
  })

  it('refuses amounts, dates and numbers that are none', async () => {
    const base = { member_id: 8001, order_number: 'R-9', amount: 1 }
    pms.records.push(
      { ...base, amount: 1.005 },
      { ...base, amount: '1e3' },
      { ...base, amount: 100_000_000 },
      { ...base, amount: null },
      { ...base, amount: 'NaN' },
      { ...base, amount: Number.MAX_VALUE },
      { ...base, order_number: null },
      { ...base, order_number: 'x'.repeat(51) },
      { ...base, check_in_date: '2026-03-02', check_out_date: '2026-03-01' },
      { ...base, nights: -1 },
      { ...base, nights: 3651 },
      { ...base, nights: 1.5 },
      { ...base, created_at: '2026-03-03T00:00:01Z' },
      { ...base, created_at: '10000-01-01T00:00:00Z' },
      { ...base, room_type: {} },
    )
    expect(await sync('consumption_records')).toMatchObject({ status: 'completed', synced_count: 0, failed_count: 15 })
    expect(await world.rows(`SELECT 1 FROM consumption_records WHERE order_number = 'R-9'`)).toEqual([])
  })

  it('keeps the orders of unknown guests until the guest has a member', async () => {
    pms.records.push(
      { member_id: 8002, order_number: 'W-1', amount: 100, phone: '0922000002', last_name: '等' },
      { member_id: 8002, order_number: 'W-2', amount: 200, phone: '0922000002' },
    )
    expect(await sync('consumption_records')).toMatchObject({ synced_count: 0, failed_count: 2 })
    const { items } = await reviewsBy('&sync_type=consumption_records')
    expect(items.map((one: { order: { order_number: string } }) => one.order.order_number)).toEqual(['W-1', 'W-2'])
    expect(items[0]).toMatchObject({
      reason: 'unmatched',
      order: { amount: 100 },
      guest: { id: '8002', last_name: '等' },
    })
    const id = await person({ phone: '0922000002' })
    pms.members.push({ id: 8002, phone: '0922000002' })
    await sync('members')
    expect((await ordersOf(id)).map(({ amount }) => amount)).toEqual(['100.00', '200.00'])
    expect((await reviewsBy('&sync_type=consumption_records')).total).toBe(0)
  })

  it('leaves an order that another member has for review', async () => {
    const other = await person({ phone: '0922000003' })
    pms.records.push({ phone: '0922000003', order_number: 'R-1', amount: 5 })
    expect(await sync('consumption_records')).toMatchObject({ synced_count: 0, failed_count: 1 })
    const [review] = (await reviewsBy('&sync_type=consumption_records')).items
    expect(review).toMatchObject({ reason: 'contradiction', order: { order_number: 'R-1', amount: 5 } })
    expect(review.candidates.map(({ id }: { id: number }) => id)).toContain(other)
    expect(await world.rows(`SELECT amount::text FROM consumption_records WHERE order_number = 'R-1'`)).toEqual([
      { amount: '18000.20' },
    ])
    // A later order of the guest settles nothing of it by itself.
    pms.records.push({ phone: '0922000003', order_number: 'R-4', amount: 6 })
    await sync('consumption_records')
    expect((await reviewsBy('&sync_type=consumption_records')).total).toBe(1)
    await post(`/api/v1/pms/reviews/${review.id}/decide`, { action: 'link', member_id: other })
    expect(
      await world.rows(`SELECT member_id, amount::text FROM consumption_records WHERE order_number = 'R-1'`),
    ).toEqual([{ member_id: other, amount: '5.00' }])
  })
})

describe('A PMS that fails', () => {
  it('is asked again later, from the page that is committed', async () => {
    pms.most = 2
    const id = await person({ phone: '0933000001' })
    pms.records.push(
      ...Array.from({ length: 6 }, (_, n) => ({ phone: '0933000001', order_number: `F-${n}`, amount: n })),
    )
    const first = pms.records.length - 6
    const failing = new Set([String(first + 2)])
    pms.fault = ({ cursor }) => (cursor !== null && failing.delete(cursor) ? 503 : undefined)
    const { task, ...during } = await sync('consumption_records')
    expect(during).toMatchObject({ status: 'running', synced_count: 2 })
    expect(await linesOf(task)).toContain('warning: The PMS answered 503. Next try in 10 seconds.')
    world.clock.set(new Date(world.clock.now().getTime() + 9_999))
    await world.drain()
    expect(await statusOf(task)).toMatchObject({ status: 'running', synced_count: 2 })
    world.clock.set(new Date(world.clock.now().getTime() + 1))
    await world.drain()
    expect(await statusOf(task)).toMatchObject({ status: 'completed', synced_count: 6, failed_count: 0 })
    expect(await ordersOf(id)).toHaveLength(6)
  })

  it.each([
    ['is busy', 429],
    ['breaks off', 'cut'],
    ['answers something else', 'junk'],
  ] as const)('and %s, makes the task fail after five calls; the next one reads on', async (_, fault) => {
    pms.fault = () => fault
    const { task } = await sync('members')
    const before = pms.calls.length
    for (let n = 0; n < 10; n += 1) {
      world.clock.advance(5)
      await world.drain()
    }
    expect(pms.calls.length - before).toBe(4)
    expect(await statusOf(task)).toMatchObject({ status: 'failed', error: expect.any(String) })
    expect((await linesOf(task)).at(-1)).toMatch(/^error: The/)
    pms.fault = () => undefined
    expect(await sync('members')).toMatchObject({ status: 'completed' })
  })

  it.each([
    ['401', 401, 'PMS_API_KEY'],
    ['404', 404, 'PMS_API_URL'],
    ['410', 410, 'force'],
    ['no list', { items: {}, has_more: false }, 'items must be a list'],
    ['no has_more', { items: [] }, 'has_more must be true or false'],
    ['an endless list', { items: [], has_more: true }, 'next_cursor leads nowhere'],
    ['a strange cursor', { items: [], has_more: true, next_cursor: {} }, 'next_cursor must be a text'],
    ['a long cursor', { items: [], has_more: true, next_cursor: 'x'.repeat(1001) }, 'next_cursor must be a text'],
    ['a broken cursor', { items: [], has_more: false, next_cursor: '\u0000' }, 'next_cursor must be a text'],
    ['too many rows', { items: Array(5001).fill(null), has_more: false }, 'at most 5000 rows'],
    ['a list', [], 'items must be a list'],
  ] as const)('with %s makes the task fail at once, and says why', async (_, fault, reason) => {
    pms.fault = () => fault
    expect(await sync('members')).toMatchObject({ status: 'failed', error: expect.stringContaining(reason) })
  })

  it('with the same cursor for ever makes the task fail', async () => {
    pms.fault = () => ({ items: [], has_more: true, next_cursor: 'a' })
    expect(await sync('members', true)).toMatchObject({ status: 'failed', error: expect.stringContaining('nowhere') })
  })
})

describe('A process that is killed', () => {
  it('loses nothing: another run takes the task over after ten minutes, from the last page; the late run is ignored', async () => {
    pms.most = 2
    const id = await person({ phone: '0933000002' })
    pms.records.push(
      ...Array.from({ length: 6 }, (_, n) => ({ phone: '0933000002', order_number: `K-${n}`, amount: n })),
    )
    const first = pms.records.length - 6
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let holds = true
    pms.fault = async ({ cursor }) => {
      if (!holds || cursor !== String(first + 2)) return undefined
      holds = false
      await held
      return undefined
    }
    const task = await start('consumption_records')
    const late = world.kernel.jobs.runNow('crm.pms-sync', { id: task })
    while (holds) await new Promise((resolve) => setImmediate(resolve))
    // Just before ten minutes of silence nothing happens.
    world.clock.set(new Date(world.clock.now().getTime() + 600_000 - 1))
    await world.kernel.jobs.runNow('crm.pms')
    await world.drain()
    expect(await statusOf(task)).toMatchObject({ status: 'running', synced_count: 2 })
    world.clock.set(new Date(world.clock.now().getTime() + 1))
    await world.kernel.jobs.runNow('crm.pms')
    await world.drain()
    expect(await statusOf(task)).toMatchObject({ status: 'completed', synced_count: 6 })
    release()
    await late
    expect(await statusOf(task)).toMatchObject({ status: 'completed', synced_count: 6, failed_count: 0 })
    expect(await ordersOf(id)).toHaveLength(6)
  })

  it('before it began is replaced, too', async () => {
    const task = await start('members')
    await world.rows(`DELETE FROM pgboss.job WHERE name = 'crm.pms-sync'`)
    world.clock.advance(10)
    await world.kernel.jobs.runNow('crm.pms')
    await world.drain()
    expect(await statusOf(task)).toMatchObject({ status: 'completed' })
  })
})

describe('The schedule', () => {
  it('synchronises members, then records, every PMS_SYNC_INTERVAL', async () => {
    const minute = async () => {
      await world.kernel.jobs.runNow('crm.pms')
      const { body } = await get('/api/v1/pms/syncs')
      return body.data.items
        .filter((one: { status: string }) => one.status === 'pending')
        .map((one: { sync_type: string }) => one.sync_type)
    }
    world.clock.advance(24 * 60)
    expect(await minute()).toEqual(['members'])
    expect(await minute()).toEqual(['members'])
    await world.drain()
    world.clock.advance(1)
    expect(await minute()).toEqual(['consumption_records'])
    await world.drain()
    expect(await minute()).toEqual([])
    world.clock.advance(58)
    expect(await minute()).toEqual([])
    world.clock.advance(1)
    expect(await minute()).toEqual(['members'])
    await world.drain()
  })

  it('forgets tasks after 90 days', async () => {
    world.clock.advance(91 * 24 * 60)
    await world.kernel.jobs.runNow('crm.pms')
    await world.drain()
    expect((await get('/api/v1/pms/syncs')).body.data.total).toBe(1)
  })
})

describe('Requests', () => {
  it('are for administrators of the CRM', async () => {
    for (const as of [world.marketing, world.service]) {
      expect((await post('/api/v1/pms/sync', { sync_type: 'members' }, as)).status).toBe(403)
      expect((await get('/api/v1/pms/syncs', as)).status).toBe(403)
      expect((await get('/api/v1/pms/reviews', as)).status).toBe(403)
      expect((await post('/api/v1/pms/reviews/1/decide', { action: 'ignore' }, as)).status).toBe(403)
    }
  })

  it('with unknown tasks and wrong fields are refused', async () => {
    expect((await get('/api/v1/pms/sync-status/__proto__')).status).toBe(404)
    expect((await get('/api/v1/pms/syncs/none/log')).status).toBe(404)
    expect((await post('/api/v1/pms/sync', { sync_type: 'constructor' })).body).toMatchObject({
      code: 422,
      errors: [{ field: 'sync_type' }],
    })
    expect((await post('/api/v1/pms/sync', {})).status).toBe(422)
    expect((await get('/api/v1/pms/reviews?state=toString')).status).toBe(422)
  })
})

it.runIf(onServer)('two starts at once make one task', async () => {
  const answers = await Promise.all([1, 2, 3].map(() => post('/api/v1/pms/sync', { sync_type: 'members' })))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  await world.drain()
})

it('keeps a member who is in the CRM only as they are', async () => {
  const { id } = await member(world)
  const before = await rowOf(id)
  await sync('members', true)
  expect(await rowOf(id)).toEqual(before)
})
