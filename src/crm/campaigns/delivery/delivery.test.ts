import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { member, openCrm, tag } from '../../../../test/support/crm.ts'
import { onServer } from '../../../../test/support/database.ts'

const world = await openCrm()
const as = world.marketing
const { line } = world
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})
beforeEach(() => {
  line.fault = () => undefined
  line.limit = null
  line.received.length = 0
})

const PATH = '/api/v1/campaigns'
const post = (path: string, payload?: object) => world.call('POST', `${PATH}${path}`, { as, payload })
const TEXT = { type: 'text', content: '中秋快樂' }
const CARD = {
  type: 'image_card',
  notification_text: '中秋優惠',
  carousel_items: [{ image_url: 'https://cdn.hotel.com/1.jpg', title: '商務', action_url: 'https://hotel.com/a' }],
}

/** A campaign to the members of a new tag. */
async function campaign(count: number, template: object = TEXT, extra: object = {}) {
  const mark = await tag(world)
  const people = []
  for (let n = 0; n < count; n += 1) {
    const one = await member(world, { tags: [mark] })
    line.users.set(one.lineUid ?? '', { displayName: 'x' })
    people.push(one)
  }
  const made = await world.call('POST', '/api/v1/templates', { as, payload: template })
  const payload = {
    title: '中秋',
    template_id: made.body.data.id,
    target_audience: { type: 'tags', include_tags: [mark] },
    ...extra,
  }
  const { body } = await world.call('POST', PATH, { as, payload })
  return { id: body.data.id as number, people, mark, templateId: made.body.data.id as number }
}
const detail = async (id: number) => (await world.call('GET', `${PATH}/${id}`, { as })).body.data
const elapse = async (minutes: number) => {
  world.clock.set(new Date(world.clock.now().getTime() + minutes * 60_000))
  await world.system.jobs.runNow('crm.campaigns')
  await world.drain()
}

