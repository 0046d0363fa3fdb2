import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columnsOf, type RowContext, readRow } from './rows.ts'
import { combined, fillOf, type Identity, judge, type KnownMember, MOST_TRIES, waitAfter, wave } from './rules.ts'
import type { Guest } from './types.ts'

const guest = (fields: Partial<Guest> = {}): Guest => ({
  id: null,
  first_name: null,
  last_name: null,
  gender: null,
  birthday: null,
  email: null,
  phone: null,
  id_number: null,
  ...fields,
})

const identity = (fields: Partial<Identity> = {}): Identity => ({
  key: 'guest 1',
  idNumberIndex: null,
  phone: null,
  email: null,
  ...fields,
})

const known = (id: number, fields: Partial<KnownMember> = {}): KnownMember => ({
  id,
  idNumberIndex: null,
  phone: null,
  email: null,
  first_name: null,
  last_name: null,
  gender: null,
  birthday: null,
  ...fields,
})

describe('The verdict on a guest', () => {
  const review = (reason: string, candidates: number[]) => ({ kind: 'review', reason, candidates })
  const match = (memberId: number) => ({ kind: 'match', memberId })

  it('needs a member whom a key fits', () => {
    const nobody = known(1)
    expect(judge(identity({ phone: '+1' }), undefined, [])).toEqual(review('unmatched', []))
    // Members and guests without a key don't fit each other by its absence.
    expect(judge(identity({ phone: '+1' }), undefined, [nobody])).toEqual(review('unmatched', []))
    expect(judge(identity({ phone: '+1' }), undefined, [known(1, { phone: '+2' })])).toEqual(review('unmatched', []))
  })

  it.each(['idNumberIndex', 'phone', 'email'] as const)('is a match by %s alone', (key) => {
    expect(judge(identity({ [key]: 'x' }), undefined, [known(1, { [key]: 'x' }), known(2)])).toEqual(match(1))
  })

  it('is no guess between two members, even when the id number leads to one of them', () => {
    const members = [known(1, { idNumberIndex: 'a' }), known(2, { phone: '+1' })]
    expect(judge(identity({ idNumberIndex: 'a', phone: '+1' }), undefined, members)).toEqual(
      review('ambiguous', [1, 2]),
    )
  })

  it('is a contradiction when the member has another id number, and none when one of them has no id number', () => {
    const one = identity({ idNumberIndex: 'a', phone: '+1' })
    expect(judge(one, undefined, [known(1, { idNumberIndex: 'b', phone: '+1' })])).toEqual(review('contradiction', [1]))
    expect(judge(one, undefined, [known(1, { phone: '+1' })])).toEqual(match(1))
    expect(judge(identity({ phone: '+1' }), undefined, [known(1, { idNumberIndex: 'b', phone: '+1' })])).toEqual(
      match(1),
    )
  })

  describe('who is remembered', () => {
    const matched = { memberId: 1, isGone: false, isChosen: false }
    const chosen = { ...matched, isChosen: true }

    it('is the member, also when other keys lead elsewhere', () => {
      const members = [known(1), known(2, { phone: '+1', email: 'a' })]
      expect(judge(identity({ phone: '+1', email: 'a' }), matched, members)).toEqual(match(1))
    })

    it('is left to a person when the id number is not the member’s, unless a person chose', () => {
      const one = identity({ idNumberIndex: 'a' })
      const other = [known(1, { idNumberIndex: 'b' })]
      expect(judge(one, matched, other)).toEqual(review('contradiction', [1]))
      expect(judge(one, chosen, other)).toEqual(match(1))
      const holder = [known(1), known(2, { idNumberIndex: 'a' })]
      expect(judge(one, matched, holder)).toEqual(review('contradiction', [1, 2]))
      expect(judge(one, chosen, holder)).toEqual(match(1))
    })

    it('is skipped when ignored, and when the member was deleted and nobody else fits', () => {
      const fitting = [known(2, { phone: '+1' })]
      expect(judge(identity({ phone: '+1' }), { ...chosen, memberId: null }, fitting)).toEqual({ kind: 'skip' })
      expect(judge(identity({ phone: '+1' }), { ...matched, isGone: true }, [])).toEqual({ kind: 'skip' })
      expect(judge(identity({ phone: '+1' }), { ...matched, isGone: true }, fitting)).toEqual(match(2))
    })
  })
})

