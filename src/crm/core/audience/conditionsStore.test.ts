import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrmWorld, member, openCrm, tag } from '../../../../test/support/crm.ts'
import { type Facts, holds, ZONE } from '../../../../test/support/crmConditions.ts'
import { addDays, localDate } from '../../../kernel/time.ts'
import { type Condition, readCondition } from './conditions.ts'
import { checkCondition, matchSql } from './conditionsStore.ts'

describe('the SQL of a condition', () => {
  let world: CrmWorld
  let now: Date
  let today: string
  let tags: number[]
  let campaigns: number[]
  let people: Facts[]

  beforeAll(async () => {
    world = await openCrm()
    now = new Date('2026-03-02T16:30:00Z') // 00:30 of 3 March in Taipei
    today = localDate(now, ZONE)
    tags = [await tag(world), await tag(world), await tag(world, { type: 'interaction' })]
    const { rows } = await sql<{ id: number }>`
      WITH t AS (INSERT INTO message_templates (type, content, created_at) VALUES ('text', 'x', now()) RETURNING id)
      INSERT INTO campaigns (title, template_id, target_audience, status, created_at)
      SELECT 'c' || n, t.id, '{"type":"all"}', 'sent', now() FROM t, generate_series(1, 2) n RETURNING id`.execute(
      world.database.db,
    )
    campaigns = rows.map(({ id }) => id)
    people = []
    for (const facts of fc.sample(person(), { numRuns: 80, seed: 7 })) people.push(await insert(facts))
  })
  afterAll(() => world.close())

  /** Instants on both sides of local midnights, and days around today. */
  const instant = () =>
    fc
      .tuple(fc.integer({ min: -40, max: 0 }), fc.constantFrom(-1, 0, 1, 3_600_000 * 8))
      .map(([days, ms]) => new Date(Date.parse('2026-03-02T16:00:00Z') + days * 86_400_000 + ms))
  const day = () => fc.integer({ min: -40, max: 3 }).map((n) => addDays('2026-03-03', n))
  const birthday = () =>
    fc.oneof(
      fc.constantFrom('2004-02-29', '2000-02-29', '1996-03-02', '1996-03-03', '1996-03-04', '1995-12-31', '1986-03-03'),
      fc.integer({ min: 0, max: 20_000 }).map((n) => addDays('1960-01-01', n)),
    )
  const or = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })

  function person(): fc.Arbitrary<Omit<Facts, 'id'>> {
    return fc.record({
      source: fc.constantFrom('line', 'crm', 'system'),
      gender: or(fc.constantFrom('male', 'female', 'other')),
      marketing: fc.boolean(),
      linked: fc.boolean(),
      unfollowed: fc.boolean(),
      created: instant(),
      followed: or(instant()),
      interacted: or(instant()),
      birthday: or(birthday()),
      first: or(fc.constantFrom('小明', 'Ａmy', '美 玲')),
      last: or(fc.constantFrom('王', 'Chen', '李')),
      display: or(fc.constantFrom('小明の日常', 'amy')),
      email: or(fc.constantFrom('Wang@Example.com', 'lee@hotel.tw')),
      phone: or(fc.constant('x')),
      tags: fc.subarray([0, 1, 2]),
      stays: fc.array(
        fc.record({
          amount: fc.constantFrom(-5, 0, 99.99, 100, 100.01, 5000),
          in: or(day()),
          out: or(day()),
          at: instant(),
        }),
        { maxLength: 3 },
      ),
      campaigns: fc.subarray([0, 1]).chain((ids) =>
        fc.tuple(
          ...ids.map((id) =>
            fc.record({
              id: fc.constant(id),
              status: fc.constantFrom('pending', 'sent', 'opened', 'clicked', 'failed', 'unknown', 'skipped'),
              opened: fc.boolean(),
              clicked: fc.boolean(),
            }),
          ),
        ),
      ),
    })
  }

  let emails = 0
  async function insert(given: Omit<Facts, 'id'>): Promise<Facts> {
    const n = ++emails
    const { db } = world.database
    const email = given.email === null ? null : `${n}${given.email}`
    const stays = given.stays.map((stay) =>
      stay.in !== null && stay.out !== null && stay.in > stay.out ? { ...stay, in: stay.out, out: stay.in } : stay,
    )
    const { rows } = await sql<{ id: number }>`
      INSERT INTO members (line_uid, line_display_name, first_name, last_name, gender, birthday, email, phone, phone_e164,
        source, accept_marketing, created_at, last_interaction_at, followed_at, unfollowed_at)
      VALUES (${given.linked ? `U${n}` : null}, ${given.display}, ${given.first}, ${given.last}, ${given.gender},
        ${given.birthday}, ${email}, ${given.phone}, ${given.phone === null ? null : `+8869${n}`}, ${given.source},
        ${given.marketing}, ${given.created}, ${given.interacted}, ${given.followed}, ${given.unfollowed ? now : null})
      RETURNING id`.execute(db)
    const id = rows[0]?.id ?? 0
    const own = given.tags.map((index) => tags[index] ?? 0)
    for (const [index, tagId] of own.entries())
      await sql`INSERT INTO member_tag_relations (member_id, tag_id, tag_type, tagged_at)
        VALUES (${id}, ${tagId}, ${given.tags[index] === 2 ? 'interaction' : 'member'}, now())`.execute(db)
    for (const [index, stay] of stays.entries())
      await sql`INSERT INTO consumption_records (member_id, order_number, amount, check_in_date, check_out_date, source, created_at)
        VALUES (${id}, ${`${n}-${index}`}, ${stay.amount}, ${stay.in}, ${stay.out}, 'manual', ${stay.at})`.execute(db)
    const sent = given.campaigns.map((one) => ({ ...one, id: campaigns[one.id] ?? 0 }))
    for (const one of sent)
      await sql`WITH b AS (INSERT INTO crm_batches (campaign_id, kind, next_try_at) VALUES (${one.id}, 'push', now()) RETURNING id)
        INSERT INTO campaign_recipients (campaign_id, member_id, status, opened_at, clicked_at, batch_id, line_uid)
        SELECT ${one.id}, ${id}, ${one.status}, ${one.opened ? now : null}, ${one.clicked ? now : null}, id, 'U' FROM b`.execute(
        db,
      )
    return { ...given, id, email, stays, tags: own, campaigns: sent }
  }

  // Random conditions ----------------------------------------------------------------------------

  const ids = (of: () => readonly number[]) =>
    fc.subarray([0, 1, 2], { minLength: 1 }).map((n) => n.flatMap((i) => of()[i] ?? []))
  const some = (record: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
    fc.record({ ...record }, { requiredKeys: [] }).filter((one) => Object.keys(one).length > 0)
  const days = () => fc.integer({ min: 0, max: 42 })
  const when = () => some({ before: day(), after: day(), in_last_days: days(), not_in_last_days: days() })
  const range = (value: fc.Arbitrary<number>) =>
    fc
      .tuple(fc.option(value, { nil: undefined }), fc.option(value, { nil: undefined }))
      .filter(([a, b]) => a !== undefined || b !== undefined)
      .map(([a, b]) => {
        const [from, to] = a !== undefined && b !== undefined && a > b ? [b, a] : [a, b]
        return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
      })

  const leaf = (): fc.Arbitrary<unknown> =>
    fc.oneof(
      some({ any: ids(() => tags), all: ids(() => tags), none: ids(() => tags) }).map((one) => ({
        kind: 'tags',
        ...one,
      })),
      fc.subarray(['line', 'crm', 'system'], { minLength: 1 }).map((list) => ({ kind: 'source', in: list })),
      fc
        .subarray(['male', 'female', 'other', 'unknown'], { minLength: 1 })
        .map((list) => ({ kind: 'gender', in: list })),
      fc.boolean().map((is) => ({ kind: 'accept_marketing', is })),
      fc.constantFrom('linked', 'not_linked', 'following', 'unfollowed').map((is) => ({ kind: 'line', is })),
      fc
        .tuple(fc.constantFrom('created_at', 'followed_at', 'last_interaction_at'), when())
        .map(([kind, one]) => ({ kind, ...one })),
      some({
        months: fc.subarray([2, 3, 12], { minLength: 1 }),
        in_next_days: fc.constantFrom(0, 1, 30, 361, 362, 363, 364, 366),
      }).map((one) => ({ kind: 'birthday', ...one })),
      range(fc.constantFrom(0, 20, 21, 29, 30, 31, 39, 40, 41)).map((one) => ({ kind: 'age', ...one })),
      fc
        .tuple(
          some({
            amount: range(fc.constantFrom(0, 99.99, 100, 100.01, 5000)),
            orders: range(fc.integer({ min: 0, max: 3 })),
            last_check_out: when(),
          }),
          fc.option(
            fc
              .record({ from: day(), to: day(), in_last_days: days() }, { requiredKeys: [] })
              .filter((one) => Object.keys(one).length > 0 && !(one.from && one.to && one.from > one.to)),
            { nil: undefined },
          ),
        )
        .map(([one, period]) => ({ kind: 'consumption', ...one, ...(period && { period }) })),
      fc
        .tuple(fc.constantFrom(0, 1), fc.constantFrom('receive', 'open', 'click'))
        .map(([n, did]) => ({ kind: 'campaign', id: campaigns[n], did })),
      fc.constantFrom('email', 'phone', 'name', 'birthday', 'id_number').map((what) => ({ kind: 'has', what })),
      fc.constantFrom('小明', '王小', '明王', 'AMY', '美玲', 'e').map((contains) => ({ kind: 'name', contains })),
      fc.constantFrom('EXAMPLE', '@hotel', '%').map((contains) => ({ kind: 'email', contains })),
    )
  const condition = (): fc.Arbitrary<unknown> =>
    fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        { arbitrary: leaf(), weight: 2 },
        { arbitrary: fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })), weight: 1 },
        { arbitrary: fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })), weight: 1 },
        { arbitrary: tie('node').map((not) => ({ not })), weight: 1 },
      ),
    })).node

  async function found(one: Condition): Promise<number[]> {
    const { rows } = await sql<{ id: number }>`
      SELECT m.id FROM members m WHERE ${matchSql(one, { now, zone: ZONE })} ORDER BY m.id`.execute(world.database.db)
    return rows.map(({ id }) => id)
  }

  test('finds the members that the plain evaluation finds, for leaves and for trees', {
    timeout: 120_000,
  }, async () => {
    for (const arbitrary of [leaf(), condition()])
      await fc.assert(
        fc.asyncProperty(arbitrary, async (value) => {
          const one = readCondition(value)
          expect(await found(one)).toEqual(people.filter((facts) => holds(one, facts, today)).map(({ id }) => id))
        }),
        { numRuns: 400 },
      )
  })

  test('is never null, so that its negation finds everybody else', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(leaf(), async (value) => {
        const one = readCondition(value)
        const both = [...(await found(one)), ...(await found({ not: one }))].sort((a, b) => a - b)
        expect(both).toEqual(people.map(({ id }) => id))
      }),
      { numRuns: 100 },
    )
  })

  test('takes the largest condition', async () => {
    const largest = {
      any: [...Array(2).keys()].map(() => ({
        all: Array.from({ length: 50 }, () => ({
          kind: 'consumption',
          orders: { from: 0 },
          period: { in_last_days: 9 },
        })),
      })),
    }
    expect(await found(readCondition(largest))).toHaveLength(people.length)
  })

  test('unknown tags and campaigns are named where they stand', async () => {
    const { db } = world.database
    const one = readCondition({
      all: [
        { not: { kind: 'tags', any: [tags[0], 999], none: [998] } },
        {
          any: [
            { kind: 'campaign', id: 997, did: 'open' },
            { kind: 'campaign', id: campaigns[0], did: 'open' },
          ],
        },
      ],
    })
    expect((await checkCondition(db, one)).map(({ path, message }) => `${path} ${message}`)).toEqual([
      '/condition/all/0/not/any/1 is not a tag',
      '/condition/all/0/not/none/0 is not a tag',
      '/condition/all/1/any/0/id is not a campaign',
    ])
  })

  test('members of other tests are not in the way', async () => {
    const before = await found({ kind: 'line', is: 'linked' })
    const { id } = await member(world)
    expect(await found({ kind: 'line', is: 'linked' })).toEqual([...before, id])
    await sql`DELETE FROM members WHERE id = ${id}`.execute(world.database.db)
  })
})
