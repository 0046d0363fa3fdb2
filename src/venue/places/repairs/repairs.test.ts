import { afterAll, describe, expect, it } from 'vitest'
import { addVenue } from '../../../../test/support/venue.ts'
import { openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const admin = await world.person('venue:admin')
const reporter = await world.person()
const stranger = await world.person()
afterAll(() => world.close())

async function facility(): Promise<number> {
  const venue = await addVenue(world)
  const path = `/api/v1/venues/${venue}/facilities`
  return (await world.call('POST', path, { as: admin, payload: { name: '跑步机', quantity: 2 } })).body.id
}

const report = (id: number, as = reporter) =>
  world.call('POST', `/api/v1/facilities/${id}/repair-reports`, { as, payload: { description: '跑带打滑' } })
const decide = (id: number, status: string, note?: string) =>
  world.call('PUT', `/api/v1/repair-reports/${id}`, { as: admin, payload: { status, ...(note && { note }) } })
const statusOf = async (id: number) => (await world.call('GET', `/api/v1/facilities/${id}`)).body.status

describe('A repair report', () => {
  it('goes from reported to accepted to fixed, breaks and mends the facility, and its reporter is told', async () => {
    const id = await facility()
    const { status, body } = await report(id)
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({ facility_id: id, status: 'reported', closed_at: null }),
    ])
    expect(await statusOf(id)).toBe('available')
    expect((await decide(body.id, 'accepted')).body).toMatchObject({ status: 'accepted' })
    expect(await statusOf(id)).toBe('broken')
    expect((await decide(body.id, 'fixed', '已更换跑带')).body).toMatchObject({ status: 'fixed', note: '已更换跑带' })
    expect(await statusOf(id)).toBe('available')
    const told = await world.inbox(reporter)
    expect(told.map(({ type }) => type)).toEqual(['repair_report.accepted', 'repair_report.fixed'])
    expect(told[1]?.body).toContain('已更换跑带')
  })

  it('keeps the facility broken until the last accepted one is dealt with', async () => {
    const id = await facility()
    const [one, two] = [(await report(id)).body.id, (await report(id, stranger)).body.id]
    await decide(one, 'accepted')
    await decide(two, 'accepted')
    await decide(one, 'fixed')
    expect(await statusOf(id)).toBe('broken')
    await decide(two, 'rejected')
    expect(await statusOf(id)).toBe('available')
  })

  it('that is rejected at once leaves facilities that were broken before as they are', async () => {
    const id = await facility()
    await world.call('PUT', `/api/v1/facilities/${id}`, { as: admin, payload: { status: 'broken' } })
    await decide((await report(id)).body.id, 'rejected')
    expect(await statusOf(id)).toBe('broken')
  })

  it.each([
    ['fixed', []],
    ['accepted', ['accepted']],
    ['accepted', ['rejected']],
    ['rejected', ['accepted', 'fixed']],
  ])('refuses %s after %j', async (next, before) => {
    const { body } = await report(await facility())
    for (const status of before) await decide(body.id, status)
    expect(await decide(body.id, next)).toMatchObject({
      status: 409,
      body: { code: 'bad_state', state: before.at(-1) ?? 'reported' },
    })
  })

  it('is visible to its reporter and to staff only', async () => {
    const { body } = await report(await facility())
    const path = `/api/v1/repair-reports/${body.id}`
    expect((await world.call('GET', path, { as: reporter })).status).toBe(200)
    expect((await world.call('GET', path, { as: admin })).status).toBe(200)
    expect((await world.call('GET', path, { as: stranger })).status).toBe(404)
    expect((await world.call('GET', '/api/v1/repair-reports', { as: stranger })).status).toBe(403)
    const mine = await world.call('GET', '/api/v1/users/me/repair-reports?status=reported', { as: reporter })
    expect(mine.body.items[0].id).toBe(body.id)
    const all = await world.call('GET', `/api/v1/repair-reports?facility_id=${body.facility_id}`, { as: admin })
    expect(all.body.total).toBe(1)
  })

  it('needs an existing facility and a reporter who may book', async () => {
    expect((await report(999_999)).status).toBe(404)
    expect((await report(await facility(), await world.person('venue:visitor'))).status).toBe(403)
  })
})
