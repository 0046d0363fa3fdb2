import { afterAll, describe, expect, it } from 'vitest'
import { lastOperation } from '../../../../test/support/site.ts'
import { addClosure, createVenue } from '../../../../test/support/venue.ts'
import { callsBy, MONDAY, openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const call = callsBy(world, await world.person('venue:admin'))
afterAll(() => world.close())

describe('a facility', () => {
  it('is added to a venue, listed, changed and deleted', async () => {
    const venue = await createVenue(call)
    const added = await call('POST', `/api/v1/venues/${venue}/facilities`, { name: 'Treadmill', quantity: 3 })
    expect(added).toEqual({
      status: 201,
      body: {
        id: expect.any(Number),
        venue_id: venue,
        name: 'Treadmill',
        type: null,
        quantity: 3,
        status: 'available',
        description: null,
        created_at: MONDAY.toISOString(),
        updated_at: MONDAY.toISOString(),
      },
    })
    const path = `/api/admin/facilities/${added.body.id}`
    expect((await call('PUT', path, { status: 'broken' })).body).toMatchObject({ status: 'broken', quantity: 3 })
    expect(await lastOperation(world)).toMatchObject({ changes: { status: ['available', 'broken'] } })
    expect((await call('GET', `/api/venues/${venue}/facilities`, undefined, null)).body).toMatchObject({
      total: 1,
      items: [{ name: 'Treadmill', status: 'broken' }],
    })
    expect((await call('DELETE', path)).status).toBe(204)
    expect((await call('GET', `/api/v1/facilities/${added.body.id}`)).status).toBe(404)
    expect((await call('GET', `/api/admin/venues/${venue}/facilities`)).body.total).toBe(0)
  })

  it('is under maintenance while a plan for it runs, and broken stays broken', async () => {
    const venue = await createVenue(call)
    const add = async (body: object) => (await call('POST', `/api/v1/venues/${venue}/facilities`, body)).body.id
    const [bike, scale] = [await add({ name: 'Bike' }), await add({ name: 'Scale', status: 'broken' })]
    for (const facility_id of [bike, scale]) {
      const plan = { start: '2026-03-02T09:00:00+08:00', end: '2026-03-02T10:00:00+08:00' }
      await addClosure(world, { facility_id }, { kind: 'maintenance', ...plan })
    }
    const status = async (id: number) => (await call('GET', `/api/v1/facilities/${id}`)).body.status
    expect(await status(bike)).toBe('available')
    world.clock.advance(60)
    expect(await status(bike)).toBe('maintenance')
    expect(await status(scale)).toBe('broken')
    world.clock.set(MONDAY)
  })

  it('has a name of its own in its venue, and needs a venue', async () => {
    const venue = await createVenue(call)
    await call('POST', `/api/v1/venues/${venue}/facilities`, { name: 'Mat' })
    expect(await call('POST', `/api/v1/venues/${venue}/facilities`, { name: 'mat' })).toMatchObject({
      status: 409,
      body: { code: 'name_taken' },
    })
    expect((await call('POST', '/api/v1/venues/999999/facilities', { name: 'Mat' })).status).toBe(404)
    expect((await call('GET', '/api/v1/venues/999999/facilities')).status).toBe(404)
    expect((await call('PUT', '/api/v1/facilities/999999', { name: 'Mat' })).status).toBe(404)
  })

  it('goes with its venue', async () => {
    const venue = await createVenue(call)
    const { body } = await call('POST', `/api/v1/venues/${venue}/facilities`, { name: 'Rope' })
    await call('DELETE', `/api/v1/venues/${venue}`)
    expect((await call('GET', `/api/v1/facilities/${body.id}`)).status).toBe(404)
  })
})
