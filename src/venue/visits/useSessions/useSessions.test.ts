import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { addVenue } from '../../../../test/support/venue.ts'
import { MONDAY, openWorld, type Person } from '../../../../test/support/world.ts'
import { stopOverdue } from './ending.ts'

const world = await openWorld()
const admin = await world.person('venue:admin')
afterAll(() => world.close())
beforeEach(() => world.clock.set(MONDAY))

async function facility(quantity = 1, venue?: number): Promise<number> {
  const path = `/api/v1/venues/${venue ?? (await addVenue(world))}/facilities`
  return (await world.call('POST', path, { as: admin, payload: { name: '单车', quantity } })).body.id
}
/** When each session stopped, in minutes after the world began; null: it has not. */
const stopped = async (...ids: number[]) =>
  (
    await world.rows<{ minutes: number | null }>(
      `SELECT (extract(epoch FROM stopped_at - '${MONDAY.toISOString()}') / 60)::int AS minutes FROM use_sessions
        WHERE id IN (${ids.join()}) ORDER BY id`,
    )
  ).map(({ minutes }) => minutes)
const start = (id: number, as: Person) => world.call('POST', `/api/v1/facilities/${id}/use-sessions`, { as })
const stop = (id: number, as: Person) => world.call('PUT', `/api/v1/use-sessions/${id}/stop`, { as })

