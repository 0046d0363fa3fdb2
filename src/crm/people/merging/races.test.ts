import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrmWorld, type MemberOptions, member, openCrm, tag } from '../../../../test/support/crm.ts'
import { onServer, waitForLocks } from '../../../../test/support/database.ts'
import { type Call, callsBy, foundWhenBroken } from '../../../../test/support/world.ts'
import { type MemberFields, memberColumns } from '../../core/members.ts'
import { insertMember } from '../../core/membersStore.ts'
import { insertMessage } from '../../core/messagesStore.ts'
import { tagMembers } from '../../core/taggingStore.ts'

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

const memberCount = async (tagId: number) =>
  (await world.rows<{ member_count: number }>(`SELECT member_count FROM member_tags WHERE id = ${tagId}`))[0]
    ?.member_count

describe('a merge and others at once', () => {
  test('what was written for the merged member follows by the job, counters included', async () => {
    const [target, source] = [await person(), await friend()]
    await merge(target, source)
    const shared = await tag(world)
    await write(source, 'late')
    await world.kernel.transaction(async (tx) => {
      await tagMembers(tx, [source, target], [{ id: shared, type: 'member' }], { source: 'manual' }, world.clock.now())
      await sql`UPDATE members SET last_interaction_at = ${world.clock.now()} WHERE id = ${source}`.execute(tx)
    })
    expect(await memberCount(shared)).toBe(2)
    await world.kernel.jobs.runNow('crm.merges')
    expect(await memberCount(shared)).toBe(1)
    expect(await world.rows(`SELECT unread_count FROM crm_conversations WHERE member_id = ${target}`)).toEqual([
      { unread_count: 1 },
    ])
    expect([(await rowOf(target)).last_interaction_at, (await rowOf(source)).last_interaction_at]).toEqual([
      world.clock.now(),
      null,
    ])
    await world.kernel.jobs.runNow('crm.merges')
  })

  test.runIf(onServer)('a message that is being written before the merge goes with it', async () => {
    const [target, source] = [await person(), await friend()]
    let merging: ReturnType<typeof merge> | undefined
    const { db } = world.database
    await world.kernel.transaction(async (tx) => {
      await insertMessage(
        tx,
        { memberId: source, content: 'x', direction: 'incoming', type: 'text', createdAt: world.clock.now() },
        '2026-03-02',
      )
      merging = merge(target, source)
      await waitForLocks(db, 1)
    })
    expect((await merging)?.status).toBe(200)
    expect(await world.rows(`SELECT unread_count FROM crm_conversations WHERE member_id = ${target}`)).toEqual([
      { unread_count: 1 },
    ])
  })

  test.runIf(onServer)('a message that arrives during the merge follows it', async () => {
    const shared = await tag(world)
    const [target, source] = [await friend({ lineUid: null, tags: [shared] }), await friend({ tags: [shared] })]
    const { db } = world.database
    let merging: ReturnType<typeof merge> | undefined
    let writing: Promise<number> | undefined
    await db.transaction().execute(async (tx) => {
      await sql`SELECT 1 FROM member_tags WHERE id = ${shared} FOR UPDATE`.execute(tx)
      merging = merge(target, source)
      await waitForLocks(db, 1)
      writing = write(source, 'meanwhile')
      await waitForLocks(db, 2)
    })
    expect((await merging)?.status).toBe(200)
    await writing
    await world.kernel.jobs.runNow('crm.merges')
    expect(await world.rows(`SELECT member_id FROM messages WHERE content = 'meanwhile'`)).toEqual([
      { member_id: target },
    ])
    expect(await world.rows(`SELECT unread_count FROM crm_conversations WHERE member_id = ${target}`)).toEqual([
      { unread_count: 1 },
    ])
    expect(await memberCount(shared)).toBe(1)
  })

  test.runIf(onServer)('a click that arrives during the merge follows it', async () => {
    const shared = await tag(world)
    const [target, source] = [await friend({ lineUid: null, tags: [shared] }), await friend({ tags: [shared] })]
    const { db } = world.database
    const [row] = await world.rows<{ campaign: number; recipient: number; link: number }>(`
      WITH t AS (INSERT INTO message_templates (type, content, created_at) VALUES ('text', 'x', now()) RETURNING id),
      c AS (INSERT INTO campaigns (title, template_id, target_audience, status, created_at, recipient_count, sent_count)
        SELECT 'c', id, '{"type":"all"}', 'sent', now(), 1, 1 FROM t RETURNING id),
      b AS (INSERT INTO crm_batches (campaign_id, kind, next_try_at) SELECT id, 'push', now() FROM c RETURNING id, campaign_id),
      r AS (INSERT INTO campaign_recipients (campaign_id, member_id, status, sent_at, batch_id, line_uid)
        SELECT campaign_id, ${source}, 'sent', now(), id, 'U' FROM b RETURNING id),
      d AS (INSERT INTO crm_campaign_days (campaign_id, day, sent) SELECT id, (now() AT TIME ZONE 'Asia/Taipei')::date, 1 FROM c),
      l AS (INSERT INTO crm_links (campaign_id, position, label) SELECT id, 1, 'x' FROM c RETURNING id)
      SELECT c.id AS campaign, r.id AS recipient, l.id AS link FROM c, r, l`)
    let merging: ReturnType<typeof merge> | undefined
    let clicking: Promise<unknown> | undefined
    await db.transaction().execute(async (tx) => {
      await sql`SELECT 1 FROM member_tags WHERE id = ${shared} FOR UPDATE`.execute(tx)
      merging = merge(target, source)
      await waitForLocks(db, 1)
      // The two may deadlock on the recipient: one of them is repeated.
      clicking = world.kernel.transaction((click) =>
        sql`
          INSERT INTO crm_clicks (campaign_id, recipient_id, member_id, link_id, clicked_at)
          VALUES (${row?.campaign}, ${row?.recipient}, ${source}, ${row?.link}, now())`.execute(click),
      )
      await waitForLocks(db, 2)
    })
    expect((await merging)?.status).toBe(200)
    await clicking
    await world.kernel.jobs.runNow('crm.merges')
    expect(await world.rows(`SELECT member_id FROM crm_clicks WHERE campaign_id = ${row?.campaign}`)).toEqual([
      { member_id: target },
    ])
  })

  test.runIf(onServer)('of two merges into each other one is done', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [a, b] = [await person(), await friend()]
      const answers = await Promise.all([merge(a, b), merge(b, a)])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 404])
    }
  })
})

