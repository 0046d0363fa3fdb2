import { afterAll, describe, expect, it } from 'vitest'
import { openCrm, tag } from '../../../../test/support/crm.ts'
import { picture, upload } from '../../../../test/support/uploads.ts'

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

  it('get a new version once a campaign has used them', async () => {
    const { id } = (await add({ type: 'text', content: '舊' })).body.data
    await world.rows(`INSERT INTO crm_template_versions (template_id, version, template, created_at)
      VALUES (${id}, 1, '{}', now())`)
    const change = (content: string) => world.call('PUT', `${PATH}/${id}`, { as, payload: { content } })
    expect((await change('新')).body.data).toMatchObject({ content: '新', version: 2 })
    expect((await change('更新')).body.data.version).toBe(2)
  })

  it('show uploaded pictures, which are kept', async () => {
    const sent = await upload(world, '/api/v1/upload/image?category=templates', as, await picture(300, 200))
    expect(sent.body.data.url).toMatch(/^\/static\/uploads\/images\/templates\/\d{14}_[\w-]+\.(jpg|png|webp)$/)
    const { url } = sent.body.data
    expect(await add({ type: 'image_click', carousel_items: [{ image_url: url }] })).toMatchObject({ status: 200 })
    const served = await world.call('GET', url)
    expect([served.status, served.headers['x-content-type-options']]).toEqual([200, 'nosniff'])
    expect((await world.call('GET', `${url}?thumbnail=true`)).status).toBe(200)
    expect((await world.call('GET', url.replace('/templates/', '/members/'))).status).toBe(404)
    expect(await world.rows('SELECT in_use FROM files')).toEqual([{ in_use: true }])
    const lost = await upload(world, '/api/v1/upload/image', as, Buffer.from('no picture'))
    expect(lost).toMatchObject({ status: 400, body: { reason: 'not_an_image' } })
  })
})
