import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPms, type PmsWorld } from '../../../../test/support/crmPms.ts'
import { onServer } from '../../../../test/support/database.ts'

let world: PmsWorld

beforeAll(async () => {
  world = await openPms()
})
afterAll(() => world.close())

/** The open reviews of a guest of the PMS. */
const reviewsOf = async (guest: string) =>
  (await world.reviews()).items.filter((one: { guest: { id: string } }) => one.guest.id === guest)

const decide = async (id: number, payload: object) =>
  await world.call('POST', `/api/v1/pms/reviews/${id}/decide`, { as: world.admin, payload })

const orderNumbers = async (memberId: number | null) =>
  (
    await world.rows<{ order_number: string }>(
      `SELECT order_number FROM consumption_records WHERE member_id = ${memberId} ORDER BY order_number`,
    )
  ).map(({ order_number }) => order_number)

/** A guest whom nobody knows, with two orders that wait. */
async function unknownGuest(n: number, fields: Record<string, string> = {}) {
  const guest = String(9000 + n)
  world.pms.members.push({ id: guest, last_name: '客', ...fields })
  world.pms.records.push({ member_id: guest, order_number: `G${n}-1`, amount: 10 })
  world.pms.records.push({ member_id: guest, order_number: `G${n}-2`, amount: 20, last_name: '別' })
  await world.sync('members')
  await world.sync('consumption_records')
  const waiting = await reviewsOf(guest)
  expect(waiting).toHaveLength(3)
  return { guest, waiting }
}

describe('Linking a guest', () => {
  it('settles everything of the guest that waits, and remembers the choice', async () => {
    const id = await world.newMember({ phone: '0944000001', first_name: '已知' })
    const { guest, waiting } = await unknownGuest(1, { phone: '0944000002', birthday: '1970-01-01' })
    const { status, body } = await decide(waiting[1].id, { action: 'link', member_id: id })
    expect(status).toBe(200)
    expect(body.data).toEqual({ id: waiting[1].id, state: 'linked', member_id: id, settled_count: 3, left_out: [] })
    expect(await reviewsOf(guest)).toEqual([])
    expect(await orderNumbers(id)).toEqual(['G1-1', 'G1-2'])
    expect(await world.memberRow(id)).toMatchObject({ first_name: '已知', phone: '0944000001', birthday: '1970-01-01' })
    world.pms.records.push({ member_id: guest, order_number: 'G1-3', amount: 30, id_number: 'Z999999999' })
    world.pms.records.push({ member_id: guest, order_number: 'G1-4', amount: 30, id_number: 'Z999999998' })
    expect(await world.sync('consumption_records')).toMatchObject({ synced_count: 2, failed_count: 0 })
    expect(await orderNumbers(id)).toEqual(['G1-1', 'G1-2', 'G1-3', 'G1-4'])
    const [entry] = await world.rows<{ actor_id: number; changes: unknown }>(
      `SELECT actor_id, changes FROM operation_log WHERE action = 'crm.pms.review.link'`,
    )
    expect(entry).toEqual({
      actor_id: world.admin.id,
      changes: { state: ['open', 'linked'], member_id: [null, id] },
    })
  })

  it('leaves out what belongs to another member, and says so', async () => {
    const holder = await world.newMember({ phone: '0944000003' })
    const target = await world.newMember({ id_number: 'Q100000003' })
    world.pms.members.push({ id: 9203, phone: '0944000003', id_number: 'Q100000003', gender: 'other' })
    await world.sync('members')
    const [review] = await reviewsOf('9203')
    expect(review.reason).toBe('ambiguous')
    const { body } = await decide(review.id, { action: 'link', member_id: target })
    expect(body.data.left_out).toEqual(['phone'])
    expect(await world.memberRow(target)).toMatchObject({ phone: null, gender: 'other' })
    expect(await world.memberRow(holder)).toMatchObject({ gender: null })
  })

  it('needs a member who is there', async () => {
    const { waiting } = await unknownGuest(4)
    const gone = await world.newMember({ first_name: '走' })
    await world.rows(`UPDATE members SET deleted_at = now() WHERE id = ${gone}`)
    for (const payload of [
      { action: 'link' },
      { action: 'link', member_id: null },
      { action: 'link', member_id: 999_999 },
      { action: 'link', member_id: Number.MAX_SAFE_INTEGER },
      { action: 'link', member_id: gone },
      { action: 'create', member_id: gone },
      { action: 'ignore', member_id: gone },
    ])
      expect((await decide(waiting[0].id, payload)).body).toMatchObject({
        code: 422,
        errors: [{ field: 'member_id' }],
      })
    expect((await decide(waiting[0].id, { action: 'merge' })).status).toBe(422)
    expect((await decide(999_999, { action: 'ignore' })).status).toBe(404)
    expect(await reviewsOf('9004')).toHaveLength(3)
  })

  it('counts a conversion of the orders that waited', async () => {
    const id = await world.newMember({ first_name: '點' })
    await world.rows(`
      WITH template AS (
        INSERT INTO message_templates (type, content, created_at) VALUES ('text', 'x', now()) RETURNING id
      ), campaign AS (
        INSERT INTO campaigns (title, template_id, target_audience, status, created_at, sent_count, recipient_count,
          opened_count, clicked_count)
        SELECT 'c', id, '{}', 'sent', now(), 1, 1, 1, 1 FROM template RETURNING id
      ), batch AS (
        INSERT INTO crm_batches (campaign_id, kind, state, next_try_at) SELECT id, 'push', 'done', now() FROM campaign
        RETURNING id, campaign_id
      ), recipient AS (
        INSERT INTO campaign_recipients (campaign_id, member_id, sent_at, opened_at, clicked_at, status, batch_id, line_uid)
        SELECT campaign_id, ${id}, t, t, t, 'clicked', id, 'U1' FROM batch, (VALUES (timestamptz '2026-03-01 15:00Z')) v (t)
        RETURNING id, campaign_id, member_id, clicked_at
      ), link AS (
        INSERT INTO crm_links (campaign_id, position, label) SELECT id, 0, 'l' FROM campaign RETURNING id
      ), days AS (
        INSERT INTO crm_campaign_days (campaign_id, day, sent, opened, clicked)
        SELECT id, '2026-03-01', 1, 1, 1 FROM campaign
      )
      INSERT INTO crm_clicks (campaign_id, recipient_id, member_id, link_id, clicked_at)
      SELECT r.campaign_id, r.id, r.member_id, l.id, r.clicked_at FROM recipient r, link l`)
    world.pms.records.push({ member_id: 9205, order_number: 'C-1', amount: 1, created_at: '2026-03-02T00:01:00+08:00' })
    await world.sync('consumption_records')
    const [review] = await reviewsOf('9205')
    await decide(review.id, { action: 'link', member_id: id })
    expect(await world.rows(`SELECT day::text, converted FROM crm_campaign_days WHERE converted > 0`)).toEqual([
      { day: '2026-03-02', converted: 1 },
    ])
  })
})