describe('A campaign', () => {
  it('of one text goes by multicast to everybody once, and is counted', async () => {
    const { id, people } = await campaign(3)
    const calls = { ...line.calls }
    const sent = await post(`/${id}/send`)
    expect(sent.body).toMatchObject({ message: 'Campaign sent successfully', data: { campaign_id: id, sent_count: 3 } })
    expect(await detail(id)).toMatchObject({ status: 'sending', recipient_count: 3, pending_count: 3 })
    await world.drain()
    expect(line.received.map(({ to, via }) => [to, via])).toEqual(people.map(({ lineUid }) => [lineUid, 'multicast']))
    expect([line.calls.multicast - calls.multicast, line.calls.push - calls.push]).toEqual([1, 0])
    expect(await detail(id)).toMatchObject({ status: 'sent', sent_count: 3, pending_count: 0, open_rate: 0 })
    expect(await world.rows(`SELECT content, sender_type FROM messages WHERE campaign_id = ${id}`)).toEqual(
      people.map(() => ({ content: '中秋快樂', sender_type: 'campaign' })),
    )
    expect(await world.rows(`SELECT day::text, sent FROM crm_campaign_days WHERE campaign_id = ${id}`)).toEqual([
      { day: '2026-03-02', sent: 3 },
    ])
    expect((await post(`/${id}/send`)).body).toMatchObject({ code: 409, reason: 'bad_state' })
  })

  it('with links goes by pushes, each with links of its own', async () => {
    const { id, people } = await campaign(2, CARD)
    await post(`/${id}/send`)
    await world.drain()
    expect(line.received.map(({ via }) => via)).toEqual(['push', 'push'])
    const links = line.received.map(({ message }) => /\/t\/([\w.-]+)"/.exec(JSON.stringify(message))?.[1])
    expect(new Set(links).size).toBe(2)
    for (const link of links) expect(link).toMatch(/^c\.\w+\.\w+\.[\w-]{22}\.0$/)
    expect(new Set(line.received.map(({ to }) => to))).toEqual(new Set(people.map(({ lineUid }) => lineUid)))
  })

  it('leaves out members whom LINE doesn’t reach, and says why', async () => {
    const { id, mark } = await campaign(1)
    await member(world, { tags: [mark], lineUid: null })
    await member(world, { tags: [mark], unfollowed: true })
    await member(world, { tags: [mark], acceptMarketing: false })
    const { data } = (await world.call('GET', `${PATH}/${id}/preflight`, { as })).body
    expect(data).toMatchObject({
      reach: { recipients: 1, no_line: 1, unfollowed: 1, no_marketing: 1 },
      faults: [],
      can_send: true,
    })
    await post(`/${id}/send`)
    expect((await detail(id)).excluded).toEqual({ no_line: 1, unfollowed: 1, no_marketing: 1 })
    await world.drain()
  })

  it('to nobody, without enough quota, or twice is refused, and nothing changes', async () => {
    const { id } = await campaign(2)
    line.limit = line.used + 1
    expect((await post(`/${id}/send`)).body).toMatchObject({ code: 409, reason: 'quota_too_small' })
    expect(await detail(id)).toMatchObject({ status: 'draft', recipient_count: 0 })
    line.limit = null
    const nobody = await campaign(0)
    expect((await post(`/${nobody.id}/send`)).body.reason).toBe('no_recipients')
    expect((await post('/999999/send')).status).toBe(404)
    expect(await world.rows(`SELECT 1 FROM campaign_recipients WHERE campaign_id IN (${id}, ${nobody.id})`)).toEqual([])
  })

  it.runIf(onServer)('starts once when it is sent twice at the same time', async () => {
    const { id } = await campaign(2)
    const both = await Promise.all([post(`/${id}/send`), post(`/${id}/send`)])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    await world.drain()
    expect(line.received).toHaveLength(2)
  })

  it('is scheduled, changed until it begins, and starts at its time', async () => {
    const { id } = await campaign(1, TEXT, { scheduled_at: '2026-03-02T09:00:00' })
    expect(await detail(id)).toMatchObject({ status: 'scheduled', scheduled_at: '2026-03-02T01:00:00.000Z' })
    const change = (payload: object) => world.call('PUT', `${PATH}/${id}`, { as, payload })
    expect((await change({ scheduled_at: '2026-03-02T08:00:00' })).body.errors).toMatchObject([
      { field: 'scheduled_at' },
    ])
    expect((await change({ title: '新' })).body.data.title).toBe('新')
    await elapse(59)
    expect(line.received).toHaveLength(0)
    await elapse(1)
    expect(line.received).toHaveLength(1)
    expect((await change({ title: '晚' })).body.reason).toBe('bad_state')
    expect((await world.call('DELETE', `${PATH}/${id}`, { as })).body.reason).toBe('bad_state')
  })

  it('is paused, resumed and cancelled', async () => {
    const { id } = await campaign(2)
    await post(`/${id}/send`)
    expect((await post(`/${id}/pause`)).body.data.status).toBe('paused')
    await world.drain()
    expect(line.received).toHaveLength(0)
    expect((await post(`/${id}/resume`)).body.data.status).toBe('sending')
    await world.drain()
    expect(line.received).toHaveLength(2)
    const other = await campaign(2)
    await post(`/${other.id}/send`)
    expect((await post(`/${other.id}/cancel`)).body.data).toMatchObject({ status: 'cancelled', skipped_count: 2 })
    await world.drain()
    expect(line.received).toHaveLength(2)
  })

  it('judges each member again before the message leaves', async () => {
    const { id, people } = await campaign(3)
    await post(`/${id}/send`)
    const [first, second] = people.map((one) => one.id)
    await world.rows(`UPDATE members SET unfollowed_at = now() WHERE id = ${first}`)
    await world.rows(`UPDATE members SET accept_marketing = false WHERE id = ${second}`)
    await world.drain()
    expect(line.received.map(({ to }) => to)).toEqual([people[2]?.lineUid])
    const { body } = await world.call('GET', `${PATH}/${id}/recipients?status=skipped`, { as })
    expect(body.data.items.map((one: { error_message: string }) => one.error_message)).toEqual([
      'the member has unfollowed',
      'the member no longer accepts marketing',
    ])
  })
})

describe('A fault of LINE', () => {
  it('cuts the answer off: the call is repeated with the same key, and nobody gets it twice', async () => {
    const { id } = await campaign(3, CARD)
    const keys: (string | undefined)[] = []
    let cuts = 2
    line.fault = ({ retryKey }) => {
      keys.push(retryKey)
      cuts -= 1
      return cuts >= 0 ? 'cut' : undefined
    }
    await post(`/${id}/send`)
    await world.drain()
    expect(await detail(id)).toMatchObject({ status: 'sending', sent_count: 1, pending_count: 2 })
    await elapse(10)
    expect(await detail(id)).toMatchObject({ status: 'sent', sent_count: 3 })
    expect(line.received).toHaveLength(3)
    expect(new Set(keys).size).toBe(3)
  })

  it.each([
    ['unfollows', 'unfollowed_at = now()'],
    ['refuses marketing', 'accept_marketing = false'],
  ])('cuts off the answer to a call for many, and one of them %s: the same call is repeated', async (_what, change) => {
    const { id, people } = await campaign(3)
    let isFirst = true
    const calls = { ...line.calls }
    line.fault = () => {
      const fault = isFirst ? 'cut' : undefined
      isFirst = false
      return fault
    }
    await post(`/${id}/send`)
    await world.drain()
    await world.rows(`UPDATE members SET ${change} WHERE id = ${people[0]?.id}`)
    await elapse(10)
    expect(line.received.map(({ via }) => via)).toEqual(['multicast', 'multicast', 'multicast'])
    expect(line.calls.push).toBe(calls.push)
    expect(await detail(id)).toMatchObject({ status: 'sent', sent_count: 3, unknown_count: 0 })
  })

  it('cuts off the answer to a call for many, and one of them is deleted: nobody gets it twice', async () => {
    const { id, people } = await campaign(3)
    let isFirst = true
    line.fault = () => {
      const fault = isFirst ? 'cut' : undefined
      isFirst = false
      return fault
    }
    await post(`/${id}/send`)
    await world.drain()
    await world.call('DELETE', `/api/v1/members/${people[0]?.id}`, { as: world.service })
    await elapse(10)
    await elapse(10)
    expect(line.received).toHaveLength(3)
    // The call can't be repeated with the same recipients, so that a person must decide.
    expect(await detail(id)).toMatchObject({ status: 'sent', sent_count: 0, unknown_count: 2, skipped_count: 1 })
  })

  it('loses the answer for a day: a person decides, and the software does not guess', async () => {
    const { id } = await campaign(2, CARD)
    line.fault = () => 'lost'
    await post(`/${id}/send`)
    await world.drain()
    await elapse(60)
    expect(await detail(id)).toMatchObject({ status: 'sending', pending_count: 2, unknown_count: 0 })
    await elapse(24 * 60)
    expect(await detail(id)).toMatchObject({ status: 'sent', pending_count: 0, unknown_count: 2, sent_count: 0 })
    line.fault = () => undefined
    expect((await post(`/${id}/unknown`, { decision: 'resend' })).body.data.count).toBe(2)
    await world.drain()
    expect(await detail(id)).toMatchObject({ status: 'sent', sent_count: 2, unknown_count: 0 })
    expect((await post(`/${id}/unknown`, { decision: 'sent' })).body.reason).toBe('nothing_unknown')
    world.clock.set(new Date('2026-03-02T01:00:00Z'))
  })

  it.each(['busy', 'error'] as const)('%s for a while is waited for', async (fault) => {
    const { id } = await campaign(2, CARD)
    let left = 4
    line.fault = () => {
      left -= 1
      return left >= 0 ? fault : undefined
    }
    await post(`/${id}/send`)
    await world.drain()
    for (let n = 0; n < 4; n += 1) await elapse(10)
    expect(await detail(id)).toMatchObject({ status: 'sent', sent_count: 2 })
    expect(line.received).toHaveLength(2)
  })

  it('refuses one recipient, and the others get theirs; only the failed are tried again', async () => {
    const { id, people } = await campaign(3)
    // LINE refuses the call to many because of one user; pushes go to each.
    await world.rows(`UPDATE members SET line_uid = 'bad user' WHERE id = ${people[1]?.id}`)
    line.fault = ({ to }) => (to.includes('bad user') ? 'refused' : undefined)
    await post(`/${id}/send`)
    await world.drain()
    await elapse(1)
    expect(await detail(id)).toMatchObject({ status: 'sent', sent_count: 2, failed_count: 1 })
    line.fault = () => undefined
    line.users.set('bad user', { displayName: 'x' })
    expect((await post(`/${id}/retry-failed`)).body.data.count).toBe(1)
    await world.drain()
    expect(await detail(id)).toMatchObject({ status: 'sent', sent_count: 3, failed_count: 0 })
    expect(line.received.map(({ via }) => via)).toEqual(['push', 'push', 'push'])
    expect((await post(`/${id}/retry-failed`)).body.reason).toBe('nothing_failed')
  })

  it('that the month’s messages are used up pauses the campaign, and its creator is told', async () => {
    const { id } = await campaign(2)
    line.fault = () => 'quota'
    await post(`/${id}/send`)
    await world.drain()
    expect(await detail(id)).toMatchObject({ status: 'paused', error_code: 'quota', pending_count: 2 })
    expect((await world.inbox(as)).at(-1)).toMatchObject({ type: 'crm.campaign_paused' })
    line.fault = () => undefined
    await post(`/${id}/resume`)
    await elapse(5)
    expect(await detail(id)).toMatchObject({ status: 'sent', sent_count: 2, error_code: null })
  })
})

describe('A daily campaign', () => {
  it('reaches each member once, so many local days after the last follow, both ends in', async () => {
    world.clock.set(new Date('2026-03-10T00:00:00Z'))
    const extra = {
      scheduled_at: '2026-03-11T10:00:00',
      trigger_condition: { type: 'friend_days', days_range: [1, 2] },
    }
    const { id, mark } = await campaign(0, TEXT, extra)
    const follow = async (at: string) => {
      const one = await member(world, { tags: [mark], followedAt: new Date(at) })
      line.users.set(one.lineUid ?? '', { displayName: 'x' })
      return one.lineUid
    }
    // On 11 March: yesterday and the day before, in Taipei.
    await follow('2026-03-10T16:00:00Z')
    const yesterday = await follow('2026-03-10T15:59:59Z')
    const before = await follow('2026-03-08T16:00:00Z')
    await follow('2026-03-08T15:59:59Z')
    world.clock.set(new Date('2026-03-11T01:59:00Z'))
    await elapse(0)
    expect(line.received).toHaveLength(0)
    await elapse(1)
    expect(new Set(line.received.map(({ to }) => to))).toEqual(new Set([yesterday, before]))
    expect(await detail(id)).toMatchObject({ status: 'scheduled', sent_count: 2 })
    await elapse(60)
    expect(line.received).toHaveLength(2)
    await elapse(23 * 60)
    expect(line.received).toHaveLength(3)
    expect(await detail(id)).toMatchObject({ status: 'scheduled', sent_count: 3 })
    expect((await post(`/${id}/cancel`)).body.data.status).toBe('cancelled')
  })
})

it('campaigns are refused with what is wrong about them', async () => {
  const { templateId, mark } = await campaign(0)
  const faults = async (payload: object) => {
    const body = { title: 'A', template_id: templateId, target_audience: { type: 'all' }, ...payload }
    const { status, body: answer } = await world.call('POST', PATH, { as, payload: body })
    return status === 200 ? [] : answer.errors.map(({ field }: { field: string }) => field)
  }
  expect(await faults({})).toEqual([])
  expect(await faults({ template_id: 999_999 })).toEqual(['template_id'])
  expect(await faults({ target_audience: { type: 'tags' } })).toEqual(['target_audience.include_tags'])
  expect(await faults({ target_audience: { type: 'tags', include_tags: [mark, 999_999] } })).toEqual([
    'target_audience.include_tags[1]',
  ])
  expect(await faults({ target_audience: { type: 'all', include_tags: [mark] } })).toEqual([
    'target_audience.include_tags',
  ])
  expect(await faults({ target_audience: { type: 'segment' } })).toEqual(['target_audience.segment_id'])
  expect(await faults({ target_audience: { type: 'all', segment_id: 1 } })).toEqual(['target_audience.segment_id'])
  expect(await faults({ scheduled_at: '2020-01-01T00:00:00' })).toEqual(['scheduled_at'])
  const trigger = { type: 'friend_days', days_range: [7, 29] }
  expect(await faults({ trigger_condition: trigger })).toEqual(['scheduled_at'])
  expect(
    await faults({ trigger_condition: { ...trigger, days_range: [9, 7] }, scheduled_at: '2027-01-01T00:00' }),
  ).toEqual(['trigger_condition.days_range'])
  expect((await world.call('GET', PATH, { as: world.service })).status).toBe(403)
})
