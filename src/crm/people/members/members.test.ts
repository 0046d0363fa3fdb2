import { afterAll, describe, expect, it } from 'vitest'
import { member, openCrm, tag } from '../../../../test/support/crm.ts'
import { onServer } from '../../../../test/support/database.ts'
import { foundWhenBroken } from '../../../../test/support/world.ts'

const world = await openCrm()
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})
const PATH = '/api/v1/members'
const as = world.service
let count = 0

const add = (payload: object) => world.call('POST', PATH, { as, payload })
const made = async (payload: object): Promise<number> => (await add(payload)).body.data.id
const ids = async (query: string): Promise<number[]> => {
  const { body } = await world.call('GET', `${PATH}?${query}`, { as })
  return body.data.items.map(({ id }: { id: number }) => id)
}
const find = (text: string) => ids(`search=${encodeURIComponent(text)}`)

describe('Members', () => {
  it('are added and read as the document shows, with the id number masked', async () => {
    const payload = {
      email: 'new.member@email.com',
      phone: '0987-654-321',
      first_name: '小華',
      last_name: '李',
      gender: 'female',
      birthday: '1988-05-20',
      id_number: 'b987654321',
    }
    const { status, body } = await add(payload)
    expect(status).toBe(200)
    expect(body.data).toMatchObject({
      ...payload,
      id_number: 'B9******21',
      source: 'crm',
      accept_marketing: true,
      line_uid: null,
      is_following: false,
      tags: [],
      consumption_summary: { total_amount: 0, total_orders: 0, average_amount: 0 },
    })
    const { id } = body.data
    expect((await world.call('GET', `${PATH}/${id}`, { as: world.marketing })).body.data).toEqual(body.data)
    const [row] = await world.rows<{ id_number: string }>(`SELECT id_number FROM members WHERE id = ${id}`)
    expect(row?.id_number).toMatch(/^v1\./)
    const back = await world.call('PUT', `${PATH}/${id}`, {
      as,
      payload: { ...payload, id_number: 'B9******21', notes: '高樓層' },
    })
    expect(back.body.data).toMatchObject({ id_number: 'B9******21', notes: '高樓層' })
    const [same] = await world.rows<{ id_number: string }>(`SELECT id_number FROM members WHERE id = ${id}`)
    expect(same).toEqual(row)
  })

  it('are refused without anything to know them by, and with wrong fields', async () => {
    expect((await add({ gender: 'male' })).body.errors).toMatchObject([{ field: 'first_name' }])
    expect((await add({ phone: '12' })).body.errors).toEqual([{ field: 'phone', message: 'must be a phone number' }])
    expect((await add({ first_name: 'A', id_number: '!' })).body.errors).toMatchObject([{ field: 'id_number' }])
    expect((await add({ first_name: 'A', email: 'x' })).status).toBe(422)
    expect((await add({ first_name: 'A', birthday: '2026-02-30' })).status).toBe(422)
    expect((await add({ first_name: '  ', email: null })).status).toBe(422)
    expect((await world.call('POST', PATH, { as: world.marketing, payload: { first_name: 'A' } })).status).toBe(403)
  })

  it.each([
    ['email', 'Twice@Hotel.com', 'twice@hotel.com'],
    ['phone', '0911-222-333', '+886 911 222 333'],
    ['id_number', 'c123456789', 'Ｃ123456789'],
  ])('have an %s of their own, however it is written', async (field, first, second) => {
    await made({ [field]: first })
    expect(await add({ [field]: second })).toMatchObject({
      status: 409,
      body: { reason: `${field}_taken`, errors: [{ field }] },
    })
  })

  it('are changed field by field; null empties', async () => {
    const id = await made({ first_name: '明', last_name: '王', phone: '0922-333-444' })
    const change = (payload: object) => world.call('PUT', `${PATH}/${id}`, { as, payload })
    expect((await change({ last_name: '陳' })).body.data).toMatchObject({
      first_name: '明',
      last_name: '陳',
      phone: '0922-333-444',
    })
    expect((await change({ phone: null })).body.data.phone).toBeNull()
    expect(await find('0922333444')).toEqual([])
    expect(await find('陳明')).toContain(id)
    expect(await find('王明')).not.toContain(id)
    const notes = await world.call('PUT', `${PATH}/${id}/notes`, { as, payload: { notes: '靠窗' } })
    expect([notes.status, notes.body.data]).toEqual([200, undefined])
    expect((await world.call('PUT', `${PATH}/999999`, { as, payload: { notes: 'x' } })).status).toBe(404)
  })
})

