import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CatalogueWorld, openCatalogueWorld } from '../../../../test/support/catalogueWorld.ts'
import { MONDAY } from '../../../../test/support/world.ts'

let world: CatalogueWorld
beforeAll(async () => {
  world = await openCatalogueWorld()
})
afterAll(() => world.close())

describe('a sport venue', () => {
  it('is added, read, changed and deleted, and each is recorded', async () => {
    const added = await world.call('POST', '/api/v1/sport-venues', {
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
    expect((await world.call('GET', path, undefined, null)).body).toEqual(added.body)
    expect((await world.call('PUT', path, { location: null })).body).toMatchObject({ name: '体育馆一', location: null })
    expect(await world.lastOperation()).toMatchObject({
      action: 'sport_venue.update',
      changes: { location: ['北区', null] },
    })
    expect((await world.call('DELETE', path)).status).toBe(204)
    expect((await world.call('GET', path)).status).toBe(404)
    expect((await world.call('DELETE', path)).status).toBe(404)
    expect(await world.lastOperation()).toMatchObject({ action: 'sport_venue.delete' })
  })

  it('is not deleted while it has venues; the refusal says how many', async () => {
    const hall = await world.sportVenue()
    const court = await world.venue({ sport_venue_id: hall })
    expect(await world.call('DELETE', `/api/v1/sport-venues/${hall}`)).toMatchObject({
      status: 409,
      body: { code: 'in_use', venues: 1 },
    })
    await world.call('PUT', `/api/v1/venues/${court}`, { sport_venue_id: null })
    expect((await world.call('DELETE', `/api/v1/sport-venues/${hall}`)).status).toBe(204)
  })

  it('has a name of its own', async () => {
    await world.sportVenue({ name: 'Arena' })
    expect(await world.call('POST', '/api/v1/sport-venues', { name: 'arena' })).toMatchObject({
      status: 409,
      body: { code: 'name_taken' },
    })
  })

  it('is listed by type, location and text', async () => {
    await world.sportVenue({ name: 'Alpha', type: 'track', location: 'South' })
    await world.sportVenue({ name: 'Beta', type: 'track', location: 'North', description: 'beside Alpha' })
    const names = async (query: string) =>
      (await world.call('GET', `/api/sport-venues?${query}`, undefined, null)).body.items.map(
        ({ name }: { name: string }) => name,
      )
    expect(await names('type=track&sort=-name')).toEqual(['Beta', 'Alpha'])
    expect(await names('type=track&location=sou')).toEqual(['Alpha'])
    expect(await names('type=track&q=alpha')).toEqual(['Alpha', 'Beta'])
  })

  it('is written by staff alone', async () => {
    expect((await world.call('POST', '/api/v1/sport-venues', { name: 'Z' }, 'person')).status).toBe(403)
    expect((await world.call('POST', '/api/v1/sport-venues', { name: 'Z' }, null)).status).toBe(401)
  })
})
