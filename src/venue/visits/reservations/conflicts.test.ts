import { describe, expect, it } from 'vitest'
import { openVerifiedWorld, reservationCalls } from '../../../../test/support/reservations.ts'
import { addSlot, addVenue } from '../../../../test/support/venue.ts'
import type { Person } from '../../../../test/support/world.ts'

const world = await openVerifiedWorld()

const { book } = reservationCalls(world)

describe('check-conflict', () => {
  const ask = async (venue: number, question: object, as?: Person) =>
    (
      await world.call('POST', `/api/v1/venues/${venue}/check-conflict`, {
        as: as ?? (await world.person()),
        payload: question,
      })
    ).body
  const nine = { date: '2026-03-03', start_time: '09:00', end_time: '10:00' }
  const codes = (answer: { reasons: { code: string }[] }) => answer.reasons.map((reason) => reason.code)

  it('finds no conflict for a free slot', async () => {
    const venue = await addVenue(world)
    await addSlot(world, venue)
    expect(await ask(venue, nine)).toEqual({ conflict: false, reasons: [] })
  })

  it('names a missing slot, a full one, an overlap of one’s own, the past, and a slot too far ahead', async () => {
    const venue = await addVenue(world)
    const slot = await addSlot(world, venue)
    const anna = await world.person()
    await book(anna, slot)
    expect(codes(await ask(venue, { ...nine, end_time: '11:00' }))).toEqual(['no_slot'])
    expect(codes(await ask(venue, nine))).toEqual(['slot_full'])
    expect(codes(await ask(venue, nine, anna))).toEqual(['own_overlap', 'slot_full'])
    expect(codes(await ask(venue, { ...nine, date: '2026-03-01' }))).toEqual(['no_slot', 'in_the_past'])
    expect(codes(await ask(venue, { ...nine, date: '2026-06-01' }))).toEqual(['no_slot', 'too_far_ahead'])
  })

  it('names opening hours only where there is no slot: those that exist when hours are narrowed stay bookable', async () => {
    const venue = await addVenue(world)
    const slot = await addSlot(world, venue)
    const admin = await world.person('admin')
    const weekly = [{ weekday: 2, opens: '12:00', closes: '18:00' }]
    const narrowed = await world.call('PUT', `/api/v1/venues/${venue}/opening-hours`, {
      as: admin,
      payload: { weekly },
    })
    expect(narrowed.status, JSON.stringify(narrowed.body)).toBe(200)
    expect(await ask(venue, nine)).toEqual({ conflict: false, reasons: [] })
    expect(codes(await ask(venue, { ...nine, end_time: '11:00' }))).toEqual(['no_slot', 'outside_hours'])
    expect((await book(await world.person(), slot)).status).toBe(201)
  })
})