describe('The search', () => {
  it('finds a name in either order, with two or one character, an address, and a phone number in any form', async () => {
    const id = await made({
      first_name: '曉雯',
      last_name: '歐陽',
      email: 'Ouyang.Wen@hotel.com',
      phone: '0933 444 555',
    })
    for (const text of [
      '歐陽曉雯',
      '曉雯歐陽',
      '歐陽 曉雯',
      '曉雯',
      '雯',
      'ouyang.wen',
      'WEN@HOTEL',
      '0933444555',
      '0933-444',
      '+886933444555',
      '933444',
      '886 933 444 555',
    ])
      expect(await find(text), text).toContain(id)
    for (const text of ['歐曉', '雯曉', '%', '_', '0933445', 'ouyangxwen'])
      expect(await find(text), text).not.toContain(id)
  })

  it('finds members by tags, source, LINE, days and consumption', async () => {
    const [vip, business] = [await tag(world), await tag(world)]
    const both = await member(world, { tags: [vip, business] })
    const one = await member(world, { tags: [vip], lineUid: null })
    const left = await member(world, { tags: [business], unfollowed: true })
    expect((await ids(`tags=${vip}`)).sort()).toEqual([both.id, one.id].sort())
    expect((await ids(`tags=${vip},${business}`)).sort()).toEqual([both.id, one.id, left.id].sort())
    expect(await ids(`tags=${vip},${business}&tags_mode=all`)).toEqual([both.id])
    expect(await ids(`tags=${vip}&line=unlinked`)).toEqual([one.id])
    expect((await ids(`tags=${business}&line=linked`)).sort()).toEqual([both.id, left.id].sort())
    expect(await ids(`tags=${business}&line=following`)).toEqual([both.id])
    expect(await ids(`tags=${vip}&source=crm`)).toEqual([one.id])
    // The clock stands at 08:00 of 2 March in Taipei.
    expect(await ids(`tags=${vip}&created_from=2026-03-03`)).toEqual([])
    expect(await ids(`tags=${vip}&created_to=2026-03-01`)).toEqual([])
    expect(await ids(`tags=${vip}&created_from=2026-03-02&created_to=2026-03-02`)).toHaveLength(2)
    const spend = (amount: number) =>
      world.call('POST', `${PATH}/${both.id}/consumption-records`, {
        as,
        payload: { order_number: `#${++count}`, amount },
      })
    await spend(1000)
    await spend(500.5)
    expect(await ids(`tags=${vip}&consumption_min=1500.5`)).toEqual([both.id])
    expect(await ids(`tags=${vip}&consumption_min=1500.51`)).toEqual([])
    expect(await ids(`tags=${vip}&consumption_max=1500.5`)).toHaveLength(2)
    expect(await ids(`tags=${vip}&consumption_max=1500.49`)).toEqual([one.id])
  })

  it('takes what the published client sends, empty parameters included, and pages in its order', async () => {
    const mark = await tag(world)
    for (const name of ['甲', '乙', '丙']) {
      const { id } = await member(world, { firstName: name, tags: [mark] })
      await world.rows(
        `UPDATE members SET last_interaction_at = created_at + make_interval(hours => ${id}) WHERE id = ${id}`,
      )
    }
    const { body } = await world.call(
      'GET',
      `${PATH}?page=1&page_size=2&sort_by=last_interaction_at&order=desc&search=&tags=${mark}`,
      { as },
    )
    expect(body.data).toMatchObject({
      total: 3,
      page: 1,
      page_size: 2,
      total_pages: 2,
      items: [{ first_name: '丙' }, { first_name: '乙' }],
    })
    expect(body.data.items[0].tags).toMatchObject([{ id: mark, type: 'member' }])
    expect(await ids(`tags=${mark}&sort_by=id&order=asc&page=2&page_size=2`)).toHaveLength(1)
    const all = await world.call('GET', PATH, { as })
    const [{ n }] = (await world.rows<{ n: number }>(
      'SELECT count(*)::int AS n FROM members WHERE deleted_at IS NULL',
    )) as [{ n: number }]
    expect(all.body.data.total).toBe(n)
    expect((await world.call('GET', `${PATH}?sort_by=email`, { as })).status).toBe(422)
    expect((await world.call('GET', `${PATH}?page_size=101`, { as })).status).toBe(422)
  })
})

