import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrmWorld, type MemberOptions, member, openCrm, tag } from '../../../../test/support/crm.ts'
import { type Call, callsBy } from '../../../../test/support/world.ts'
import { type MemberFields, memberColumns } from '../../core/members.ts'
import { insertMember, updateMember } from '../../core/membersStore.ts'
import { insertMessage } from '../../core/messagesStore.ts'
import { recipientNow } from '../../core/recipientsStore.ts'
import { tagMembers } from '../../core/taggingStore.ts'
import { MEMBER_REFERENCES } from './movesStore.ts'

let world: CrmWorld
let call: Call

beforeAll(async () => {
  world = await openCrm()
  call = callsBy(world, world.service)
})
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

/** Adds a member without a LINE account. */
async function person(fields: MemberFields = {}): Promise<number> {
  const { columns } = memberColumns(world.kernel, fields)
  return await world.kernel.transaction((tx) => insertMember(tx, { ...columns, source: 'crm' }, world.clock.now()))
}

async function friend(options: MemberOptions = {}): Promise<number> {
  return (await member(world, options)).id
}

const merge = (id: number, fromId: number, prefer?: object) =>
  call('POST', `/api/v1/members/${id}/merge`, { from_id: fromId, ...(prefer && { prefer }) })

interface Row {
  readonly [column: string]: unknown
}
const rowOf = async (id: number): Promise<Row> =>
  (await world.rows<Row>(`SELECT * FROM members WHERE id = ${id}`))[0] ?? {}

async function write(memberId: number, content: string, direction: 'incoming' | 'outgoing' = 'incoming', minute = 0) {
  const createdAt = new Date(world.clock.now().getTime() + minute * 60_000)
  const sender = direction === 'outgoing' ? { sender: 'manual' as const } : {}
  return await world.kernel.transaction((tx) =>
    insertMessage(tx, { memberId, content, direction, type: 'text', createdAt, ...sender }, '2026-03-02'),
  )
}

/** Adds a campaign that was sent; answers its id. */
async function campaign(): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    WITH t AS (INSERT INTO message_templates (type, content, created_at) VALUES ('text', 'x', now()) RETURNING id)
    INSERT INTO campaigns (title, template_id, target_audience, status, created_at)
    SELECT 'c', id, '{"type":"all"}', 'sent', now() FROM t RETURNING id`.execute(world.database.db)
  return rows[0]?.id ?? 0
}

const HOUR = 3_600_000

/** Adds a recipient with the figures that belong to it; times are hours after now. */
async function recipient(
  campaignId: number,
  memberId: number,
  status: string,
  { opened, clicked }: { readonly opened?: number; readonly clicked?: number } = {},
): Promise<number> {
  const { db } = world.database
  const hours = (n: number | undefined) => (n === undefined ? null : new Date(world.clock.now().getTime() + n * HOUR))
  const reached = ['sent', 'opened', 'clicked'].includes(status)
  const { rows } = await sql<{ id: number }>`
    WITH b AS (INSERT INTO crm_batches (campaign_id, kind, next_try_at) VALUES (${campaignId}, 'push', now()) RETURNING id)
    INSERT INTO campaign_recipients (campaign_id, member_id, status, sent_at, opened_at, clicked_at, batch_id, line_uid)
    SELECT ${campaignId}, ${memberId}, ${status}, ${reached ? hours(0) : null}, ${hours(opened)}, ${hours(clicked)}, id, 'U'
    FROM b RETURNING id`.execute(db)
  await recount(campaignId)
  return rows[0]?.id ?? 0
}

/** What the figures of a campaign must be, by its recipients. */
async function counted(campaignId: number): Promise<readonly [Row | undefined, readonly Row[]]> {
  const [totals] = await world.rows<Row>(`
    SELECT count(*)::int AS recipient_count,
      count(*) FILTER (WHERE status IN ('sent', 'opened', 'clicked'))::int AS sent_count,
      count(opened_at)::int AS opened_count, count(clicked_at)::int AS clicked_count,
      count(*) FILTER (WHERE status = 'failed')::int AS failed_count,
      count(*) FILTER (WHERE status = 'unknown')::int AS unknown_count,
      count(*) FILTER (WHERE status = 'skipped')::int AS skipped_count
    FROM campaign_recipients WHERE campaign_id = ${campaignId}`)
  const days = await world.rows<Row>(`
    SELECT day, sum(sent)::int AS sent, sum(opened)::int AS opened, sum(clicked)::int AS clicked, sum(converted)::int AS converted
    FROM (
      SELECT (sent_at AT TIME ZONE 'Asia/Taipei')::date AS day, 1 AS sent, 0 AS opened, 0 AS clicked, 0 AS converted
      FROM campaign_recipients WHERE campaign_id = ${campaignId} AND status IN ('sent', 'opened', 'clicked')
      UNION ALL SELECT (opened_at AT TIME ZONE 'Asia/Taipei')::date, 0, 1, 0, 0 FROM campaign_recipients WHERE campaign_id = ${campaignId}
      UNION ALL SELECT (clicked_at AT TIME ZONE 'Asia/Taipei')::date, 0, 0, 1, 0 FROM campaign_recipients WHERE campaign_id = ${campaignId}
      UNION ALL SELECT (converted_at AT TIME ZONE 'Asia/Taipei')::date, 0, 0, 0, 1 FROM campaign_recipients WHERE campaign_id = ${campaignId}
    ) x WHERE day IS NOT NULL GROUP BY 1 ORDER BY 1`)
  return [totals, days]
}

async function recount(campaignId: number): Promise<void> {
  const [totals, days] = await counted(campaignId)
  const set = Object.entries(totals ?? {}).map(([column, count]) => `${column} = ${String(count)}`)
  await world.rows(`UPDATE campaigns SET ${set.join(', ')} WHERE id = ${campaignId}`)
  await world.rows(`DELETE FROM crm_campaign_days WHERE campaign_id = ${campaignId}`)
  for (const { day, sent, opened, clicked, converted } of days)
    await world.rows(`INSERT INTO crm_campaign_days (campaign_id, day, sent, opened, clicked, converted)
      VALUES (${campaignId}, '${String(day)}', ${String(sent)}, ${String(opened)}, ${String(clicked)}, ${String(converted)})`)
}

async function stored(campaignId: number): Promise<readonly [Row | undefined, readonly Row[]]> {
  const [totals] = await world.rows<Row>(`SELECT recipient_count, sent_count, opened_count, clicked_count, failed_count,
    unknown_count, skipped_count FROM campaigns WHERE id = ${campaignId}`)
  const days = await world.rows<Row>(`SELECT day, sent, opened, clicked, converted FROM crm_campaign_days
    WHERE campaign_id = ${campaignId} AND (sent, opened, clicked, converted) <> (0, 0, 0, 0) ORDER BY day`)
  return [totals, days]
}

const memberCount = async (tagId: number) =>
  (await world.rows<{ member_count: number }>(`SELECT member_count FROM member_tags WHERE id = ${tagId}`))[0]
    ?.member_count

test('every column that refers to members is moved', async () => {
  const columns = await world.rows<{ name: string }>(`
    SELECT c.conrelid::regclass || '.' || a.attname AS name FROM pg_constraint c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' AND c.confrelid = 'members'::regclass ORDER BY 1`)
  expect(columns.map(({ name }) => name)).toEqual([...MEMBER_REFERENCES])
})

