import { afterAll, describe, expect, it } from 'vitest'
import { member, openCrm, tag } from '../../../../test/support/crm.ts'
import { onServer } from '../../../../test/support/database.ts'

const world = await openCrm()
afterAll(() => world.close())
const as = world.marketing
const PATH = '/api/v1/templates'
const add = (payload: object) => world.call('POST', PATH, { as, payload })
const card = {
  image_url: 'https://cdn.hotel.com/1.jpg',
  title: '商務優惠',
  price: 3200,
  action_url: 'https://hotel.com/a',
}

describe('Templates', () => {
  it('are added, read, listed, changed and deleted as the document shows', async () => {
    const [tagId, itemTag] = [await tag(world, { type: 'interaction' }), await tag(world, { type: 'interaction' })]
    const added = await add({
      type: 'image_card',
      name: '中秋優惠模板',
      notification_text: '中秋特別優惠來了！',
      preview_text: '點擊查看詳情',
      interaction_tag_id: tagId,
      carousel_items: [
        { ...card, sort_order: 2 },
        { ...card, title: '先', interaction_tag_id: itemTag, sort_order: 1 },
      ],
    })
    expect(added).toMatchObject({
      status: 200,
      body: {
        code: 200,
        message: 'success',
        data: {
          type: 'image_card',
          content: null,
          interaction_tag_id: tagId,
          version: 1,
          carousel_items: [
            { title: '先', price: 3200, interaction_tag_id: itemTag, sort_order: 1 },
            { title: '商務優惠', description: null, sort_order: 2 },
          ],
        },
      },
    })
    const { id } = added.body.data
    expect((await world.call('GET', `${PATH}/${id}`, { as })).body.data).toEqual(added.body.data)
    const list = await world.call('GET', `${PATH}?type=image_card&search=中秋&page=&page_size=5`, { as })
    expect(list.body.data).toMatchObject({ items: [{ id, name: '中秋優惠模板' }], total: 1, page: 1, total_pages: 1 })
    expect((await world.call('GET', `${PATH}?type=text`, { as })).body.data.total).toBe(0)
    const changed = await world.call('PUT', `${PATH}/${id}`, { as, payload: { name: '新' } })
    expect(changed.body.data).toMatchObject({ name: '新', version: 1, carousel_items: [{ title: '先' }, {}] })
    const preview = await world.call('GET', `${PATH}/${id}/preview`, { as })
    expect(preview.body.data.messages).toMatchObject([{ type: 'flex', altText: '中秋特別優惠來了！' }])
    expect(preview.body.data.html).toContain('先')
    const copy = await world.call('POST', `${PATH}/${id}/copy`, { as })
    expect(copy.body.data).toMatchObject({ name: '新（複本）', carousel_items: [{ title: '先' }, {}] })
    expect((await world.call('DELETE', `${PATH}/${id}`, { as })).body.message).toBe('Template deleted successfully')
    expect((await world.call('GET', `${PATH}/${id}`, { as })).status).toBe(404)
    expect((await world.call('DELETE', `${PATH}/${id}`, { as })).status).toBe(404)
  })

  it('are refused with the fields that are wrong', async () => {
    const refused = await add({ type: 'image_card', carousel_items: [{ ...card, image_url: 'http://a' }] })
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 422, reason: 'validation', errors: [{ field: 'carousel_items[0].image_url' }] },
    })
    const member = await tag(world)
    const foreign = await add({
      type: 'text_button',
      content: 'a',
      interaction_tag_id: member,
      buttons: [{ label: 'x', action_url: 'https://a.tw' }],
    })
    expect(foreign.body.errors).toEqual([{ field: 'interaction_tag_id', message: 'is not an interaction tag' }])
    const lost = await add({
      type: 'image_click',
      carousel_items: [{ image_url: '/static/uploads/images/templates/none.jpg' }],
    })
    expect(lost.body.errors).toEqual([
      { field: 'carousel_items[0].image_url', message: 'is no picture on this server' },
    ])
    expect((await add({ type: 'text', content: 'a', extra: 1 })).body.errors).toMatchObject([{ field: 'extra' }])
    expect((await add({ type: 'text', name: 'x'.repeat(101), content: 'a' })).status).toBe(422)
  })

  it('don’t lead in a circle, and stay while something uses them', async () => {
    const first = (await add({ type: 'text', content: 'a' })).body.data.id
    const button = { label: 'x', action_url: null }
    const result = { type: 'template', template_id: first }
    const second = (await add({ type: 'text_button', content: 'b', buttons: [button], interaction_result: result }))
      .body.data.id
    const circle = await world.call('PUT', `${PATH}/${first}`, {
      as,
      payload: {
        type: 'text_button',
        buttons: [button],
        interaction_result: { type: 'template', template_id: second },
      },
    })
    expect(circle.body.errors).toEqual([
      { field: 'interaction_result.template_id', message: 'leads back to this template' },
    ])
    expect(await world.call('DELETE', `${PATH}/${first}`, { as })).toMatchObject({
      status: 409,
      body: { reason: 'template_in_use', message: `The template is used by template ${second}.` },
    })
    await world.call('DELETE', `${PATH}/${second}`, { as })
    expect((await world.call('DELETE', `${PATH}/${first}`, { as })).status).toBe(200)
  })

  it('of one row after another are written one at a time: two at once make no circle', async () => {
    const button = { label: 'x', action_url: 'https://a.tw' }
    const plain = async () => (await add({ type: 'text_button', content: 'a', buttons: [button] })).body.data.id
    for (let n = 0; n < 5; n += 1) {
      const [one, two] = [await plain(), await plain()]
      const lead = (from: number, to: number) =>
        world.call('PUT', `${PATH}/${from}`, {
          as,
          payload: { interaction_result: { type: 'template', template_id: to } },
        })
      const both = await Promise.all([lead(one, two), lead(two, one)])
      expect(both.map(({ status }) => status).sort()).toEqual([200, 422])
    }
  })

  it('name errors by the order of the request, and show cards by sort_order', async () => {
    const wrong = await add({
      type: 'image_card',
      carousel_items: [
        { ...card, sort_order: 9, action_url: 'javascript:alert(1)' },
        { ...card, sort_order: 1 },
      ],
    })
    expect(wrong.body.errors).toMatchObject([{ field: 'carousel_items[0].action_url' }])
    const unsorted = await add({ type: 'image_card', carousel_items: [card, { ...card, title: '二' }] })
    expect(unsorted.body.data.carousel_items).toMatchObject([
      { title: '商務優惠', sort_order: 0 },
      { title: '二', sort_order: 1 },
    ])
  })

  it('store addresses encoded, and empty texts as none', async () => {
    const { body } = await add({
      type: 'image_card',
      name: '',
      content: '',
      preview_text: '',
      carousel_items: [{ ...card, title: '', description: '一\r\n二', action_url: 'https://hotel.tw/優惠?a={b}' }],
    })
    expect(body.data).toMatchObject({ name: null, content: null, preview_text: null })
    expect(body.data.carousel_items).toMatchObject([
      {
        title: null,
        description: '一\n二',
        action_url: 'https://hotel.tw/%E5%84%AA%E6%83%A0?a=%7Bb%7D',
      },
    ])
    const tooLong = { ...card, action_url: `https://a.tw/${'字'.repeat(400)}` }
    expect((await add({ type: 'image_card', carousel_items: [tooLong] })).body.errors).toMatchObject([
      { field: 'carousel_items[0].action_url' },
    ])
  })

  it.each([
    [{ type: 'constructor' }, 'type'],
    [{ type: 'text', content: 'a', name: 7 }, 'name'],
    [{ type: 'text', content: 'x'.repeat(10_001) }, 'content'],
    [{ type: 'image_card', carousel_items: [{ ...card, price: 1e300 }] }, 'carousel_items[0].price'],
    [{ type: 'image_card', carousel_items: [{ ...card, price: -1 }] }, 'carousel_items[0].price'],
    [{ type: 'image_card', carousel_items: [{ ...card, sort_order: 2 ** 40 }] }, 'carousel_items[0].sort_order'],
    [
      { type: 'image_card', carousel_items: [{ ...card, interaction_tag_id: 2 ** 60 }] },
      'carousel_items[0].interaction_tag_id',
    ],
    [
      { type: 'image_card', carousel_items: [{ ...card, interaction_tag_id: 999_999 }] },
      'carousel_items[0].interaction_tag_id',
    ],
    [{ type: 'image_card', carousel_items: [{ ...card, title: '🏨'.repeat(101) }] }, 'carousel_items[0].title'],
    [
      {
        type: 'text_button',
        content: 'a',
        buttons: [{ label: 'x', action_url: null }],
        interaction_result: { type: 'template', template_id: 999_999 },
      },
      'interaction_result.template_id',
    ],
    [
      {
        type: 'text_button',
        content: 'a',
        buttons: [{ label: 'x', action_url: 'https://a.tw', interaction_tag_id: 999_999 }],
      },
      'buttons[0].interaction_tag_id',
    ],
  ])('refuse %o', async (payload, field) => {
    const refused = await add(payload)
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ field }] } })
    expect((await world.call('POST', `${PATH}/preview`, { as, payload })).status).toBe(422)
  })

  it('are shown without being stored', async () => {
    const before = await world.rows('SELECT count(*) FROM message_templates')
    const payload = { type: 'text', content: '<img src=x onerror=alert(1)>\n二' }
    const { body } = await world.call('POST', `${PATH}/preview`, { as, payload })
    expect(body.data.messages).toEqual([{ type: 'text', text: payload.content }])
    expect(body.data.html).toContain('&lt;img src=x onerror=alert(1)&gt;<br>二')
    expect(body.data.html).not.toMatch(/<img|<script|onerror=alert\(1\)>/)
    expect(await world.rows('SELECT count(*) FROM message_templates')).toEqual(before)
  })

  it('are for marketing and administrators', async () => {
    for (const person of [world.service, await world.person(), undefined])
      for (const [method, path] of [
        ['GET', PATH],
        ['POST', PATH],
        ['PUT', `${PATH}/1`],
        ['DELETE', `${PATH}/1`],
        ['POST', `${PATH}/1/copy`],
        ['POST', `${PATH}/preview`],
        ['GET', `${PATH}/1/preview`],
      ] as const)
        expect((await world.call(method, path, { as: person, payload: {} })).status).toBe(person ? 403 : 401)
  })

  it('are in the log with what changed', async () => {
    const { id } = (await add({ type: 'text', name: '甲', content: '舊' })).body.data
    const put = (payload: object) => world.call('PUT', `${PATH}/${id}`, { as, payload })
    await put({ content: '新' })
    await put({ content: '新', name: '甲' })
    await world.call('DELETE', `${PATH}/${id}`, { as })
    await world.drain()
    const log = await world.rows(
      `SELECT action, changes FROM operation_log WHERE resource = 'template' AND resource_id = '${id}' ORDER BY id`,
    )
    expect(log).toEqual([
      { action: 'template.add', changes: { name: [null, '甲'], content: [null, '舊'] } },
      { action: 'template.change', changes: { content: ['舊', '新'] } },
      { action: 'template.delete', changes: {} },
    ])
  })
})

