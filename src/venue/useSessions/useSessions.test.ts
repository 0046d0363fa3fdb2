import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type Person, type World } from '../../../test/support/world.ts'

let world: World
let admin: Person
beforeAll(async () => {
  world = await openWorld()
  admin = await world.person('venue:admin')
})
afterAll(() => world.close())

async function facility(quantity = 1): Promise<number> {
  const path = `/api/v1/venues/${await world.venue()}/facilities`
  return (await world.call('POST', path, { as: admin, payload: { name: '单车', quantity } })).body.id
}
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

  it('is refused of what is broken, and of what is not there', async () => {
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
