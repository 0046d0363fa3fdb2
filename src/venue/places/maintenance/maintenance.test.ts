import { afterAll, describe, expect, it } from 'vitest'
import {
  addCaller,
  addCourt,
  addSlot,
  addSportVenue,
  bookSlot,
  differences,
  reservationRow,
  slotRow,
} from '../../../../test/support/venue.ts'
import { callsBy, MONDAY, openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const call = callsBy(world, await addCaller(world, 'venue:admin'))
const ann = await addCaller(world)
const bob = await addCaller(world)
afterAll(() => world.close())

const clean = async () => {
  await world.rows('DELETE FROM outbox')
  world.clock.set(MONDAY)
}
const status = (venue: number, body: object) => call('PATCH', `/api/v1/venues/${venue}/status`, body)

describe('a maintenance plan', () => {
  const plan = (path: string, body: object) => call('POST', `/api/v1/${path}/maintenance`, body)

  it('in the future closes its slots at once, starts and ends by itself, and tells the people with reservations', async () => {
    await clean()
    const venue = await addCourt(world)
    const inside = await addSlot(world, venue, { start: '2026-03-04 10:00' })
    const after = await addSlot(world, venue, { start: '2026-03-04 14:00' })
    const { id } = await bookSlot(world, ann, inside)
    const answer = await plan(`venues/${venue}`, {
      start_time: '2026-03-04 09:00',
      end_time: '2026-03-04T12:00:00',
      reason: '更换地板',
    })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      venue_id: venue,
      sport_venue_id: null,
      start_time: '2026-03-04T09:00:00+08:00',
      end_time: '2026-03-04T12:00:00+08:00',
      reason: '更换地板',
      state: 'planned',
      affected: [{ reservation_id: id, status: 'displaced' }],
    })
    const { body: read } = await call('GET', `/api/v1/venues/${venue}`, undefined, null)
    expect(read.status).toBe('open')
    await expect(bookSlot(world, bob, inside)).rejects.toMatchObject({ code: 'venue_closed' })

    const stateAt = async (time: string) => {
      world.clock.set(new Date(time))
      const shown = await call('GET', `/api/v1/venues/${venue}`, undefined, null)
      const list = await call('GET', `/api/venues/${venue}/maintenance`, undefined, null)
      return [shown.body.status, list.body.items[0].state]
    }
    expect(await stateAt('2026-03-04T01:00Z')).toEqual(['maintenance', 'running'])
    expect(await stateAt('2026-03-04T04:00Z')).toEqual(['open', 'done'])
    expect((await bookSlot(world, bob, after)).status).toBe('confirmed')
    for (const state of ['planned', 'running', 'cancelled']) {
      const list = await call('GET', `/api/v1/venues/${venue}/maintenance?state=${state}`)
      expect(list.body).toMatchObject({ items: [], total: 0 })
    }
    expect((await call('GET', `/api/v1/venues/${venue}/maintenance?state=done`)).body.total).toBe(1)
    expect(await differences(world)).toEqual([])
  })

  it('is changed and cancelled: slots it leaves open again, those it reaches close, unless another closure covers them', async () => {
    await clean()
    const venue = await addCourt(world)
    const nine = await addSlot(world, venue, { start: '2026-03-04 09:00' })
    const ten = await addSlot(world, venue, { start: '2026-03-04 10:00' })
    const eleven = await addSlot(world, venue, { start: '2026-03-04 11:00' })
    const open = async () => {
      const slots = [await slotRow(world, nine), await slotRow(world, ten), await slotRow(world, eleven)]
      return slots.map((slot) => slot?.open)
    }
    const { id } = await bookSlot(world, ann, eleven)
    const one = await plan(`venues/${venue}`, { start_time: '2026-03-04 09:00', end_time: '2026-03-04 10:00' })
    const two = await plan(`venues/${venue}`, { start_time: '2026-03-04 09:30', end_time: '2026-03-04 10:30' })
    expect(await open()).toEqual([false, false, true])
    const moved = await call('PUT', `/api/v1/maintenance/${one.body.id}`, {
      start_time: '2026-03-04 10:00',
      end_time: '2026-03-04 12:00',
    })
    expect(moved.body).toMatchObject({ reason: null, affected: [{ reservation_id: id }] })
    expect(await open()).toEqual([false, false, false])
    const cancelled = await call('DELETE', `/api/v1/maintenance/${two.body.id}`)
    expect(cancelled).toMatchObject({ status: 200, body: { state: 'cancelled' } })
    expect(await open()).toEqual([true, false, false])
    for (const change of [['DELETE', undefined] as const, ['PUT', { reason: 'x' }] as const]) {
      const again = await call(change[0], `/api/v1/maintenance/${two.body.id}`, change[1])
      expect(again).toMatchObject({ status: 409, body: { code: 'bad_state', state: 'cancelled' } })
    }
    expect((await call('GET', `/api/v1/maintenance/${two.body.id}`)).body.state).toBe('cancelled')
    expect((await call('DELETE', '/api/v1/maintenance/999999')).status).toBe(404)
    expect(await differences(world)).toEqual([])
  })

  it('of a sport venue closes all its venues, which can’t be opened one by one', async () => {
    await clean()
    const hall = await addSportVenue(world)
    const [one, two, other] = [
      await addCourt(world, { sportVenueId: hall }),
      await addCourt(world, { sportVenueId: hall }),
      await addCourt(world),
    ]
    const slots = [
      await addSlot(world, one, { start: '2026-03-02 10:00' }),
      await addSlot(world, two, { start: '2026-03-02 10:00' }),
      await addSlot(world, other, { start: '2026-03-02 10:00' }),
    ] as const
    const mine = [await bookSlot(world, ann, slots[0]), await bookSlot(world, bob, slots[1])]
    const { body } = await plan(`sport-venues/${hall}`, {
      start_time: '2026-03-02 07:00',
      end_time: '2026-03-02 18:00',
    })
    expect(body).toMatchObject({ sport_venue_id: hall, state: 'running' })
    expect(body.affected.map((one: { reservation_id: number }) => one.reservation_id)).toEqual(mine.map(({ id }) => id))
    expect((await slotRow(world, slots[2]))?.open).toBe(true)
    expect((await call('GET', `/api/v1/venues/${one}/maintenance`)).body.items).toMatchObject([{ id: body.id }])
    expect(await status(one, { status: 'open' })).toMatchObject({ status: 409, body: { code: 'sport_venue_closed' } })
    await call('DELETE', `/api/v1/maintenance/${body.id}`)
    expect((await slotRow(world, slots[0]))?.open).toBe(true)
    expect(await differences(world)).toEqual([])
  })

  it('of a sport venue also ends reservations of a venue that moves into it', async () => {
    await clean()
    const hall = await addSportVenue(world)
    await plan(`sport-venues/${hall}`, { start_time: '2026-03-02 09:00', end_time: '2026-03-02 18:00' })
    const venue = await addCourt(world)
    const slot = await addSlot(world, venue, { start: '2026-03-02 10:00' })
    const { id } = await bookSlot(world, ann, slot)
    expect((await call('PUT', `/api/v1/venues/${venue}`, { sport_venue_id: hall })).status).toBe(200)
    expect((await reservationRow(world, id))?.status).toBe('displaced')
    expect((await call('PUT', `/api/v1/venues/${venue}`, { sport_venue_id: null })).status).toBe(200)
    expect((await slotRow(world, slot))?.open).toBe(true)
    expect(await differences(world)).toEqual([])
  })

  it('of a facility shows in its status and touches no reservation', async () => {
    await clean()
    const venue = await addCourt(world)
    const slot = await addSlot(world, venue, { start: '2026-03-02 10:00' })
    const { id } = await bookSlot(world, ann, slot)
    const { body: facility } = await call('POST', `/api/v1/venues/${venue}/facilities`, { name: 'Treadmill' })
    const { body } = await plan(`facilities/${facility.id}`, {
      start_time: '2026-03-02 09:00',
      end_time: '2026-03-02 18:00',
    })
    expect(body).toMatchObject({ facility_id: facility.id, state: 'planned', affected: [] })
    const shown = async () => (await call('GET', `/api/v1/facilities/${facility.id}`)).body.status
    expect(await shown()).toBe('available')
    world.clock.set(new Date('2026-03-02T01:00:00Z'))
    expect(await shown()).toBe('maintenance')
    expect((await reservationRow(world, id))?.status).toBe('confirmed')
    expect((await call('GET', `/api/v1/facilities/${facility.id}/maintenance`)).body.total).toBe(1)
  })

  it('has an end after its start, and not before now', async () => {
    await clean()
    const venue = await addCourt(world)
    const codeOf = async (start_time: string, end_time: string) =>
      (await plan(`venues/${venue}`, { start_time, end_time })).body.code
    expect(await codeOf('2026-03-04 10:00', '2026-03-04 10:00')).toBe('validation')
    expect(await codeOf('2026-03-01 10:00', '2026-03-01 11:00')).toBe('in_the_past')
    expect(await codeOf('2026-02-30 10:00', '2026-03-04 10:00')).toBe('validation')
    expect((await plan('venues/999999', { start_time: '2026-03-04 10:00', end_time: '2026-03-04 11:00' })).status).toBe(
      404,
    )
    expect(
      (await plan('facilities/999999', { start_time: '2026-03-04 10:00', end_time: '2026-03-04 11:00' })).status,
    ).toBe(404)
    expect((await call('GET', '/api/v1/sport-venues/999999/maintenance')).status).toBe(404)
    expect(world.faults).toEqual([])
  })
})