describe('Tags of a member', () => {
  it('are put on and taken off, with their counters', async () => {
    const [mark, interaction] = [await tag(world), await tag(world, { type: 'interaction' })]
    const { id } = await member(world)
    const put = (tag_ids: number[]) => world.call('POST', `${PATH}/${id}/tags`, { as, payload: { tag_ids } })
    expect((await put([mark, interaction])).body).toMatchObject({
      message: 'Tags added successfully',
      data: { member_id: id, tags: [{ id: mark }, { id: interaction }] },
    })
    expect((await put([mark, interaction])).body.data.tags).toHaveLength(2)
    const counts = async () =>
      await Promise.all(
        [mark, interaction].map(async (one) => (await world.call('GET', `/api/v1/tags/${one}`, { as })).body.data),
      )
    expect(await counts()).toMatchObject([
      { member_count: 1, trigger_count: null },
      { member_count: 1, trigger_count: 1 },
    ])
    expect((await put([mark, 999_999])).body.errors).toEqual([{ field: 'tag_ids[1]', message: 'is no tag' }])
    const drop = () => world.call('DELETE', `${PATH}/${id}/tags/${mark}`, { as })
    expect((await drop()).status).toBe(200)
    expect((await drop()).status).toBe(404)
    expect(await counts()).toMatchObject([{ member_count: 0 }, { member_count: 1 }])
  })

  it.runIf(onServer)('count once when they are put on at the same time', async () => {
    const mark = await tag(world)
    const { id } = await member(world)
    const put = () => world.call('POST', `${PATH}/${id}/tags`, { as, payload: { tag_ids: [mark] } })
    expect((await Promise.all([put(), put(), put()])).map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await world.call('GET', `/api/v1/tags/${mark}`, { as })).body.data.member_count).toBe(1)
  })
})

describe('Consumption', () => {
  it('is added by hand, summed up, and listed with the latest first', async () => {
    const { id } = await member(world)
    const path = `${PATH}/${id}/consumption-records`
    const record = {
      order_number: '#2025091501',
      room_type: '商務雙人房',
      amount: 18000.1,
      check_in_date: '2025-09-15',
      check_out_date: '2025-09-18',
    }
    expect((await world.call('POST', path, { as, payload: record })).body.data).toMatchObject({
      ...record,
      nights: 3,
      source: 'manual',
    })
    expect((await world.call('POST', path, { as, payload: record })).body.errors).toMatchObject([
      { field: 'order_number' },
    ])
    const backwards = { ...record, order_number: 'x', check_in_date: '2025-09-19' }
    expect((await world.call('POST', path, { as, payload: backwards })).body.errors).toMatchObject([
      { field: 'check_out_date' },
    ])
    const cents = await world.call('POST', path, { as, payload: { order_number: '#3', amount: 0.201 } })
    expect(cents.body.errors).toMatchObject([{ field: 'amount' }])
    await world.call('POST', path, { as, payload: { order_number: '#cents', amount: 0.2 } })
    expect((await world.call('GET', path, { as })).body.data).toMatchObject({
      total: 2,
      page_size: 10,
      items: [{ nights: null }, { amount: 18000.1 }],
    })
    expect((await world.call('GET', `${PATH}/${id}`, { as })).body.data.consumption_summary).toEqual({
      total_amount: 18000.3,
      total_orders: 2,
      average_amount: 9000.15,
    })
    const timeline = await world.call('GET', `${PATH}/${id}/timeline?page_size=3`, { as })
    expect(timeline.body.data).toMatchObject({ total: 4, total_pages: 2 })
    expect(timeline.body.data.items).toHaveLength(3)
    expect((await world.call('GET', `${PATH}/999999/timeline`, { as })).status).toBe(404)
  })
})

describe('A deleted member', () => {
  it('is gone everywhere and anonymous, while consumption and messages stay for the totals', async () => {
    const mark = await tag(world)
    const { id } = await member(world, {
      firstName: '刪除',
      email: 'gone@hotel.com',
      phone: '+886955666777',
      tags: [mark],
    })
    await world.call('POST', `${PATH}/${id}/consumption-records`, { as, payload: { order_number: '#gone', amount: 5 } })
    await world.rows(`INSERT INTO messages (member_id, content, direction, message_type, sender_type, created_at, status)
      VALUES (${id}, '秘密', 'incoming', 'text', NULL, now(), 'sent'), (${id}, '之後', 'outgoing', 'text', 'manual', now(), 'scheduled')`)
    const { body } = await world.call('DELETE', `${PATH}/${id}`, { as })
    expect(body).toMatchObject({ code: 200, message: 'Member deleted successfully' })
    for (const path of ['', '/timeline', '/consumption-records'])
      expect((await world.call('GET', `${PATH}/${id}${path}`, { as })).status).toBe(404)
    expect((await world.call('DELETE', `${PATH}/${id}`, { as })).status).toBe(404)
    expect(await find('刪除')).toEqual([])
    const [row] = await world.rows<Record<string, unknown>>(`SELECT * FROM members WHERE id = ${id}`)
    expect(JSON.stringify(row)).not.toMatch(/刪除|gone@|955666777|U0000/)
    expect(await world.rows(`SELECT content, status FROM messages WHERE member_id = ${id} ORDER BY id`)).toEqual([
      { content: '（已刪除）', status: 'sent' },
      { content: '（已刪除）', status: 'cancelled' },
    ])
    expect(await world.rows(`SELECT amount FROM consumption_records WHERE member_id = ${id}`)).toHaveLength(1)
    expect((await world.call('GET', `/api/v1/tags/${mark}`, { as })).body.data.member_count).toBe(0)
    expect((await add({ email: 'gone@hotel.com', phone: '0955-666-777' })).status).toBe(200)
  })
})

