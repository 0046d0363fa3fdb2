import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CrmWorld, member, openCrm, tag } from '../../../../test/support/crm.ts'
import { onServer } from '../../../../test/support/database.ts'
import { type Call, callsBy } from '../../../../test/support/world.ts'

let world: CrmWorld
let call: Call

beforeAll(async () => {
  world = await openCrm()
  call = callsBy(world, world.service)
})
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  expect(await wrongCounters()).toEqual([])
  await world.close()
})

/** Tags whose counters differ from their rows. */
const wrongCounters = () =>
  world.rows(`
    SELECT id FROM member_tags t
    WHERE member_count <> (SELECT count(*) FROM member_tag_relations r WHERE r.tag_id = t.id)
    UNION ALL
    SELECT id FROM interaction_tags t
    WHERE member_count <> (SELECT count(*) FROM member_tag_relations r WHERE r.tag_id = t.id)
      OR trigger_count <> (SELECT count(*) FROM tag_trigger_logs l WHERE l.tag_id = t.id)`)

const change = (payload: object, as = world.service) => call('POST', '/api/v1/members/bulk-tags', payload, as)
const holders = async (id: number) =>
  (
    await world.rows<{ id: number }>(`SELECT member_id AS id FROM member_tag_relations WHERE tag_id = ${id} ORDER BY 1`)
  ).map((row) => row.id)

test('tags by ids: counts what changed, and nothing twice', async () => {
  const [old, fresh, interaction] = [await tag(world), await tag(world), await tag(world, { type: 'interaction' })]
  const [a, b] = [(await member(world, { tags: [old] })).id, (await member(world)).id]
  const { body } = await change({ member_ids: [b, a, a], add: [fresh, interaction], remove: [old] })
  expect([body.message, body.data]).toEqual(['Tags changed successfully', { members: 2, added: 4, removed: 1 }])
  expect([await holders(old), await holders(fresh), await holders(interaction)]).toEqual([[], [a, b], [a, b]])
  expect((await change({ member_ids: [a], add: [fresh], remove: [old] })).body.data).toEqual({
    members: 1,
    added: 0,
    removed: 0,
  })
  expect((await change({ member_ids: [a, b], add: [interaction] })).body.data).toEqual({
    members: 2,
    added: 0,
    removed: 0,
  })
  const [logs] = await world.rows(
    `SELECT count(*)::int AS n, min(trigger_source) AS source FROM tag_trigger_logs WHERE tag_id = ${interaction}`,
  )
  expect(logs).toEqual({ n: 2, source: 'manual' })
  await world.drain()
  const [entry] = await world.rows<{ changes: unknown }>(
    "SELECT changes FROM operation_log WHERE action = 'member.bulk-tag' ORDER BY id LIMIT 1",
  )
  expect(entry?.changes).toMatchObject({ remove: [[old], null], counts: [null, { members: 2, added: 4, removed: 1 }] })
})

test('tags by segment and by filter, without deleted members', async () => {
  const [mark, result] = [await tag(world), await tag(world)]
  const [a, b, gone] = [
    (await member(world, { lastName: '曾', tags: [mark] })).id,
    (await member(world, { lastName: '曾', lineUid: null })).id,
    (await member(world, { lastName: '曾' })).id,
  ]
  await call('DELETE', `/api/v1/members/${gone}`)
  const { rows } = await sql<{ id: number }>`INSERT INTO crm_segments (name, condition, created_at)
    VALUES ('s', ${JSON.stringify({ kind: 'name', contains: '曾' })}::text::jsonb, now()) RETURNING id`.execute(
    world.database.db,
  )
  expect((await change({ segment_id: rows[0]?.id, add: [result] })).body.data).toEqual({
    members: 2,
    added: 2,
    removed: 0,
  })
  expect(await holders(result)).toEqual([a, b])
  const take = async (filter: object) => (await change({ filter, remove: [result] })).body.data
  expect(await take({ search: '曾', source: 'crm' })).toEqual({ members: 1, added: 0, removed: 1 })
  expect(await take({ tags: String(mark) })).toEqual({ members: 1, added: 0, removed: 1 })
  expect(await take({ tags: String(mark), source: 'crm' })).toEqual({ members: 0, added: 0, removed: 0 })
})

test('refuses unknown things and contradictions, and changes nothing then', async () => {
  const [known, other] = [await tag(world), await tag(world)]
  const { id } = await member(world)
  const gone = (await member(world)).id
  await call('DELETE', `/api/v1/members/${gone}`)
  const fields = async (payload: object) => {
    const { status, body } = await change(payload)
    return [status, ...(body.errors ?? []).map(({ field }: { field: string }) => field)]
  }
  expect(await fields({ member_ids: [id, gone, 999_999], add: [known] })).toEqual([
    422,
    'member_ids[1]',
    'member_ids[2]',
  ])
  expect(await fields({ member_ids: [id], add: [known, 999_999], remove: [999_998] })).toEqual([
    422,
    'add[1]',
    'remove[0]',
  ])
  expect(await fields({ member_ids: [id], add: [known], remove: [other, known] })).toEqual([422, 'remove[1]'])
  expect(await fields({ member_ids: [id] })).toEqual([422, 'add'])
  expect(await fields({ add: [known] })).toEqual([422, 'member_ids'])
  expect(await fields({ member_ids: [id], segment_id: 1, add: [known] })).toEqual([422, 'member_ids'])
  expect(await fields({ segment_id: 999_999, add: [known] })).toEqual([422, 'segment_id'])
  expect(await fields({ filter: {}, add: [known] })).toEqual([422, 'filter'])
  expect((await change({ member_ids: [id], add: [known] }, world.marketing)).status).toBe(403)
  expect(await holders(known)).toEqual([])
})

test.runIf(onServer)('100,000 members are tagged at once, and one more is too many', { timeout: 60_000 }, async () => {
  const result = await tag(world)
  const some = 100_000 - (await world.rows('SELECT 1 FROM members WHERE source = $$system$$')).length
  await world.rows(`INSERT INTO members (source, created_at) SELECT 'system', now() FROM generate_series(1, ${some})`)
  const started = performance.now()
  const { body } = await change({ filter: { source: 'system' }, add: [result] })
  console.info(`100,000 members tagged in ${Math.round(performance.now() - started)} ms`)
  expect(body.data).toEqual({ members: 100_000, added: 100_000, removed: 0 })
  await world.rows("INSERT INTO members (source, created_at) VALUES ('system', now())")
  expect((await change({ filter: { source: 'system' }, remove: [result] })).body).toMatchObject({
    code: 422,
    reason: 'too_many_members',
  })
  expect(await world.rows(`SELECT member_count FROM member_tags WHERE id = ${result}`)).toEqual([
    { member_count: 100_000 },
  ])
})

test.runIf(onServer)('many who tag the same members at once leave right counters', async () => {
  const tags = [await tag(world), await tag(world), await tag(world)]
  const ids: number[] = []
  for (let n = 0; n < 20; n += 1) ids.push((await member(world)).id)
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      change({
        member_ids: n % 2 === 0 ? ids : ids.toReversed(),
        add: tags.filter((_, index) => (n + index) % 3 !== 0),
        remove: tags.filter((_, index) => (n + index) % 3 === 0),
      }),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200))
  expect(await wrongCounters()).toEqual([])
})