test('verify finds merged members that lead to another one', async () => {
  const [target, source, last] = [await person(), await person(), await person()]
  await merge(target, source)
  const found = await foundWhenBroken(
    world,
    `UPDATE members SET merged_into = ${last} WHERE id = ${target}`,
    `UPDATE members SET merged_into = NULL WHERE id = ${target}`,
  )
  expect(new Set(found)).toEqual(
    new Set([
      `merged members: member ${target}: not deleted, into ${last} ≠ deleted, into ${last}`,
      `merged members: member ${source}: into ${target} ≠ deleted, into ${last}`,
    ]),
  )
})

describe('duplicates', () => {
  test('are members with the same name and birthday, or the same name and LINE name', async () => {
    const birthday = '1977-07-07'
    const a = await person({ last_name: '林', first_name: '美 玲', birthday })
    const b = await person({ last_name: '林美', first_name: '玲', birthday })
    const swapped = await person({ last_name: '美玲', first_name: '林', birthday })
    await person({ last_name: '林', first_name: '美玲', birthday: '1977-07-08' })
    const unnamed = [await person({ birthday }), await person({ birthday })]
    const gone = await person({ last_name: '林', first_name: '美玲', birthday })
    await call('DELETE', `/api/v1/members/${gone}`)
    const [c, d] = [
      await friend({ firstName: '雙', lastName: '胡' }),
      await friend({ firstName: '雙', lastName: '胡' }),
    ]
    await world.rows(`UPDATE members SET line_display_name = 'Shuang' WHERE id IN (${c}, ${d})`)
    const { body } = await call('GET', '/api/v1/members/duplicates', undefined, world.marketing)
    const found = body.data.items.map(({ reason, members }: { reason: string; members: { id: number }[] }) => [
      reason,
      ...members.map(({ id }) => id),
    ])
    expect(found).toEqual([
      ['name_and_birthday', a, b, swapped],
      ['name_and_display_name', c, d],
    ])
    expect(body.data).toMatchObject({ total: 2, items: [{ explanation: 'The same name and birthday.' }, {}] })
    expect(unnamed.some((id) => JSON.stringify(found).includes(`${id},`))).toBe(false)
    const second = await call('GET', '/api/v1/members/duplicates?page=2&page_size=1')
    expect(second.body.data).toMatchObject({ total: 2, items: [{ reason: 'name_and_display_name' }] })
    const none = await call('GET', '/api/v1/members/duplicates?page=9')
    expect(none.body.data).toMatchObject({ total: 2, items: [] })
  })
})