describe('What a member gets of a guest', () => {
  const full = guest({
    first_name: '明',
    last_name: '王',
    gender: 'male',
    birthday: '1990-01-01',
    email: 'A@x.y',
    phone: '0911',
    id_number: 'A1',
  })
  const keys = identity({ email: 'a@x.y', phone: '+1', idNumberIndex: 'i' })

  it('is what is empty', () => {
    const { id: _, ...all } = full
    expect(fillOf(full, keys, known(1), [])).toEqual({ fill: all, leftOut: [] })
    expect(fillOf(full, keys, undefined, [])).toEqual({ fill: all, leftOut: [] })
    const has = known(1, { ...keys, first_name: '明', last_name: '王', gender: 'other', birthday: '1980-01-01' })
    expect(fillOf(full, keys, has, [has])).toEqual({ fill: {}, leftOut: [] })
  })

  it('is no half of another name', () => {
    expect(fillOf(full, keys, known(1, { last_name: '王' }), []).fill).toMatchObject({ first_name: '明' })
    expect(fillOf(full, keys, known(1, { last_name: '李' }), []).fill).not.toHaveProperty('first_name')
    expect(fillOf(full, keys, known(1, { first_name: '華' }), []).fill).not.toHaveProperty('last_name')
  })

  it('is nothing that belongs to another member; that is named unless the member has it', () => {
    const me = known(1)
    expect(fillOf(full, keys, me, [me, known(2, { phone: '+1' }), known(3, { email: 'a@x.y' })])).toMatchObject({
      fill: { id_number: 'A1' },
      leftOut: ['email', 'phone'],
    })
    expect(fillOf(full, keys, undefined, [known(2, { idNumberIndex: 'i' })]).leftOut).toEqual(['id_number'])
  })
})

it('Several records of a guest together say the last of each field', () => {
  expect(
    combined([guest({ id: '1', first_name: 'a', phone: 'p' }), guest({ first_name: 'b' }), guest({ last_name: 'c' })]),
  ).toEqual(guest({ id: '1', first_name: 'b', last_name: 'c', phone: 'p' }))
})

it('A wave has every key once, and keeps the order of those that share one', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(5).map(String), { maxLength: 3 })), (items) => {
      const { now, later } = wave(items, (item) => [null, ...new Set(item)])
      const keys = now.flatMap((item) => [...new Set(item)])
      expect(new Set(keys).size).toBe(keys.length)
      expect(now.length + later.length).toBe(items.length)
      if (items.length > 0) expect(now[0]).toBe(items[0])
      for (const item of now)
        for (const waiting of later)
          if (waiting.some((key) => item.includes(key)))
            expect(items.indexOf(item)).toBeLessThan(items.indexOf(waiting))
    }),
  )
})

it('The wait after a failed call grows, is as long as the PMS asks but not endless, and ends after five calls', () => {
  expect([1, 2, 3, 4, 5].map((tries) => waitAfter(tries, undefined))).toEqual([10, 20, 40, 80, undefined])
  expect([waitAfter(1, 15), waitAfter(1, 3), waitAfter(1, 86_400), waitAfter(MOST_TRIES, 1)]).toEqual([
    ...[15, 10, 300, undefined],
  ])
})

describe('A row', () => {
  const context: RowContext = { zone: 'Asia/Taipei', country: 'TW', now: new Date('2026-03-02T00:00:00Z') }
  const order = { order_number: 'A', amount: '1', member_id: 1 }

  it.each([
    ['18000', '18000.00'],
    [18000.5, '18000.50'],
    ['0.07', '0.07'],
    ['-12.30', '-12.30'],
    ['5.1000', '5.10'],
    [99_999_999.99, '99999999.99'],
    ['007', '007.00'],
  ])('with the amount %j has it exactly', (amount, right) => {
    expect(readRow('consumption_records', { ...order, amount }, context).row?.order?.amount).toBe(right)
  })

  it.each([
    ['2026-03-01 23:59:00', '2026-03-01T15:59:00.000Z'],
    ['2026-03-02T00:01:00+08:00', '2026-03-01T16:01:00.000Z'],
    ['2026-03-03T00:00:00Z', '2026-03-03T00:00:00.000Z'],
  ])('created at %s is of %s', (created_at, right) => {
    expect(readRow('consumption_records', { ...order, created_at }, context).row?.order?.created_at).toBe(right)
  })

  it.each([
    ['2026/03/01', '2026-03-01'],
    ['2026-03-01T00:00:00', '2026-03-01'],
    ['2026-03-01 00:00:00.000', '2026-03-01'],
  ])('checks in on %s, which is %s', (check_in_date, right) => {
    expect(readRow('consumption_records', { ...order, check_in_date }, context).row?.order?.check_in_date).toBe(right)
  })

  it('of any value is read or refused by fields, and read again as what it was', () => {
    const cell = fc.oneof(
      fc.anything(),
      fc.constantFrom('2026-01-01', '0912345678', 'a@b.cd', 'A123456789', 'male', '1'),
    )
    const names = ['id', 'member_id', 'first_name', 'gender', 'birthday', 'email', 'phone', 'id_number', 'amount']
    const more = ['order_number', 'check_in_date', 'check_out_date', 'nights', 'created_at', 'room_type']
    const row = fc.dictionary(fc.constantFrom(...names, ...more), cell, { noNullPrototype: false })
    fc.assert(
      fc.property(fc.constantFrom('members', 'consumption_records'), fc.oneof(row, fc.anything()), (type, value) => {
        const first = readRow(type, value, context)
        if (!first.row) expect(first.faults.length).toBeGreaterThan(0)
        else expect(readRow(type, JSON.parse(JSON.stringify(columnsOf(first.row))), context)).toEqual(first)
      }),
      { numRuns: 500 },
    )
  })
})
