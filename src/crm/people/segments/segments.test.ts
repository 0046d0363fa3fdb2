import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrmWorld, member, openCrm, tag } from '../../../../test/support/crm.ts'
import { onServer, waitForLocks } from '../../../../test/support/database.ts'
import { type Call, callsBy } from '../../../../test/support/world.ts'
import { segmentCondition } from '../../core/audience/conditionsStore.ts'

let world: CrmWorld
let call: Call
const ids: Record<'vip' | 'ann' | 'ben' | 'cay' | 'dan', number> = { vip: 0, ann: 0, ben: 0, cay: 0, dan: 0 }

beforeAll(async () => {
  world = await openCrm()
  call = callsBy(world, world.marketing)
  ids.vip = await tag(world)
  ids.ann = (await member(world, { firstName: '安', tags: [ids.vip] })).id
  ids.ben = (await member(world, { firstName: '本', tags: [ids.vip], acceptMarketing: false })).id
  ids.cay = (await member(world, { firstName: '凱', lineUid: null, email: 'cay@example.com' })).id
  ids.dan = (await member(world, { firstName: '丹', unfollowed: true, tags: [ids.vip] })).id
  const gone = (await member(world, { tags: [ids.vip] })).id
  await sql`UPDATE members SET deleted_at = now() WHERE id = ${gone}`.execute(world.database.db)
  await sql`UPDATE member_tags SET member_count = 3 WHERE id = ${ids.vip}`.execute(world.database.db)
  await sql`DELETE FROM member_tag_relations WHERE member_id = ${gone}`.execute(world.database.db)
})
afterAll(() => world.close())

const vips = () => ({ kind: 'tags', any: [ids.vip] })

async function addSegment(name: string, condition: object = vips()): Promise<number> {
  const { status, body } = await call('POST', '/api/v1/segments', { name, condition })
  expect(status, JSON.stringify(body)).toBe(200)
  return body.data.id
}