describe('Creating a member', () => {
  it('takes what all records of the guest say, the one of the members’ feed first', async () => {
    const { waiting } = await unknownGuest(10, { phone: '0944000010', id_number: 'K100000010', first_name: '新' })
    const { body } = await decide(waiting[1].id, { action: 'create' })
    expect(body.data).toMatchObject({ state: 'created', settled_count: 3, left_out: [] })
    const id = body.data.member_id
    expect(await world.memberRow(id)).toMatchObject({
      source: 'system',
      first_name: '新',
      last_name: '客',
      phone_e164: '+886944000010',
      id_number_masked: 'K1******10',
      search: expect.stringContaining('客新'),
    })
    expect(await orderNumbers(id)).toEqual(['G10-1', 'G10-2'])
    expect(await world.rows(`SELECT 1 FROM crm_pms_reviews WHERE member_id = ${id} AND record <> ''`)).toEqual([])
  })

  it('leaves out a phone number of another member, but is refused for an id number of one', async () => {
    await world.newMember({ phone: '0944000011', id_number: 'L100000011' })
    world.pms.members.push({ id: 9211, phone: '0944000011', id_number: 'L999999911', last_name: '借' })
    await world.sync('members')
    const [contradiction] = await reviewsOf('9211')
    expect(contradiction.reason).toBe('contradiction')
    const { body } = await decide(contradiction.id, { action: 'create' })
    expect(body.data.left_out).toEqual(['phone'])
    expect(await world.memberRow(body.data.member_id)).toMatchObject({ phone: null, id_number_masked: 'L9******11' })

    await world.newMember({ email: 'twelve@hotel.example' })
    world.pms.members.push({ id: 9212, email: 'twelve@hotel.example', id_number: 'L100000011' })
    await world.sync('members')
    const [ambiguous] = await reviewsOf('9212')
    const refused = await decide(ambiguous.id, { action: 'create' })
    expect(refused.body).toMatchObject({ code: 409, reason: 'id_number_taken' })
    expect(await reviewsOf('9212')).toHaveLength(1)
  })

  it('is refused when nothing is known of the guest', async () => {
    world.pms.records.push({ member_id: 9213, order_number: 'N-1', amount: 1 })
    await world.sync('consumption_records')
    const [review] = await reviewsOf('9213')
    expect((await decide(review.id, { action: 'create' })).body).toMatchObject({
      code: 422,
      errors: [{ field: 'action' }],
    })
  })
})