describe('A template that campaigns use', () => {
  const campaign = async (templateId: number, change: object = {}) => {
    const payload = { title: '活動', template_id: templateId, target_audience: { type: 'all' }, ...change }
    return (await world.call('POST', '/api/v1/campaigns', { as, payload })).body.data.id
  }
  const send = async (id: number) => {
    const { lineUid } = await member(world)
    world.line.users.set(String(lineUid), { displayName: '好友' })
    const sent = await world.call('POST', `/api/v1/campaigns/${id}/send`, { as })
    expect(sent.status).toBe(200)
    await world.drain()
  }
  const change = (id: number, content: string) => world.call('PUT', `${PATH}/${id}`, { as, payload: { content } })
  const remove = (id: number) => world.call('DELETE', `${PATH}/${id}`, { as })

  it('changes in place for a draft, and gets a new version once it was sent', async () => {
    const { id } = (await add({ type: 'text', content: '舊' })).body.data
    const first = await campaign(id)
    expect((await change(id, '更舊')).body.data.version).toBe(1)
    await send(first)
    expect((await change(id, '更舊')).body.data.version).toBe(1)
    expect((await change(id, '新')).body.data).toMatchObject({ content: '新', version: 2 })
    expect((await change(id, '更新')).body.data.version).toBe(2)
    const shown = await world.call('GET', `/api/v1/campaigns/${first}`, { as })
    expect(shown.body.data.template).toMatchObject({ id, content: '更舊', version: 1 })
    const second = await campaign(id)
    await send(second)
    expect((await change(id, '最新')).body.data.version).toBe(3)
    const later = await world.call('GET', `/api/v1/campaigns/${second}`, { as })
    expect(later.body.data.template).toMatchObject({ content: '更新', version: 2 })
    expect(await remove(id)).toMatchObject({ status: 409, body: { reason: 'template_in_use' } })
  })

  it('stays while a draft names it, and is deleted with the draft gone', async () => {
    const { id } = (await add({ type: 'text', content: 'a' })).body.data
    const draft = await campaign(id)
    expect((await remove(id)).body.message).toBe(`The template is used by campaign ${draft}.`)
    await world.call('DELETE', `/api/v1/campaigns/${draft}`, { as })
    expect((await remove(id)).status).toBe(200)
    const payload = { title: 'x', template_id: id, target_audience: { type: 'all' } }
    const late = await world.call('POST', '/api/v1/campaigns', { as, payload })
    expect(late.body.errors).toEqual([{ field: 'template_id', message: 'is no template' }])
  })

  it('stays while a sent link leads to it, or an auto-response answers with it', async () => {
    const answer = (await add({ type: 'text', content: 'a' })).body.data.id
    const buttons = [{ label: 'x', action_url: null }]
    const result = { type: 'template', template_id: answer }
    const { id } = (await add({ type: 'text_button', content: 'b', buttons, interaction_result: result })).body.data
    const sent = await campaign(id)
    await send(sent)
    const without = { buttons: [{ label: 'x', action_url: 'https://a.tw' }], interaction_result: null }
    expect((await world.call('PUT', `${PATH}/${id}`, { as, payload: without })).body.data.version).toBe(2)
    expect((await remove(answer)).body.message).toBe(`The template is used by campaign ${sent}.`)
    const welcome = (await add({ type: 'text', content: 'c' })).body.data.id
    const [{ rule }] = (await world.rows<{ rule: number }>(
      `INSERT INTO auto_responses (name, trigger_type, content, template_id, created_at)
       VALUES ('歡迎', 'welcome', '', ${welcome}, now()) RETURNING id AS rule`,
    )) as [{ rule: number }]
    expect((await remove(welcome)).body.message).toBe(`The template is used by auto-response ${rule}.`)
  })

  it.runIf(onServer)('is not deleted while a campaign is made of it', async () => {
    for (let n = 0; n < 10; n += 1) {
      const { id } = (await add({ type: 'text', content: 'a' })).body.data
      const payload = { title: 'x', template_id: id, target_audience: { type: 'all' } }
      const [made, removed] = await Promise.all([world.call('POST', '/api/v1/campaigns', { as, payload }), remove(id)])
      expect([made.status, removed.status]).toSatisfy(
        ([one, two]: number[]) => (one === 200 && two === 409) || (one === 422 && two === 200),
      )
    }
  })

  it.runIf(onServer)('is not changed while a campaign freezes it', async () => {
    for (let n = 0; n < 5; n += 1) {
      const { id } = (await add({ type: 'text', content: '舊' })).body.data
      const started = await campaign(id)
      await Promise.all([send(started), change(id, '新')])
      const { version, content } = (await world.call('GET', `/api/v1/campaigns/${started}`, { as })).body.data.template
      const now = (await world.call('GET', `${PATH}/${id}`, { as })).body.data
      // Two contents never share a version.
      expect(now.version === version).toBe(now.content === content)
    }
  })

  it('can’t take the place of a token, which would be told to others', async () => {
    const text = { type: 'text_button', content: '{token}', buttons: [{ label: 'x', action_url: 'https://a.tw' }] }
    expect((await add(text)).body.errors).toMatchObject([{ field: 'content' }])
    const leaking = { ...card, image_url: 'https://evil.tw/{token}.png' }
    const { image_url: url } = (await add({ type: 'image_card', carousel_items: [leaking] })).body.data
      .carousel_items[0]
    expect(url).toBe('https://evil.tw/%7Btoken%7D.png')
  })
})

it('The stored figures are right', async () => {
  expect(await world.verify()).toEqual([])
})