describe('Using a facility', () => {
  it('lasts from starting to stopping, in whole minutes', async () => {
    const person = await world.person()
    const { status, body } = await start(await facility(), person)
    expect([status, body]).toEqual([201, expect.objectContaining({ unit: 1, stopped_at: null, minutes: null })])
    world.clock.advance(25)
    expect((await stop(body.id, person)).body).toMatchObject({ minutes: 25 })
    expect(await stop(body.id, person)).toMatchObject({ status: 409, body: { code: 'bad_state' } })
    expect((await world.call('GET', '/api/v1/users/me/use-sessions', { as: person })).body.total).toBe(1)
  })

  it('is for as many as there are units, a free unit going to the next', async () => {
    const id = await facility(2)
    const [a, b, c] = [await world.person(), await world.person(), await world.person()]
    const first = await start(id, a)
    expect((await start(id, b)).body.unit).toBe(2)
    expect(await start(id, c)).toMatchObject({ status: 409, body: { code: 'all_in_use' } })
    await stop(first.body.id, a)
    expect((await start(id, c)).body.unit).toBe(1)
  })

  it('is of one thing at a time', async () => {
    const person = await world.person()
    await start(await facility(), person)
    expect(await start(await facility(), person)).toMatchObject({ status: 409, body: { code: 'already_using' } })
  })

  it('never exceeds the units when many start at once', async () => {
    const id = await facility(3)
    const people = await Promise.all(Array.from({ length: 12 }, () => world.person()))
    const answers = await Promise.all(people.map((person) => start(id, person)))
    expect(
      answers
        .filter(({ status }) => status === 201)
        .map(({ body }) => body.unit)
        .sort(),
    ).toEqual([1, 2, 3])
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9)
  })

  it('is refused for broken and for missing facilities', async () => {
    const id = await facility()
    await world.call('PUT', `/api/v1/facilities/${id}`, { as: admin, payload: { status: 'broken' } })
    const person = await world.person()
    expect(await start(id, person)).toMatchObject({ status: 409, body: { code: 'not_available', state: 'broken' } })
    expect((await start(999_999, person)).status).toBe(404)
  })

  it('is stopped by oneself or by staff', async () => {
    const { body } = await start(await facility(), await world.person())
    expect((await stop(body.id, await world.person())).status).toBe(404)
    expect((await stop(body.id, admin)).status).toBe(200)
  })

  it('is visible to staff: those running at a venue, and those of a person', async () => {
    const [venue, ann, bob] = [await addVenue(world), await world.person(), await world.person()]
    const [bike, mat] = [await facility(1, venue), await facility()]
    const first = (await start(bike, ann)).body.id
    const second = (await start(mat, bob)).body.id
    await stop(first, ann)
    const third = (await start(bike, ann)).body.id
    const list = async (query: string) =>
      (await world.call('GET', `/api/v1/use-sessions?${query}`, { as: admin })).body.items.map(
        ({ id }: { id: number }) => id,
      )
    expect(await list(`venue_id=${venue}`)).toEqual([third, first])
    expect(await list(`venue_id=${venue}&running=true`)).toEqual([third])
    expect(await list(`venue_id=${venue}&running=false`)).toEqual([first])
    expect(await list(`facility_id=${mat}`)).toEqual([second])
    expect(await list(`user_id=${ann.id}&sort=id`)).toEqual([first, third])
    expect((await world.call('GET', '/api/v1/use-sessions', { as: ann })).status).toBe(403)
  })

  it('is not started while the venue is closed', async () => {
    const venue = await addVenue(world)
    const [id, person] = [await facility(1, venue), await world.person()]
    const status = (status: string) =>
      world.call('PATCH', `/api/v1/venues/${venue}/status`, { as: admin, payload: { status } })
    await status('closed')
    expect(await start(id, person)).toMatchObject({ status: 409, body: { code: 'venue_closed' } })
    await status('open')
    expect((await start(id, person)).status).toBe(201)
  })

  it('ends when its facility is removed or closed, and its user can start another one', async () => {
    const venues = [await addVenue(world), await addVenue(world), await addVenue(world), await addVenue(world)] as const
    const facilities = await Promise.all(venues.map((venue) => facility(1, venue)))
    const people = await Promise.all(venues.map(() => world.person()))
    const ids: number[] = []
    for (const [index, id] of facilities.entries()) ids.push((await start(id, people[index] ?? admin)).body.id)
    world.clock.advance(20)
    const plan = { start_time: '2026-03-02T08:20:00+08:00', end_time: '2026-03-02T09:00:00+08:00' }
    for (const [method, path, payload] of [
      ['DELETE', `facilities/${facilities[0]}`, undefined],
      ['DELETE', `venues/${venues[1]}`, undefined],
      ['PATCH', `venues/${venues[2]}/status`, { status: 'closed' }],
      ['POST', `facilities/${facilities[3]}/maintenance`, plan],
    ] as const) {
      const answer = await world.call(method, `/api/v1/${path}`, { as: admin, ...(payload && { payload }) })
      expect(answer.status, path).toBeLessThan(300)
    }
    expect(await stopped(...ids)).toEqual([20, 20, 20, 20])
    const other = await facility(4)
    for (const person of people) expect((await start(other, person)).status).toBe(201)
  })

  it('ends by itself when planned maintenance begins, and after the longest time that is allowed', async () => {
    const venue = await addVenue(world)
    const plan = { start_time: '2026-03-02T08:30:00+08:00', end_time: '2026-03-02T08:40:00+08:00' }
    await world.call('POST', `/api/v1/venues/${venue}/maintenance`, { as: admin, payload: plan })
    const planned = (await start(await facility(1, venue), await world.person())).body.id
    const person = await world.person()
    const forgotten = (await start(await facility(), person)).body.id
    world.clock.advance(29)
    await stopOverdue(world.kernel)
    expect(await stopped(planned, forgotten)).toEqual([null, null])
    // The worker was down for a while: what counts is when it should have ended.
    world.clock.advance(31)
    await stopOverdue(world.kernel)
    expect(await stopped(planned, forgotten)).toEqual([30, null])
    world.clock.advance(10 * 24 * 60)
    await stopOverdue(world.kernel)
    expect(await stopped(planned, forgotten)).toEqual([30, 240])
    expect(
      await world.rows(
        `SELECT operation ->> 'resourceId' AS id FROM outbox WHERE operation ->> 'action' = 'use_session.stop' ORDER BY outbox.id DESC LIMIT 1`,
      ),
    ).toEqual([{ id: String(forgotten) }])
    expect((await start(await facility(), person)).status).toBe(201)
  })

  it('ends when its user’s account does', async () => {
    const person = await world.person()
    const { body } = await start(await facility(), person)
    const boss = await world.person('admin')
    expect((await world.call('DELETE', `/api/v1/users/${person.id}`, { as: boss })).status).toBe(204)
    const rows = await world.rows<{ running: boolean }>(
      `SELECT stopped_at IS NULL AS running FROM use_sessions WHERE id = ${body.id}`,
    )
    expect(rows).toEqual([{ running: false }])
  })
})