describe('Ignoring a guest', () => {
  it('skips the guest from then on, until somebody links them after all', async () => {
    const { guest, waiting } = await unknownGuest(20, { phone: '0944000020' })
    const ignored = await decide(waiting[0].id, { action: 'ignore' })
    expect(ignored.body.data).toMatchObject({ state: 'ignored', member_id: null, settled_count: 3 })
    const member = await world.newMember({ phone: '0944000020' })
    world.pms.records.push({ member_id: guest, order_number: 'G20-3', amount: 30 })
    world.pms.members.push({ id: guest, phone: '0944000020', gender: 'male' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 0, failed_count: 0, skipped_count: 1 })
    expect(await world.sync('consumption_records')).toMatchObject({
      synced_count: 0,
      failed_count: 0,
      skipped_count: 1,
    })
    expect(await world.memberRow(member)).toMatchObject({ gender: null })
    expect((await decide(waiting[0].id, { action: 'ignore' })).body).toMatchObject({
      code: 409,
      reason: 'already_decided',
    })
    expect((await decide(waiting[1].id, { action: 'link', member_id: member })).body.data.settled_count).toBe(3)
    expect(await orderNumbers(member)).toEqual(['G20-1', 'G20-2'])
    world.pms.members.push({ id: guest, phone: '0944000020', gender: 'male' })
    expect(await world.sync('members')).toMatchObject({ synced_count: 1 })
    expect(await world.memberRow(member)).toMatchObject({ gender: 'male' })
  })
})

it('forgets a choice with its member: a later match is checked again', async () => {
  const { guest, waiting } = await unknownGuest(25, { phone: '0944000025' })
  const first = await world.newMember({ first_name: '先' })
  await decide(waiting[0].id, { action: 'link', member_id: first })
  await world.rows(`UPDATE members SET deleted_at = now(), phone = NULL, phone_e164 = NULL WHERE id = ${first}`)
  await world.newMember({ phone: '0944000025', id_number: 'M100000025' })
  world.pms.members.push({ id: guest, phone: '0944000025' })
  expect(await world.sync('members')).toMatchObject({ synced_count: 1 })
  world.pms.members.push({ id: guest, phone: '0944000025', id_number: 'M999999925' })
  expect(await world.sync('members')).toMatchObject({ synced_count: 0, failed_count: 1 })
})

it('refuses a second decision', async () => {
  const { waiting } = await unknownGuest(30)
  const [a, b] = [await world.newMember({ first_name: 'a' }), await world.newMember({ first_name: 'b' })]
  expect((await decide(waiting[0].id, { action: 'link', member_id: a })).status).toBe(200)
  for (const payload of [{ action: 'link', member_id: b }, { action: 'create' }, { action: 'ignore' }])
    expect((await decide(waiting[2].id, payload)).status).toBe(409)
  expect(await orderNumbers(b)).toEqual([])
})

it.runIf(onServer)('lets one of two decisions at once win, and nothing waits again after it', async () => {
  const { guest, waiting } = await unknownGuest(31)
  const [a, b] = [await world.newMember({ first_name: 'a' }), await world.newMember({ first_name: 'b' })]
  world.pms.records.push({ member_id: guest, order_number: 'G31-3', amount: 1 })
  await world.call('POST', '/api/v1/pms/sync', { as: world.admin, payload: { sync_type: 'consumption_records' } })
  const [one, other] = await Promise.all([
    decide(waiting[1].id, { action: 'link', member_id: a }),
    decide(waiting[2].id, { action: 'link', member_id: b }),
    world.drain(),
  ])
  expect([one.status, other.status].sort()).toEqual([200, 409])
  const winner = one.status === 200 ? a : b
  expect((await orderNumbers(winner)).slice(0, 2)).toEqual(['G31-1', 'G31-2'])
  expect(await orderNumbers(winner === a ? b : a)).toEqual([])
})

it('holds no id number, phone number or name in its log, and none in plain text in its tables', async () => {
  const rows = await world.rows<{ text: string }>(`
    SELECT text FROM crm_sync_lines
    UNION ALL SELECT r::text FROM crm_pms_reviews r
    UNION ALL SELECT g::text FROM crm_pms_guests g`)
  expect(rows.map(({ text }) => text).join('\n')).not.toMatch(/[A-Z]\d{9}|0?944000|客|hotel\.example/)
})
