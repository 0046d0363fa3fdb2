import { afterAll, describe, expect, it } from 'vitest'
import { lastOperation } from '../../../../test/support/site.ts'
import { createSportVenue, createVenue } from '../../../../test/support/venue.ts'
import { callsBy, MONDAY, openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const call = callsBy(world, await world.person('venue:admin'))
const person = await world.person()
afterAll(() => world.close())

describe('a sport venue', () => {
  it('is added, read, changed and deleted, and each is recorded', async () => {
    const added = await call('POST', '/api/v1/sport-venues', {
      name: ' 体育馆一 ',
      type: '综合',
      location: '北区',
    })
    expect(added).toEqual({
      status: 201,
      body: {
        id: expect.any(Number),
        name: '体育馆一',
        type: '综合',
        location: '北区',
        description: null,
        image_url: null,
        venue_count: 0,
        created_at: MONDAY.toISOString(),
        updated_at: MONDAY.toISOString(),
      },
    })
    const path = `/api/v1/sport-venues/${added.body.id}`
    expect((await call('GET', path, undefined, null)).body).toEqual(added.body)
    expect((await call('PUT', path, { location: null })).body).toMatchObject({ name: '体育馆一', location: null })
    expect(await lastOperation(world)).toMatchObject({
      action: 'sport_venue.update',
      changes: { location: ['北区', null] },
    })
    expect((await call('DELETE', path)).status).toBe(204)
    expect((await call('GET', path)).status).toBe(404)
    expect((await call('DELETE', path)).status).toBe(404)
    expect(await lastOperation(world)).toMatchObject({ action: 'sport_venue.delete' })
  })

  it('is not deleted while it has venues; the refusal says how many', async () => {
    const hall = await createSportVenue(call)
    const court = await createVenue(call, { sport_venue_id: hall })
    expect(await call('DELETE', `/api/v1/sport-venues/${hall}`)).toMatchObject({
      status: 409,
      body: { code: 'in_use', venues: 1 },
    })
    await call('PUT', `/api/v1/venues/${court}`, { sport_venue_id: null })
    expect((await call('DELETE', `/api/v1/sport-venues/${hall}`)).status).toBe(204)
  })

  it('has a name of its own', async () => {
    await createSportVenue(call, { name: 'Arena' })
    expect(await call('POST', '/api/v1/sport-venues', { name: 'arena' })).toMatchObject({
      status: 409,
      body: { code: 'name_taken' },
    })
  })

  it('is listed by type, location and text', async () => {
    await createSportVenue(call, { name: 'Alpha', type: 'track', location: 'South' })
    await createSportVenue(call, { name: 'Beta', type: 'track', location: 'North', description: 'beside Alpha' })
    const names = async (query: string) =>
      (await call('GET', `/api/sport-venues?${query}`, undefined, null)).body.items.map(
        ({ name }: { name: string }) => name,
      )
    expect(await names('type=track&sort=-name')).toEqual(['Beta', 'Alpha'])
    expect(await names('type=track&location=sou')).toEqual(['Alpha'])
    expect(await names('type=track&q=alpha')).toEqual(['Alpha', 'Beta'])
  })

  it('is written by staff alone', async () => {
    expect((await call('POST', '/api/v1/sport-venues', { name: 'Z' }, person)).status).toBe(403)
    expect((await call('POST', '/api/v1/sport-venues', { name: 'Z' }, null)).status).toBe(401)
  })
})