describe('merging two members', () => {
  test('fills empty fields, moves unique ones, and deletes the other', async () => {
    const target = await person({ last_name: '王', first_name: '小明', phone: '0912000001', notes: 'a' })
    const source = await friend({ lastName: '王', firstName: '大明', email: 'ming@example.com' })
    await world.kernel.transaction(async (tx) => {
      const { columns } = memberColumns(world.kernel, { id_number: 'A123456789', notes: 'b', birthday: '1990-01-01' })
      await updateMember(tx, source, columns, world.clock.now())
    })
    await world.rows(
      `UPDATE members SET created_at = '2025-01-01Z', last_interaction_at = '2026-01-02Z' WHERE id = ${source}`,
    )
    await world.rows(
      `UPDATE members SET created_at = '2025-01-02Z', last_interaction_at = '2026-01-01Z' WHERE id = ${target}`,
    )
    const before = await rowOf(source)
    const { status, body } = await merge(target, source)
    expect([status, body.message]).toEqual([200, 'Members merged successfully'])
    expect(body.data).toMatchObject({
      id: target,
      first_name: '小明',
      email: 'ming@example.com',
      line_uid: before.line_uid,
    })
    const { id_number, id_number_index, id_number_masked, line_uid, line_display_name, followed_at } = before
    expect(await rowOf(target)).toMatchObject({
      ...{ id_number, id_number_index, id_number_masked, line_uid, line_display_name, followed_at },
      ...{ phone: '0912000001', phone_e164: '+886912000001', birthday: '1990-01-01', notes: 'a\nb', source: 'crm' },
      ...{ created_at: new Date('2025-01-01Z'), last_interaction_at: new Date('2026-01-02Z') },
      search: ` 王小明 小明王 ${String(line_display_name)} ming@example.com +886912000001 0912000001 `,
    })
    expect(await rowOf(source)).toMatchObject({
      ...{ first_name: null, last_name: null, email: null, line_uid: null, id_number: null, id_number_index: null },
      ...{ id_number_masked: null, birthday: null, notes: null, search: '  ', merged_into: target, followed_at: null },
      deleted_at: world.clock.now(),
    })
    await world.drain()
    const [entry] = await world.rows<{ changes: Row }>(
      `SELECT changes FROM operation_log WHERE action = 'member.merge' AND resource_id = '${target}'`,
    )
    expect(entry?.changes).toMatchObject({ merged_from: [null, source], id_number: [null, 'A1******89'] })
  })

  test('moves tags, messages, consumption, triggers, guests and reviews, with all counters', async () => {
    const [both, one, interaction] = [await tag(world), await tag(world), await tag(world, { type: 'interaction' })]
    const [target, source] = [await friend({ tags: [both] }), await person()]
    const now = world.clock.now()
    await world.kernel.transaction(async (tx) => {
      const tags = [both, one].map((id) => ({ id, type: 'member' as const }))
      await tagMembers(tx, [source], [...tags, { id: interaction, type: 'interaction' }], { source: 'click' }, now)
    })
    expect([await memberCount(both), await memberCount(one)]).toEqual([2, 1])
    await write(target, '1')
    const last = await write(source, '2', 'incoming', 5)
    await write(target, '3', 'outgoing', 1)
    const order = String(source)
    await world.rows(`INSERT INTO consumption_records (member_id, order_number, amount, source, created_at)
      VALUES (${source}, '${order}', 5, 'manual', now())`)
    await world.rows(
      `INSERT INTO crm_pms_guests (guest_key, member_id, created_at, updated_at) VALUES ('g${order}', ${source}, now(), now())`,
    )
    await world.rows(`INSERT INTO crm_pms_reviews (sync_type, record_key, guest_key, reason, record, candidates, created_at)
      VALUES ('members', 'r${order}', 'h', 'ambiguous', 'x', '{${Math.min(source, target)},${Math.max(source, target)}}', now())`)
    const earlier = await person()
    await merge(source, earlier)

    const preview = await call('GET', `/api/v1/members/${target}/merge/${source}`)
    expect(preview.body.data.moves).toEqual({
      ...{ tags: 3, messages: 1, consumption_records: 1, campaigns: 0, clicks: 0, tag_triggers: 1, pms_guests: 1 },
    })
    expect((await merge(target, source)).status).toBe(200)
    expect([await memberCount(both), await memberCount(one)]).toEqual([1, 1])
    const [counts] = await world.rows<Row>(
      `SELECT member_count, trigger_count FROM interaction_tags WHERE id = ${interaction}`,
    )
    expect(counts).toEqual({ member_count: 1, trigger_count: 1 })
    for (const reference of MEMBER_REFERENCES) {
      const [table = '', column = ''] = reference.split('.')
      expect(await world.rows(`SELECT 1 FROM ${table} WHERE ${column} = ${source}`), reference).toEqual([])
    }
    const [conversation] = await world.rows<Row>(`SELECT * FROM crm_conversations WHERE member_id = ${target}`)
    expect(conversation).toMatchObject({ unread_count: 2, last_message_id: last })
    const [review] = await world.rows<Row>(`SELECT candidates FROM crm_pms_reviews WHERE record_key = 'r${order}'`)
    expect(review?.candidates).toEqual([target])
    // Those who were merged into the source before are now found at the target.
    expect((await merge(target, earlier)).body).toMatchObject({ code: 404, reason: 'merged' })
    expect((await rowOf(earlier)).merged_into).toBe(target)
  })

  test('gives a conversation to a member without one, with its assignment', async () => {
    const [target, source] = [await person(), await friend()]
    await write(source, 'hello')
    await world.rows(
      `UPDATE crm_conversations SET assigned_to = ${world.service.id}, assigned_at = now() WHERE member_id = ${source}`,
    )
    await merge(target, source)
    const [conversation] = await world.rows<Row>(`SELECT * FROM crm_conversations WHERE member_id = ${target}`)
    expect(conversation).toMatchObject({ unread_count: 1, assigned_to: world.service.id })
  })

  test('keeps one recipient of a campaign that both got, with right figures and working links', async () => {
    const [target, source] = [await friend(), await person()]
    const [shared, alone] = [await campaign(), await campaign()]
    const ours = await recipient(shared, target, 'sent')
    const theirs = await recipient(shared, source, 'clicked', { opened: 1, clicked: 30 })
    const single = await recipient(alone, source, 'failed')
    await recipient(shared, await friend(), 'sent')
    await world.rows(
      `INSERT INTO crm_links (campaign_id, position, label, url) VALUES (${shared}, 1, 'x', 'https://x.tw')`,
    )
    await world.rows(`INSERT INTO crm_clicks (campaign_id, recipient_id, member_id, link_id, clicked_at)
      SELECT ${shared}, ${theirs}, ${source}, id, '${new Date(world.clock.now().getTime() + 30 * HOUR).toISOString()}' FROM crm_links WHERE campaign_id = ${shared}`)
    expect((await merge(target, source)).status).toBe(200)
    const rows = await world.rows<Row>(
      `SELECT id, status FROM campaign_recipients WHERE member_id = ${target} ORDER BY id`,
    )
    expect(rows).toEqual([
      { id: theirs, status: 'clicked' },
      { id: single, status: 'failed' },
    ])
    for (const id of [shared, alone]) expect(await stored(id)).toEqual(await counted(id))
    const { db } = world.database
    expect([await recipientNow(db, ours), await recipientNow(db, theirs), await recipientNow(db, 999_999)]).toEqual([
      theirs,
      theirs,
      undefined,
    ])
    // A third one, whose recipient goes into the same one.
    const third = await friend()
    const better = await recipient(shared, third, 'clicked', { opened: 0, clicked: 0 })
    await merge(third, target, { line_uid: 'target' })
    expect([await recipientNow(db, ours), await recipientNow(db, theirs)]).toEqual([better, better])
    expect(await stored(shared)).toEqual(await counted(shared))
    expect(await world.rows<Row>(`SELECT recipient_id FROM crm_clicks WHERE campaign_id = ${shared}`)).toEqual([
      { recipient_id: better },
    ])
  })

  test('finds the conversion of a click of the one by a stay of the other', async () => {
    const [target, source] = [await person(), await friend()]
    const id = await campaign()
    const got = await recipient(id, source, 'clicked', { opened: 0, clicked: 0 })
    const now = world.clock.now().toISOString()
    await world.rows(`INSERT INTO crm_links (campaign_id, position, label) VALUES (${id}, 1, 'x')`)
    await world.rows(`INSERT INTO crm_clicks (campaign_id, recipient_id, member_id, link_id, clicked_at)
      SELECT ${id}, ${got}, ${source}, id, '${now}' FROM crm_links WHERE campaign_id = ${id}`)
    await world.rows(`INSERT INTO consumption_records (member_id, order_number, amount, source, created_at)
      VALUES (${target}, 'k${target}', 5, 'manual', '${now}')`)
    await merge(target, source)
    const [row] = await world.rows<Row>(`SELECT converted_at FROM campaign_recipients WHERE id = ${got}`)
    expect(row?.converted_at).toEqual(world.clock.now())
    expect(await stored(id)).toEqual(await counted(id))
  })

  test('waits while a campaign is on its way to both', async () => {
    const [target, source] = [await friend(), await person()]
    const id = await campaign()
    await recipient(id, target, 'sent')
    await recipient(id, source, 'pending')
    expect((await merge(target, source)).body).toMatchObject({
      code: 409,
      reason: 'being_sent',
      errors: [{ field: 'from_id' }],
    })
    expect((await rowOf(source)).merged_into).toBeNull()
    await world.rows(
      `UPDATE campaign_recipients SET status = 'failed' WHERE campaign_id = ${id} AND member_id = ${source}`,
    )
    await recount(id)
    expect((await merge(target, source)).status).toBe(200)
    expect(await stored(id)).toEqual(await counted(id))
  })

  test('asks which LINE account and id number to keep', async () => {
    const [target, source] = [await friend(), await friend()]
    const refused = await merge(target, source)
    expect([refused.status, refused.body.reason]).toEqual([409, 'needs_choice'])
    expect(refused.body.errors).toEqual([{ field: 'prefer.line_uid', message: 'must be target or source' }])
    const preview = await call('GET', `/api/v1/members/${target}/merge/${source}`)
    const field = preview.body.data.fields.find((one: { field: string }) => one.field === 'line_uid')
    expect(field).toMatchObject({ conflict: true, needs_choice: true })
    const { line_uid: wanted } = await rowOf(source)
    expect((await merge(target, source, { line_uid: 'source' })).status).toBe(200)
    expect((await rowOf(target)).line_uid).toBe(wanted)
  })

  test('refuses itself, unknown and deleted members, and says where a merged one is', async () => {
    const [target, source] = [await person(), await person()]
    expect((await merge(target, target)).body.errors).toEqual([{ field: 'from_id', message: 'must be another member' }])
    expect((await merge(target, 999_999)).body).toMatchObject({ code: 404, reason: 'not_found' })
    expect((await merge(999_999, target)).status).toBe(404)
    expect(
      (await call('POST', `/api/v1/members/${target}/merge`, { from_id: source, prefer: { name: 'source' } })).status,
    ).toBe(422)
    expect((await call('POST', `/api/v1/members/${target}/merge`, { from_id: source }, world.marketing)).status).toBe(
      403,
    )
    await merge(target, source)
    for (const path of [`${source}/merge/${target}`, `${target}/merge/${source}`]) {
      const { body } = await call('GET', `/api/v1/members/${path}`)
      expect([body.code, body.reason, body.message]).toEqual([
        404,
        'merged',
        `This member was merged into member ${target}.`,
      ])
    }
  })
})