/** Adds a campaign for a segment. */
async function campaignFor(segmentId: number, status: string): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    WITH t AS (INSERT INTO message_templates (type, content, created_at) VALUES ('text', 'x', now()) RETURNING id)
    INSERT INTO campaigns (title, template_id, target_audience, status, created_at)
    SELECT ${`活動 ${status}`}, id, ${JSON.stringify({ type: 'segment', segment_id: segmentId })}::text::jsonb, ${status}, now()
    FROM t RETURNING id`.execute(world.database.db)
  return rows[0]?.id ?? 0
}

describe('a segment', () => {
  test('is added, read with its numbers, changed and deleted', async () => {
    const { body } = await call('POST', '/api/v1/segments', { name: '貴賓', description: '常來', condition: vips() })
    const { id } = body.data
    expect(body).toMatchObject({
      code: 200,
      message: 'success',
      data: { name: '貴賓', description: '常來', condition: vips(), member_count: 3, reachable_count: 1 },
    })
    expect(body.data.created_by.id).toBe(world.marketing.id)

    const changed = await call('PUT', `/api/v1/segments/${id}`, { condition: { not: vips() } })
    expect(changed.body.data).toMatchObject({ name: '貴賓', description: '常來', member_count: 1, reachable_count: 0 })
    const cleared = await call('PUT', `/api/v1/segments/${id}`, { description: null, name: '其他' })
    expect(cleared.body.data).toMatchObject({ name: '其他', description: null, condition: { not: vips() } })

    expect((await call('DELETE', `/api/v1/segments/${id}`)).body.message).toBe('Segment deleted successfully')
    expect((await call('GET', `/api/v1/segments/${id}`)).status).toBe(404)
    await world.drain()
    const log = await world.rows<{ action: string; changes: Record<string, unknown> }>(
      `SELECT action, changes FROM operation_log WHERE resource = 'crm_segment' AND resource_id = '${id}' ORDER BY id`,
    )
    expect(log.map(({ action }) => action)).toEqual([
      'crm.segment.create',
      'crm.segment.update',
      'crm.segment.update',
      'crm.segment.delete',
    ])
    expect(log[2]?.changes).toEqual({ name: ['貴賓', '其他'], description: ['常來', null] })
  })

  test('is listed by name and search', async () => {
    const [b, a] = [await addSegment('表單乙'), await addSegment('表單甲 a%b')]
    const listed = await call('GET', '/api/v1/segments?search=表單&sort_by=created_at&order=asc&page_size=1&page=2')
    expect(listed.body.data).toMatchObject({ items: [{ id: a }], total: 2, page: 2, page_size: 1, total_pages: 2 })
    expect(
      (await call('GET', '/api/v1/segments?search=%25')).body.data.items.map((one: { id: number }) => one.id),
    ).toEqual([a])
    for (const id of [a, b]) await call('DELETE', `/api/v1/segments/${id}`)
  })

  test('refuses wrong conditions and taken names, naming the field', async () => {
    const id = await addSegment('唯一')
    const fields = async (payload: object, method: 'POST' | 'PUT' = 'POST') => {
      const path = method === 'POST' ? '/api/v1/segments' : `/api/v1/segments/${id}`
      const { status, body } = await call(method, path, payload)
      return [status, ...(body.errors ?? []).map(({ field }: { field: string }) => field)]
    }
    expect(await fields({ name: '唯一', condition: vips() })).toEqual([409, 'name'])
    expect(await fields({ name: '  ', condition: vips() })).toEqual([422, 'name'])
    expect(await fields({ name: 'x', condition: { all: [vips(), { kind: 'tags', any: [ids.vip, 9999] }] } })).toEqual([
      422,
      'condition.all[1].any[1]',
    ])
    expect(await fields({ condition: { kind: 'campaign', id: 9999, did: 'open' } }, 'PUT')).toEqual([
      422,
      'condition.id',
    ])
    expect(await fields({ condition: {} }, 'PUT')).toEqual([422, 'condition.kind'])
    expect(await fields({ condition: { kind: 'age' } }, 'PUT')).toEqual([422, 'condition'])
    expect(await fields({}, 'PUT')).toEqual([422, ''])
    const nested = (levels: number): object => (levels === 0 ? vips() : { all: [nested(levels - 1)] })
    expect((await fields({ name: 'deep', condition: nested(8) }))[0]).toBe(200)
    expect((await fields({ name: 'deeper', condition: nested(9) }))[0]).toBe(422)
    expect((await fields({ name: 'deepest', condition: nested(200) }))[0]).toBe(422)
  })

  test('has pages of members, those who interacted last first, without deleted ones', async () => {
    const id = await addSegment('頁')
    await sql`UPDATE members SET last_interaction_at = ${new Date('2026-03-01T00:00:00Z')} WHERE id = ${ids.ben}`.execute(
      world.database.db,
    )
    const path = `/api/v1/segments/${id}/members`
    const { body } = await call('GET', path, undefined, world.service)
    expect(body.data.total).toBe(3)
    expect(body.data.items.map((one: { id: number }) => one.id)).toEqual([ids.ben, ids.dan, ids.ann])
    expect(body.data.items[0].tags).toMatchObject([{ id: ids.vip, type: 'member' }])
    const second = await call('GET', `${path}?page=2&page_size=2`)
    expect(second.body.data.items.map((one: { id: number }) => one.id)).toEqual([ids.ann])
    expect((await call('GET', '/api/v1/segments/99999/members')).status).toBe(404)
  })
})

describe('the preview', () => {
  test('counts the whole, the reachable and every branch by itself', async () => {
    const condition = {
      all: [
        vips(),
        { not: { kind: 'accept_marketing', is: false } },
        { any: [{ kind: 'has', what: 'email' }, vips()] },
      ],
    }
    const { body } = await call('POST', '/api/v1/segments/preview', { condition })
    expect(body.data).toMatchObject({
      count: 2,
      reachable_count: 1,
      explain: {
        path: '/condition',
        kind: 'all',
        count: 2,
        parts: [
          { path: '/condition/all/0', kind: 'tags', count: 3, parts: [] },
          {
            kind: 'not',
            count: 3,
            parts: [{ path: '/condition/all/1/not', kind: 'accept_marketing', count: 1 }],
          },
          {
            kind: 'any',
            count: 4,
            parts: [
              { kind: 'has', count: 1 },
              { path: '/condition/all/2/any/1', count: 3 },
            ],
          },
        ],
      },
    })
    expect(body.data.members.map((one: { id: number }) => one.id)).toEqual([ids.dan, ids.ann])
  })

  test('shows ten members, and none to people who may not read members', async () => {
    const many: number[] = []
    for (let n = 0; n < 11; n += 1) many.push((await member(world, { lastName: '十', lineUid: null })).id)
    const payload = { condition: { kind: 'name', contains: '十' } }
    const { body } = await call('POST', '/api/v1/segments/preview', payload)
    expect([body.data.count, body.data.members.length]).toEqual([11, 10])
    await sql`DELETE FROM members WHERE id = ANY (${many}::bigint[])`.execute(world.database.db)
  })

  test('takes the largest condition', async () => {
    const leaf = { kind: 'consumption', orders: { to: 0 }, period: { in_last_days: 30 } }
    const condition = { any: [0, 1].map(() => ({ all: Array.from({ length: 50 }, () => leaf) })) }
    const { body } = await call('POST', '/api/v1/segments/preview', { condition })
    expect([body.data.count, body.data.explain.parts[1].parts[49].count]).toEqual([4, 4])
  })
})

describe('deleting a segment', () => {
  test.each(['draft', 'scheduled', 'sending', 'paused'])(
    'is refused while a %s campaign is sent to it',
    async (status) => {
      const id = await addSegment(`用於 ${status}`)
      const other = await addSegment(`旁 ${status}`)
      const campaign = await campaignFor(id, status)
      const refused = await call('DELETE', `/api/v1/segments/${id}`)
      expect([refused.status, refused.body.reason]).toEqual([409, 'in_use'])
      expect(refused.body.message).toContain(`活動 ${status} (${campaign})`)
      expect((await call('DELETE', `/api/v1/segments/${other}`)).status).toBe(200)
    },
  )

  test.each(['sent', 'failed', 'cancelled'])('is done when its campaign is %s', async (status) => {
    const id = await addSegment(`曾用 ${status}`)
    await campaignFor(id, status)
    expect((await call('DELETE', `/api/v1/segments/${id}`)).status).toBe(200)
  })

  test.runIf(onServer)('waits for a campaign that is being written for it, and is refused then', async () => {
    const id = await addSegment('賽跑')
    const { db } = world.database
    let deleting: ReturnType<Call> | undefined
    await db.transaction().execute(async (tx) => {
      expect(await segmentCondition(tx, id, { lock: true })).toEqual(vips())
      deleting = call('DELETE', `/api/v1/segments/${id}`)
      await waitForLocks(db, 1)
      await sql`
        INSERT INTO campaigns (title, template_id, target_audience, status, created_at)
        SELECT '剛好', min(id), ${JSON.stringify({ type: 'segment', segment_id: id })}::text::jsonb, 'draft', now()
        FROM message_templates`.execute(tx)
    })
    expect((await deleting)?.status).toBe(409)
  })
})

test('people without the rights are refused', async () => {
  const id = await addSegment('權限')
  const status = async (...given: Parameters<Call>) => (await call(...given)).status
  expect(await status('POST', '/api/v1/segments', { name: 'x', condition: vips() }, world.service)).toBe(403)
  expect(await status('PUT', `/api/v1/segments/${id}`, { name: 'x' }, world.service)).toBe(403)
  expect(await status('DELETE', `/api/v1/segments/${id}`, undefined, world.service)).toBe(403)
  expect(await status('GET', `/api/v1/segments/${id}`, undefined, world.service)).toBe(200)
  expect(await status('GET', '/api/v1/segments', undefined, null)).toBe(401)
  expect(await status('GET', '/api/v1/segments', undefined, await world.person('crm:guest'))).toBe(403)
})
