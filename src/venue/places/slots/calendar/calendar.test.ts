import { afterAll, describe, expect, it } from 'vitest'
import {
  addClosure,
  addReservation,
  createSlot,
  createSportVenue,
  createVenue,
} from '../../../../../test/support/venue.ts'
import { callsBy, openWorld, type Person } from '../../../../../test/support/world.ts'

const world = await openWorld()
const call = callsBy(world, await world.person('venue:admin'))
const person = await world.person()
afterAll(() => world.close())

describe('the calendar of a venue', () => {
  it('shows this week from Monday to Sunday: opening times, closures and slots by day', async () => {
    const hall = await createSportVenue(call)
    const venue = await createVenue(call, { sport_venue_id: hall })
    await call('PUT', `/api/v1/venues/${venue}/opening-hours`, {
      weekly: [{ weekday: 3, opens: '09:00', closes: '24:00' }],
      exceptions: [{ date: '2026-03-06', opens: '10:00', closes: '11:00' }],
    })
    const slot = await createSlot(call, venue, ['2026-03-04', '09:00', '10:00'])
    await createSlot(call, venue, ['2026-03-11', '09:00', '10:00'])
    const plan = { start: '2026-03-05T22:00:00+08:00', end: '2026-03-07T00:00:00+08:00', reason: 'new floor' }
    await addClosure(world, { sport_venue_id: hall }, { kind: 'maintenance', ...plan })
    await addClosure(world, { venue_id: venue }, { kind: 'closed', start: '2026-03-08T20:00:00+08:00' })
    const { status, body } = await call('GET', `/api/venues/${venue}/calendar`, undefined, null)
    expect(status).toBe(200)
    expect(body).toMatchObject({ venue_id: venue, start_date: '2026-03-02', end_date: '2026-03-08' })
    const day = (date: string) => body.days.find((each: { date: string }) => each.date === date)
    expect(body.days.map(({ date }: { date: string }) => date)).toEqual(
      [2, 3, 4, 5, 6, 7, 8].map((each) => `2026-03-0${each}`),
    )
    expect(day('2026-03-04')).toEqual({
      date: '2026-03-04',
      open: [{ opens: '09:00', closes: '24:00' }],
      closures: [],
      slots: [{ ...slot, mine: null }],
    })
    const closure = {
      kind: 'maintenance',
      start_at: '2026-03-05T22:00:00+08:00',
      end_at: '2026-03-07T00:00:00+08:00',
      reason: 'new floor',
    }
    expect(day('2026-03-05')).toMatchObject({ open: [], closures: [closure] })
    expect(day('2026-03-06')).toMatchObject({ open: [{ opens: '10:00', closes: '11:00' }], closures: [closure] })
    expect(day('2026-03-07').closures).toEqual([])
    expect(day('2026-03-08').closures).toMatchObject([{ kind: 'closed', end_at: null }])
  })

  it('shows a signed-in person their own reservations only', async () => {
    const venue = await createVenue(call)
    const slots = [
      await createSlot(call, venue, ['2026-03-04', '09:00', '10:00']),
      await createSlot(call, venue, ['2026-03-04', '10:00', '11:00']),
      await createSlot(call, venue, ['2026-03-04', '11:00', '12:00']),
    ]
    await addReservation(world, slots[0].id, person, 'cancelled')
    const reservation = await addReservation(world, slots[0].id, person, 'pending')
    await addReservation(world, slots[1].id, person, 'cancelled')
    const path = `/api/v1/venues/${venue}/calendar?start_date=2026-03-04&end_date=2026-03-04`
    const mine = async (caller?: Person | null) =>
      (await call('GET', path, undefined, caller)).body.days[0].slots.map((slot: { mine: unknown }) => slot.mine)
    expect(await mine(person)).toEqual([{ reservation_id: reservation, status: 'pending' }, null, null])
    expect(await mine()).toEqual([null, null, null])
    expect(await mine(null)).toEqual([null, null, null])
  })

  it('has at most 92 days in the right order, and needs a venue', async () => {
    const path = `/api/v1/venues/${await createVenue(call)}/calendar`
    const span = (from: string, to: string) => call('GET', `${path}?start_date=${from}&end_date=${to}`)
    expect((await span('2026-03-02', '2026-06-01')).body.days).toHaveLength(92)
    expect((await span('2026-03-02', '2026-06-02')).body).toMatchObject({
      code: 'validation',
      errors: [{ in: 'query', path: '/end_date' }],
    })
    expect((await span('2026-03-02', '2026-03-01')).status).toBe(400)
    expect((await span('2026-02-30', '2026-03-01')).status).toBe(400)
    expect((await span('1900-01-01', '2199-12-31')).status).toBe(400)
    expect((await call('GET', '/api/v1/venues/999999/calendar')).status).toBe(404)
  })

  it('ends with the last day there is, and begins with the first', async () => {
    const path = `/api/v1/venues/${await createVenue(call)}/calendar`
    const week = async (query: string) => (await call('GET', `${path}?${query}`)).body
    expect(await week('start_date=2199-12-29')).toMatchObject({ start_date: '2199-12-29', end_date: '2199-12-31' })
    expect(await week('end_date=1900-01-03')).toMatchObject({ start_date: '1900-01-01', end_date: '1900-01-03' })
    expect((await week('start_date=2199-12-25')).days).toHaveLength(7)
    expect((await week('end_date=1900-01-07')).days).toHaveLength(7)
  })
})
