import { describe, expect, it } from 'vitest'
import { openVerifiedWorld } from '../../../../test/support/reservations.ts'
import { addMember } from '../../../../test/support/venue.ts'
import type { Person } from '../../../../test/support/world.ts'

const world = await openVerifiedWorld()
const staff = await world.person('venue:admin')

const get = (path: string, as: Person) => world.call('GET', path, { as })
const post = (path: string, as: Person, payload: unknown, headers: Record<string, string> = {}) =>
  world.call('POST', path, { as, payload, headers })
const balances = async (...people: Person[]) => {
  const rows = await world.rows<{ user_id: number; points: number }>('SELECT user_id, points FROM venue_members')
  return people.map(({ id }) => rows.find((row) => row.user_id === id)?.points ?? null)
}

describe('credit', () => {
  it('is full for people who have never booked, and staff can see everybody’s', async () => {
    const anna = await world.person()
    const { status, body } = await get('/api/v1/users/me/credit', anna)
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body).toMatchObject({ user_id: anna.id, score: 100, history: { items: [], total: 0, page: 1 } })
    expect((await get(`/api/users/${anna.id}/credit`, staff)).body.score).toBe(100)
    expect((await get(`/api/v1/users/${staff.id}/credit`, anna)).status).toBe(403)
    expect((await get('/api/v1/users/999999/credit', staff)).status).toBe(404)
  })

  it('is adjusted within 0 and 100, with a note in its history', async () => {
    const anna = await world.person()
    const path = `/api/v1/users/${anna.id}/credit-adjustments`
    expect((await post(path, anna, { delta: 5, note: 'me' })).status).toBe(403)
    const down = await post(path, staff, { delta: -30, note: '损坏器材' })
    expect([down.status, down.body]).toEqual([201, { user_id: anna.id, score: 70 }])
    expect((await post(path, staff, { delta: 100, note: '误扣' })).body.score).toBe(100)
    const { body } = await get('/api/v1/users/me/credit?page_size=1', anna)
    expect(body).toMatchObject({ score: 100, history: { total: 2, total_pages: 2 } })
    expect(body.history.items[0]).toMatchObject({ delta: 30, after: 100, reason: 'adjustment', note: '误扣' })
  })

  it.each([0, 101, -101, 1.5, '5'])('is not adjusted by %s', async (delta) => {
    expect((await post(`/api/v1/users/${staff.id}/credit-adjustments`, staff, { delta, note: 'x' })).status).toBe(400)
  })
})

describe('points', () => {
  it('are granted and taken, never more than there are', async () => {
    const anna = await world.person()
    const path = `/api/v1/users/${anna.id}/points-grants`
    expect((await post(path, staff, { delta: 10, note: '年度额度' })).body).toEqual({ user_id: anna.id, balance: 10 })
    const short = await post(path, staff, { delta: -11, note: 'x' })
    expect([short.status, short.body.code, short.body.points]).toEqual([409, 'points_short', 10])
    expect((await post(path, staff, { delta: -4, note: 'x' })).body.balance).toBe(6)
    const { body } = await get('/api/v1/users/me/points', anna)
    expect(body.balance).toBe(6)
    expect(body.history.items.map((item: { reason: string; after: number }) => [item.reason, item.after])).toEqual([
      ['adjustment', 6],
      ['grant', 10],
    ])
    expect((await post('/api/v1/users/999999/points-grants', staff, { delta: 1, note: 'x' })).status).toBe(404)
  })

  it('taken by several at once never fall below zero', async () => {
    const anna = await addMember(world, { points: 5 })
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post(`/api/v1/users/${anna.id}/points-grants`, staff, { delta: -1, note: 'x' })),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
    expect(await balances(anna)).toEqual([0])
  })

  it('never exceed the range of the number', async () => {
    const anna = await addMember(world, { points: 999_999_999 })
    const { status, body } = await post(`/api/v1/users/${anna.id}/points-grants`, staff, { delta: 2, note: 'x' })
    expect([status, body.code]).toEqual([409, 'too_many_points'])
    const many = await post('/api/v1/points-grants', staff, { points: 1_000_000, to: [anna.id], note: 'x' })
    expect([many.status, many.body.user_ids]).toEqual([404, [anna.id]])
    expect(await balances(anna)).toEqual([999_999_999])
  })
})

describe('an allowance', () => {
  it('is given to all people who may book, once for each Idempotency-Key', async () => {
    const [anna, boss] = [await world.person(), await addMember(world, { role: 'venue:leader', points: 1 })]
    const visitor = await world.person('venue:visitor')
    const grant = { points: 20, reason: 'grant', to: 'all_employees', note: '2026 年额度' }
    const [before = 0] = await balances(staff)
    const first = await post('/api/v1/points-grants', staff, grant, { 'idempotency-key': '2026' })
    const second = await post('/api/v1/points-grants', staff, grant, { 'idempotency-key': '2026' })
    expect(first.status, JSON.stringify(first.body)).toBe(201)
    expect(second.body).toEqual(first.body)
    expect(await balances(anna, boss, visitor, staff)).toEqual([20, 21, null, (before ?? 0) + 20])
    const { body } = await get('/api/v1/users/me/points', boss)
    expect(body.history.items[0]).toMatchObject({ delta: 20, after: 21, reason: 'grant', note: '2026 年额度' })
  })

  it('goes to the named people, all or none, each once', async () => {
    const [anna, ben] = [await world.person(), await world.person()]
    const to = [anna.id, ben.id, anna.id]
    const { body } = await post('/api/v1/points-grants', staff, { points: 3, to, note: '奖励' })
    expect(body).toEqual({ points: 3, granted: 2 })
    const unknown = await post('/api/v1/points-grants', staff, { points: 3, to: [...to, 999_999], note: '奖励' })
    expect([unknown.status, unknown.body.user_ids]).toEqual([404, [999_999]])
    expect(await balances(anna, ben)).toEqual([3, 3])
    expect((await post('/api/v1/points-grants', anna, { points: 3, to, note: '奖励' })).status).toBe(403)
    expect((await post('/api/v1/points-grants', staff, { points: 0, to, note: '奖励' })).status).toBe(400)
    expect((await post('/api/v1/points-grants', staff, { points: 3, to: [], note: '奖励' })).status).toBe(400)
  })
})
