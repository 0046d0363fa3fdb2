import { afterAll, expect, it } from 'vitest'
import { member, openCrm, tag } from '../../../../test/support/crm.ts'
import { onServer } from '../../../../test/support/database.ts'

const world = await openCrm()
const as = world.marketing
const { line } = world
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

/** A sent campaign to one member; answers the links in their message. */
async function sent(button: object = { label: '看', action_url: 'https://hotel.com/a' }, extra: object = {}) {
  line.received.length = 0
  const mark = await tag(world)
  const { id, lineUid } = await member(world, { tags: [mark] })
  line.users.set(lineUid ?? '', { displayName: 'x' })
  const payload = { type: 'text_button', content: '優惠', buttons: [button], ...extra }
  const template = (await world.call('POST', '/api/v1/templates', { as, payload })).body.data.id
  const target_audience = { type: 'tags', include_tags: [mark] }
  const made = await world.call('POST', '/api/v1/campaigns', {
    as,
    payload: { title: 'A', template_id: template, target_audience },
  })
  const campaignId = made.body.data.id
  await world.call('POST', `/api/v1/campaigns/${campaignId}/send`, { as })
  await world.drain()
  const text = JSON.stringify(line.received[0]?.message)
  const token = /(c\.\w+\.\w+\.[\w-]{22})/.exec(text)?.[1] ?? ''
  const detail = async () => (await world.call('GET', `/api/v1/campaigns/${campaignId}`, { as })).body.data
  const follow = (end = '.0') => world.call('GET', `/t/${token}${end}`)
  return { memberId: id, campaignId, token, detail, follow }
}

it('a click leads to the stored address, is counted once, and puts the tags of both levels on each time', async () => {
  const [part, whole] = [await tag(world, { type: 'interaction' }), await tag(world, { type: 'interaction' })]
  const { memberId, detail, follow, campaignId } = await sent(
    { label: '看', action_url: 'https://hotel.com/a?b=1', interaction_tag_id: part },
    { interaction_tag_id: whole },
  )
  const first = await follow()
  expect([first.status, first.headers.location, first.headers['cache-control']]).toEqual([
    302,
    'https://hotel.com/a?b=1',
    'no-store',
  ])
  expect((await follow()).status).toBe(302)
  expect(await detail()).toMatchObject({ sent_count: 1, opened_count: 1, clicked_count: 1, click_rate: 100 })
  const tags = await world.call('GET', `/api/v1/members/${memberId}`, { as })
  expect(tags.body.data.tags.map(({ id }: { id: number }) => id)).toEqual(expect.arrayContaining([part, whole]))
  expect(
    await world.rows(`SELECT trigger_count, member_count FROM interaction_tags WHERE id IN (${part}, ${whole})`),
  ).toEqual([
    { trigger_count: 2, member_count: 1 },
    { trigger_count: 2, member_count: 1 },
  ])
  expect(await world.rows(`SELECT status FROM campaign_recipients WHERE campaign_id = ${campaignId}`)).toEqual([
    { status: 'clicked' },
  ])
})

it('an opening is counted once, and a click counts as one', async () => {
  const { token, detail } = await sent()
  for (let n = 0; n < 2; n += 1) expect((await world.call('GET', `/o/${token}.png`)).status).toBe(200)
  expect(await detail()).toMatchObject({ opened_count: 1, clicked_count: 0 })
})

it('a tap without an address sends the other template', async () => {
  const other = await world.call('POST', '/api/v1/templates', { as, payload: { type: 'text', content: '回覆' } })
  const interaction_result = { type: 'both', url: 'https://hotel.com/b', template_id: other.body.data.id }
  const { memberId, follow } = await sent({ label: '看' }, { interaction_result })
  expect((await follow()).headers.location).toBe('https://hotel.com/b')
  expect(
    await world.rows(`SELECT content, status FROM messages WHERE member_id = ${memberId} AND campaign_id IS NULL`),
  ).toEqual([{ content: '回覆', status: 'queued' }])
})

it('forged, altered and foreign links lead nowhere and count nothing', async () => {
  const { token, detail, follow } = await sent()
  const other = await sent()
  const [head, campaign, recipient, mark] = token.split('.')
  for (const forged of [
    `${head}.${campaign}.${recipient}.${'A'.repeat(22)}.0`,
    `${head}.${campaign}.${Number.parseInt(recipient ?? '', 36) + 1}.${mark}.0`,
    `${other.token.split('.').slice(0, 3).join('.')}.${mark}.0`,
    `${token}.9`,
    token,
  ])
    expect((await world.call('GET', `/t/${forged}`)).status, forged).toBe(404)
  expect((await world.call('GET', `/o/${token}.0.png`)).status).toBe(404)
  expect((await follow('.99')).status).toBe(404)
  expect(await detail()).toMatchObject({ opened_count: 0, clicked_count: 0 })
})

it('a click proves that a message of unknown fate arrived', async () => {
  const { campaignId, detail, follow } = await sent()
  await world.rows(
    `UPDATE campaign_recipients SET status = 'unknown', sent_at = NULL WHERE campaign_id = ${campaignId}`,
  )
  await world.rows(`UPDATE campaigns SET sent_count = 0, unknown_count = 1 WHERE id = ${campaignId}`)
  await world.rows(`UPDATE crm_campaign_days SET sent = 0 WHERE campaign_id = ${campaignId}`)
  await follow()
  expect(await detail()).toMatchObject({ sent_count: 1, unknown_count: 0, clicked_count: 1 })
})

it.runIf(onServer)('two first clicks at once count one', async () => {
  const { detail, follow, campaignId } = await sent()
  await Promise.all([follow(), follow(), follow()])
  expect(await detail()).toMatchObject({ opened_count: 1, clicked_count: 1 })
  expect(await world.rows(`SELECT 1 FROM crm_clicks WHERE campaign_id = ${campaignId}`)).toHaveLength(3)
})

it('a deleted member’s click still leads on, and nothing about them is written', async () => {
  const { memberId, follow, campaignId } = await sent()
  await world.call('DELETE', `/api/v1/members/${memberId}`, { as: world.service })
  expect((await follow()).status).toBe(302)
  expect(await world.rows(`SELECT 1 FROM crm_clicks WHERE campaign_id = ${campaignId}`)).toEqual([])
})
