import { afterAll, describe, expect, it } from 'vitest'
import { addSlot, addVenue } from '../../../test/support/venue.ts'
import { MONDAY, openWorld } from '../../../test/support/world.ts'

const world = await openWorld()
const admin = await world.person('admin')
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

const change = (id: number, payload: object, as = admin) =>
  world.call('PUT', `/api/admin/reservations/${id}`, { as, payload })

async function booked(rules = {}) {
  const venue = await addVenue(world, { rules })
  const person = await world.person()
  const payload = { time_slot_id: await addSlot(world, venue, { day: 0, hour: 9 }) }
  const { body } = await world.call('POST', '/api/v1/reservations', { as: person, payload })
  return { id: body.id as number, person, venue }
}

describe('staff', () => {
  it('takes a reservation through its life, and no further', async () => {
    const { id } = await booked({ requires_approval: true })
    expect((await change(id, { status: 'confirmed' })).body.status).toBe('confirmed')
    expect((await change(id, { status: 'checked_in' })).body.code).toBe('too_early')
    world.clock.set(new Date('2026-03-02T09:00:00+08:00'))
    for (const status of ['checked_in', 'completed']) {
      expect((await change(id, { status })).body.status).toBe(status)
    }
    world.clock.set(MONDAY)
    const answer = await change(id, { status: 'cancelled' })
    expect([answer.status, answer.body.code, answer.body.state]).toEqual([409, 'bad_state', 'completed'])
  })

  it('moves a reservation, cancels it with a reason, rejects a request with one', async () => {
    const { id, venue } = await booked()
    const other = await addSlot(world, venue, { hour: 12 })
    expect((await change(id, { time_slot_id: other })).body.time_slot_id).toBe(other)
    expect((await change(id, { status: 'cancelled', reason: '场地维护' })).body).toMatchObject({
      status: 'cancelled',
      end_reason: '场地维护',
    })
    const request = await booked({ requires_approval: true })
    expect((await change(request.id, { status: 'rejected' })).status).toBe(400)
    expect((await change(request.id, { status: 'rejected', reason: '人太多' })).body.status).toBe('rejected')
  })

  it('says one thing at a time, about a reservation that exists, and is staff', async () => {
    const { id, person } = await booked()
    for (const payload of [{}, { time_slot_id: 1, status: 'cancelled' }, { status: 'displaced' }]) {
      expect((await change(id, payload)).status).toBe(400)
    }
    expect((await change(9_999_999, { status: 'cancelled' })).status).toBe(404)
    expect((await change(id, { status: 'cancelled' }, person)).status).toBe(403)
  })
})
