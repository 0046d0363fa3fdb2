import { afterAll, describe, expect, it } from 'vitest'
import { addVenue } from '../../../../test/support/venue.ts'
import { openWorld } from '../../../../test/support/world.ts'
import { describe as describeApi } from '../reference/openapi.ts'

const world = await openWorld()
const venue = await addVenue(world, { capacity: 3 })
await addVenue(world)
afterAll(() => world.close())

describe('?fields=', () => {
  it('leaves other fields out of a single object and of each item of a list', async () => {
    expect((await world.call('GET', `/api/v1/venues/${venue}?fields=id,capacity`)).body).toEqual({
      id: venue,
      capacity: 3,
    })
    const { body } = await world.call('GET', '/api/v1/venues?fields=id&sort=id')
    expect(body).toEqual({
      items: [{ id: venue }, { id: venue + 1 }],
      total: 2,
      page: 1,
      page_size: 20,
      total_pages: 1,
    })
  })

  it('may be repeated instead of separated by commas', async () => {
    const { body } = await world.call('GET', `/api/venues/${venue}?fields=id&fields=name`)
    expect(Object.keys(body)).toEqual(['id', 'name'])
  })

  it.each(['secret', 'check_in_secret', '__proto__', 'id,', '', 'items'])(
    'refuses a name the answer does not have: %j',
    async (fields) => {
      const { status, body } = await world.call('GET', `/api/v1/venues/${venue}?fields=${fields}`)
      expect([status, body.code, body.errors[0].path]).toEqual([400, 'validation', '/fields'])
    },
  )

  it('has an ETag of its own, which answers 304', async () => {
    const path = `/api/v1/venues/${venue}?fields=id`
    const [whole, sparse] = [await world.call('GET', `/api/v1/venues/${venue}`), await world.call('GET', path)]
    expect(sparse.headers.etag).not.toBe(whole.headers.etag)
    const again = await world.call('GET', path, { headers: { 'if-none-match': String(sparse.headers.etag) } })
    expect([again.status, again.body]).toEqual([304, ''])
    const other = await world.call('GET', path, { headers: { 'if-none-match': String(whole.headers.etag) } })
    expect(other.status).toBe(200)
  })

  it('does not change refusals', async () => {
    const { status, body } = await world.call('GET', '/api/v1/venues/999999?fields=id')
    expect([status, body.code]).toEqual([404, 'not_found'])
  })

  it('is in the API reference, with the field names', () => {
    const document = JSON.stringify(describeApi(world.app))
    const paths: Record<
      string,
      { get?: { parameters?: { name: string; explode?: boolean; schema: { items: { enum: string[] } } }[] } }
    > = JSON.parse(document).paths
    const parameter = paths['/api/v1/venues/{venue_id}']?.get?.parameters?.find(({ name }) => name === 'fields')
    expect(parameter?.explode).toBe(false)
    expect(parameter?.schema.items.enum).toContain('capacity')
    expect(paths['/api/v1/venues']?.get?.parameters?.map(({ name }) => name)).toContain('fields')
  })
})
