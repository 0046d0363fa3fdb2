import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { openVerifiedWorld } from '../../../../test/support/reservations.ts'
import { addSlot, addVenue } from '../../../../test/support/venue.ts'
import { MONDAY, type Person } from '../../../../test/support/world.ts'
import { averageOf, countOf, distributionOf, maskName } from './rules.ts'

const world = await openVerifiedWorld()
const staff = await world.person('venue:admin')
beforeEach(() => world.clock.set(MONDAY))

const post = (path: string, as: Person, payload?: unknown) => world.call('POST', path, { as, payload })
const rate = (id: number, as: Person, payload: unknown) => post(`/api/v1/reservations/${id}/rating`, as, payload)
const ratingsOf = (venue: number, as?: Person, query = '') =>
  world.call('GET', `/api/v1/venues/${venue}/ratings${query}`, as && { as })

/** A visit to a venue on the day after today, with the state it is left in. */
async function visit(venue: number, anna: Person, { hour = 9, completed = true } = {}): Promise<number> {
  world.clock.set(MONDAY)
  const slot = await addSlot(world, venue, { hour, capacity: 20 }).catch(async () => {
    const [row] = await world.rows<{ id: number }>(`SELECT max(id) AS id FROM time_slots WHERE venue_id = ${venue}`)
    return row?.id ?? 0
  })
  const { body } = await post('/api/v1/reservations', anna, { time_slot_id: slot })
  world.clock.set(new Date(`2026-03-03T${String(hour).padStart(2, '0')}:05:00+08:00`))
  await post(`/api/v1/reservations/${body.id}/check-in`, anna)
  if (completed) await post(`/api/v1/reservations/${body.id}/check-out`, anna)
  return body.id
}

describe('the figures of ratings', () => {
  it('count every rating, and average to two decimals', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 50 }), (scores) => {
        const counted = [1, 2, 3, 4, 5].map((score) => ({ score, count: scores.filter((one) => one === score).length }))
        const distribution = distributionOf(counted.filter(({ count }) => count > 0))
        expect(countOf(distribution)).toBe(scores.length)
        const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
        expect(Math.abs((averageOf(distribution) ?? 0) - mean)).toBeLessThanOrEqual(0.0051)
      }),
    )
    expect(averageOf(distributionOf([]))).toBeNull()
  })

  it('show the first character of a name', () => {
    expect(maskName('张三')).toBe('张**')
    expect(maskName('𠮷野')).toBe('𠮷**')
    expect(maskName(' ')).toBe('**')
  })
})

describe('rating a visit', () => {
  it('is possible once for the visitor of a completed reservation', async () => {
    const venue = await addVenue(world)
    const anna = await world.person()
    const id = await visit(venue, anna, { completed: false })
    const early = await rate(id, anna, { score: 5 })
    expect([early.status, early.body.code, early.body.state]).toEqual([409, 'bad_state', 'checked_in'])
    await post(`/api/v1/reservations/${id}/check-out`, anna)
    expect((await rate(id, staff, { score: 1 })).status).toBe(404)
    const answer = await rate(id, anna, { score: 4, comment: '  地板有点滑 ' })
    expect(answer.status, JSON.stringify(answer.body)).toBe(201)
    expect(answer.body).toMatchObject({ venue_id: venue, score: 4, comment: '地板有点滑', user_name: 'p**' })
    const again = await rate(id, anna, { score: 5 })
    expect([again.status, again.body.code]).toEqual([409, 'already_rated'])
  })

  it('gives one rating however many come at once', async () => {
    const anna = await world.person()
    const id = await visit(await addVenue(world), anna)
    const answers = await Promise.all([1, 2, 3, 4, 5].map((score) => rate(id, anna, { score })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409])
  })

  it.each([0, 6, 3.5, '5', null])('refuses the score %s', async (score) => {
    const anna = await world.person()
    expect((await rate(1, anna, { score })).status).toBe(400)
  })

  it('by the door of the venue takes the latest visit without a rating', async () => {
    const venue = await addVenue(world)
    const anna = await world.person()
    const first = await visit(venue, anna, { hour: 9 })
    const second = await visit(venue, anna, { hour: 11 })
    const path = `/api/venues/${venue}/ratings`
    expect((await post(path, anna, { score: 5 })).status).toBe(201)
    const rated = () =>
      world.rows(`SELECT reservation_id AS id, score FROM ratings WHERE venue_id = ${venue} ORDER BY id`)
    expect(await rated()).toEqual([{ id: second, score: 5 }])
    const elsewhere = await post(`/api/v1/venues/${await addVenue(world)}/ratings`, anna, {
      score: 1,
      reservation_id: first,
    })
    expect(elsewhere.status).toBe(404)
    expect((await post(path, anna, { score: 2, reservation_id: first })).status).toBe(201)
    const none = await post(path, anna, { score: 5 })
    expect([none.status, none.body.code]).toEqual([409, 'nothing_to_rate'])
    expect((await post('/api/v1/venues/999999/ratings', anna, { score: 5 })).status).toBe(404)
  })
})

describe('the ratings of a venue', () => {
  it('are public, with average, count and distribution; hidden ones are for moderators', async () => {
    const venue = await addVenue(world)
    const empty = await ratingsOf(venue)
    expect(empty.body).toMatchObject({ items: [], total: 0, average: null, count: 0 })
    const ids: number[] = []
    for (const score of [5, 4, 1]) {
      const anna = await world.person()
      ids.push((await rate(await visit(venue, anna), anna, { score, comment: `said ${score}` })).body.id)
    }
    const { body } = await ratingsOf(venue, undefined, '?sort=-score')
    expect(body).toMatchObject({ total: 3, average: 3.33, count: 3, distribution: { 1: 1, 2: 0, 3: 0, 4: 1, 5: 1 } })
    expect(body.items.map((item: { score: number }) => item.score)).toEqual([5, 4, 1])
    expect(Object.keys(body.items[0])).not.toContain('user_id')

    const hide = (as: Person) =>
      world.call('PUT', `/api/v1/ratings/${ids[2]}/hide`, { as, payload: { reason: '辱骂' } })
    expect((await hide(await world.person())).status).toBe(403)
    expect((await hide(staff)).body.hidden_reason).toBe('辱骂')
    expect((await ratingsOf(venue)).body).toMatchObject({ total: 2, average: 4.5, count: 2 })
    expect((await ratingsOf(venue, await world.person())).body.total).toBe(2)
    expect((await ratingsOf(venue, staff)).body).toMatchObject({ total: 3, count: 2, average: 4.5 })

    await world.call('PUT', `/api/ratings/${ids[2]}/unhide`, { as: staff })
    expect((await ratingsOf(venue)).body).toMatchObject({ total: 3, average: 3.33 })
    expect((await world.call('PUT', '/api/v1/ratings/999999/unhide', { as: staff })).status).toBe(404)
    expect((await ratingsOf(999_999)).status).toBe(404)
  })
})
