import { beforeEach, describe, expect, it } from 'vitest'
import { openVerifiedWorld } from '../../../../test/support/reservations.ts'
import { addMember, addSlot, addVenue } from '../../../../test/support/venue.ts'
import { MONDAY, type Person } from '../../../../test/support/world.ts'

const world = await openVerifiedWorld()
const staff = await world.person('venue:admin')
beforeEach(() => world.clock.set(MONDAY))

const approve = (id: number, payload: unknown, as = staff, path = `/api/v1/reservations/${id}/approve`) =>
  world.call('PUT', path, { as, payload })
const member = async ({ id }: Person) =>
  (await world.rows<{ points: number }>(`SELECT points FROM venue_members WHERE user_id = ${id}`))[0]

/** A request for the one place of a slot that costs 3 of 10 points. */
async function requested() {
  const venue = await addVenue(world, { rules: { requires_approval: true, points_cost: 3 } })
  const slot = await addSlot(world, venue)
  const anna = await addMember(world, { points: 10 })
  const { body } = await world.call('POST', '/api/v1/reservations', { as: anna, payload: { time_slot_id: slot } })
  expect(body.status).toBe('pending')
  return { venue, slot, anna, id: Number(body.id) }
}

describe('approving', () => {
  it('confirms a request, as the walk-through does, and tells its person exactly once', async () => {
    const { anna, id } = await requested()
    const answer = await approve(id, { status: 'confirmed' }, staff, `/api/reservations/${id}/approve`)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    expect(answer.body).toMatchObject({ id, status: 'confirmed' })
    await world.call('POST', `/api/notifications/reservations/${id}/confirm`, { as: anna })
    const types = (await world.inbox(anna)).map(({ type }) => type)
    expect(types).toEqual(['reservation.pending', 'reservation.confirmed'])
    const again = await approve(id, { status: 'confirmed' })
    expect([again.status, again.body.code, again.body.state]).toEqual([409, 'bad_state', 'confirmed'])
  })

  it('by POST is the same, and is refused once the slot has begun', async () => {
    const { id } = await requested()
    const path = `/api/v1/reservations/${id}/approve`
    world.clock.set(new Date('2026-03-03T09:00:00+08:00'))
    const late = await world.call('POST', path, { as: staff, payload: { status: 'confirmed' } })
    expect([late.status, late.body.code]).toEqual([409, 'in_the_past'])
    world.clock.set(MONDAY)
    const answer = await world.call('POST', path, { as: staff, payload: { status: 'confirmed' } })
    expect([answer.status, answer.body.status]).toEqual([200, 'confirmed'])
  })

  it('is for staff alone', async () => {
    const { anna, id } = await requested()
    expect((await approve(id, { status: 'confirmed' }, anna)).status).toBe(403)
    expect((await world.call('GET', '/api/v1/reservations/pending', { as: anna })).status).toBe(403)
    expect((await approve(999_999, { status: 'confirmed' })).status).toBe(404)
  })
})

describe('rejecting', () => {
  it('needs a reason, which may not be blank', async () => {
    const { id } = await requested()
    for (const body of [{ status: 'rejected' }, { status: 'rejected', reason: '  ' }, { status: 'cancelled' }]) {
      const { status, body: problem } = await approve(id, body)
      expect([status, problem.code]).toEqual([400, 'validation'])
    }
  })

  it('returns the points, says why, and offers the place to the next in line', async () => {
    const { anna, id } = await requested()
    const ben = await addMember(world, { points: 10 })
    await world.call('POST', `/api/v1/reservations/${id}/waiting-list`, { as: ben, payload: {} })
    expect(await member(anna)).toEqual({ points: 7 })
    const answer = await approve(id, { status: 'rejected', reason: '内部比赛' })
    expect(answer.body).toMatchObject({ status: 'rejected', end_reason: '内部比赛' })
    expect(await member(anna)).toEqual({ points: 10 })
    const told = (await world.inbox(anna)).find(({ type }) => type === 'reservation.rejected')
    expect(told?.body).toContain('内部比赛')
    expect((await world.inbox(ben)).map(({ type }) => type)).toEqual(['waiting_list.offered'])
  })

  it('and approving at once: one of them wins', async () => {
    const { id } = await requested()
    const answers = await Promise.all([
      approve(id, { status: 'confirmed' }),
      approve(id, { status: 'rejected', reason: 'no' }),
      approve(id, { status: 'confirmed' }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  })
})

describe('the list of requests', () => {
  it('lists pending reservations by venue and page, without decided ones', async () => {
    const first = await requested()
    const second = await requested()
    const decided = await requested()
    await approve(decided.id, { status: 'confirmed' })
    const ids = async (query: string, path = '/api/v1') => {
      const { body } = await world.call('GET', `${path}/reservations/pending?${query}`, { as: staff })
      return body.items.map((item: { id: number }) => item.id)
    }
    const all = await ids('sort=-id&page_size=2')
    expect(all).toEqual([second.id, first.id])
    expect(await ids(`venue_id=${first.venue}`, '/api')).toEqual([first.id])
    expect(await ids(`venue_id=${decided.venue}`)).toEqual([])
  })
})
