import { afterAll, describe, expect, test } from 'vitest'
import { member, openCrm, tag } from '../../../../test/support/crm.ts'
import { onServer } from '../../../../test/support/database.ts'

const world = await openCrm()
const { line, marketing, service } = world
afterAll(async () => {
  await world.kernel.jobs.runNow('crm.merges')
  expect(await world.verify()).toEqual([])
  await world.close()
})

/** Sends a campaign with a link to two members, each with a LINE account; answers them with the tokens of their links. */
async function sentToBoth() {
  line.received.length = 0
  const [mark, interaction] = [await tag(world), await tag(world, { type: 'interaction' })]
  const people = [await member(world, { tags: [mark] }), await member(world, { tags: [mark] })]
  for (const { lineUid } of people) line.users.set(lineUid ?? '', { displayName: 'x' })
  const call = (path: string, payload: object = {}) => world.call('POST', path, { as: marketing, payload })
  const buttons = [{ label: '看', action_url: 'https://hotel.com/a', interaction_tag_id: interaction }]
  const template = (await call('/api/v1/templates', { type: 'text_button', content: '優惠', buttons })).body.data.id
  const target_audience = { type: 'tags', include_tags: [mark] }
  const campaign = (await call('/api/v1/campaigns', { title: 'A', template_id: template, target_audience })).body.data
    .id
  await world.call('POST', `/api/v1/campaigns/${campaign}/send`, { as: marketing })
  await world.drain()
  const tokens = people.map(({ lineUid }) => {
    const text = JSON.stringify(line.received.filter(({ to }) => to === lineUid).map(({ message }) => message))
    return /(c\.\w+\.\w+\.[\w-]{22})/.exec(text)?.[1] ?? ''
  })
  const [target, source] = people.map(({ id }) => id)
  const merge = () =>
    world.call('POST', `/api/v1/members/${target}/merge`, {
      as: service,
      payload: { from_id: source, prefer: { line_uid: 'target' } },
    })
  const follow = (n: number) => world.call('GET', `/t/${tokens[n]}.0`)
  const figures = async () => {
    const { body } = await world.call('GET', `/api/v1/campaigns/${campaign}`, { as: marketing })
    const clicks = await world.rows(`SELECT DISTINCT member_id FROM crm_clicks WHERE campaign_id = ${campaign}`)
    const [logged] = await world.rows<{ n: number }>(`
      SELECT count(*)::int AS n FROM tag_trigger_logs WHERE tag_id = ${interaction} AND member_id = ${target}`)
    return [body.data.sent_count, body.data.opened_count, body.data.clicked_count, clicks, logged?.n]
  }
  return { target, merge, follow, figures }
}

describe('the links of a campaign that both members got', () => {
  test('work after the merge, and count for the one who is left', async () => {
    const { target, merge, follow, figures } = await sentToBoth()
    expect((await merge()).status).toBe(200)
    expect(await figures()).toEqual([1, 0, 0, [], 0])
    for (const n of [0, 1]) expect((await follow(n)).status).toBe(302)
    expect(await figures()).toEqual([1, 1, 1, [{ member_id: target }], 2])
  })

  test.runIf(onServer)('lose no click that meets the merge', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 10; round += 1) {
      const { target, merge, follow, figures } = await sentToBoth()
      const [merged, ...followed] = await Promise.all([merge(), follow(0), follow(1), follow(1)])
      expect([merged.status, ...followed.map(({ status }) => status)]).toEqual([200, 302, 302, 302])
      await world.kernel.jobs.runNow('crm.merges')
      expect(await figures()).toEqual([1, 1, 1, [{ member_id: target }], 3])
    }
  })
})