describe('Tags', () => {
  const TAGS = '/api/v1/tags'
  it('are added, listed, changed and deleted', async () => {
    const marketing = world.marketing
    const call = (method: 'POST' | 'PUT' | 'DELETE', path: string, payload?: object) =>
      world.call(method, `${TAGS}${path}`, { as: marketing, payload })
    const added = await call('POST', '', { name: '新標籤', type: 'member', source: 'manual', description: '標籤描述' })
    expect(added.body.data).toMatchObject({ name: '新標籤', type: 'member', source: 'manual', member_count: 0 })
    expect(await call('POST', '', { name: '新標籤', type: 'member' })).toMatchObject({
      status: 409,
      body: { errors: [{ field: 'name' }] },
    })
    const other = await call('POST', '', { name: '新標籤', type: 'interaction' })
    expect(other.body.data).toMatchObject({ type: 'interaction', source: null, trigger_count: 0 })
    const { id } = added.body.data
    expect((await call('PUT', `/${id}`, { name: '改名', type: 'member', source: 'api' })).body.data).toMatchObject({
      name: '改名',
      source: 'api',
      description: '標籤描述',
    })
    expect((await call('PUT', `/${id}`, { type: 'interaction' })).body.errors).toMatchObject([{ field: 'type' }])
    const list = await world.call('GET', `${TAGS}?type=interaction&search=新標`, { as })
    expect(list.body.data).toMatchObject({ total: 1, page_size: 50, items: [{ id: other.body.data.id }] })
    const { id: holder } = await member(world, { tags: [id] })
    expect((await call('DELETE', `/${id}`)).body.message).toBe('Tag deleted successfully')
    expect((await world.call('GET', `${PATH}/${holder}`, { as })).body.data.tags).toEqual([])
    expect((await call('DELETE', `/${id}`)).status).toBe(404)
    expect((await world.call('POST', TAGS, { as, payload: { name: 'x', type: 'member' } })).status).toBe(403)
  })

  it('stay while a template names them', async () => {
    const id = await tag(world, { type: 'interaction' })
    const payload = {
      type: 'text_button',
      content: 'a',
      buttons: [{ label: 'x', action_url: 'https://a.tw', interaction_tag_id: id }],
    }
    const template = (await world.call('POST', '/api/v1/templates', { as: world.marketing, payload })).body.data.id
    expect(await world.call('DELETE', `${TAGS}/${id}`, { as: world.marketing })).toMatchObject({
      status: 409,
      body: { message: `The tag is used by template ${template}.` },
    })
    await world.call('DELETE', `/api/v1/templates/${template}`, { as: world.marketing })
    expect((await world.call('DELETE', `${TAGS}/${id}`, { as: world.marketing })).status).toBe(200)
  })

  it('have statistics', async () => {
    const popular = await tag(world, { name: '最多人' })
    for (let n = 0; n < 6; n += 1) await member(world, { tags: [popular] })
    const { data } = (await world.call('GET', `${TAGS}/statistics`, { as })).body
    expect(data.total_tags).toBe(data.member_tags + data.interaction_tags)
    expect(data.most_used_tag).toEqual({ id: popular, name: '最多人', member_count: 6 })
  })
})

it('verify names what is stored wrongly', async () => {
  const mark = await tag(world, { type: 'interaction' })
  expect(
    await foundWhenBroken(
      world,
      `UPDATE interaction_tags SET trigger_count = 2 WHERE id = ${mark}`,
      `UPDATE interaction_tags SET trigger_count = 0 WHERE id = ${mark}`,
    ),
  ).toEqual([`triggers of a tag: tag ${mark}: 2 ≠ 0`])
  expect(
    await foundWhenBroken(
      world,
      `UPDATE interaction_tags SET member_count = 2 WHERE id = ${mark}`,
      `UPDATE interaction_tags SET member_count = 0 WHERE id = ${mark}`,
    ),
  ).toEqual([`members of a tag: tag ${mark}: 2 ≠ 0`])
  expect(
    await foundWhenBroken(
      world,
      'UPDATE crm_member_counts SET count = count + 1 WHERE slot = (SELECT min(slot) FROM crm_member_counts)',
      'UPDATE crm_member_counts SET count = count - 1 WHERE slot = (SELECT min(slot) FROM crm_member_counts)',
    ),
  ).toHaveLength(1)
})
