import { afterAll, describe, expect, it } from 'vitest'
import { addMember, addSlot, addVenue } from '../../../../test/support/venue.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import { promoteOffer, sweep } from './service.ts'

const world = await openWorld()
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

const book = (person: Person, slot: number) =>
  world.call('POST', '/api/v1/reservations', { as: person, payload: { time_slot_id: slot } })
const cancel = (person: Person, id: number) => world.call('DELETE', `/api/v1/reservations/${id}`, { as: person })
const join = async (person: Person, slot: number, party_size = 1) => {
  const [{ venue_id } = { venue_id: 0 }] = await world.rows<{ venue_id: number }>(
    `SELECT venue_id FROM time_slots WHERE id = ${slot}`,
  )
  return world.call('POST', `/api/v1/venues/${venue_id}/reservation-time-slots/${slot}/waiting-list`, {
    as: person,
    payload: { party_size },
  })
}
const leave = (person: Person, id: number) => world.call('DELETE', `/api/v1/waiting-list/${id}`, { as: person })
const states = async (slot: number) =>
  (await world.rows<{ state: string }>(`SELECT state FROM waiting_list WHERE slot_id = ${slot} ORDER BY id`)).map(
    (row) => row.state,
  )
const places = async (slot: number) => (await world.rows(`SELECT taken, held FROM time_slots WHERE id = ${slot}`))[0]

/** A slot whose every place is booked; answers it with those who booked. */
async function fullSlot(rules: Record<string, unknown> = {}, capacity = 1, when = {}, having = {}) {
  const slot = await addSlot(world, await addVenue(world, { capacity, rules }), when)
  const booked = []
  for (let place = 0; place < capacity; place += 1) {
    const person = await addMember(world, having)
    booked.push({ person, id: (await book(person, slot)).body.id as number })
  }
  return { slot, booked, first: booked[0] ?? { person: await world.person(), id: 0 } }
}

describe('a place that comes free where auto_promote is set', () => {
  const kept = (slot: number) =>
    world.rows<{ user_id: number }>(
      `SELECT user_id FROM reservations WHERE slot_id = ${slot} AND status = 'confirmed' ORDER BY id`,
    )

  it('is booked at once for the first who can be booked; who can’t be loses the turn and is told', async () => {
    const { slot, first } = await fullSlot({ auto_promote: true })
    const [busy, anna] = [await world.person(), await world.person()]
    await join(busy, slot)
    await join(anna, slot)
    await book(busy, await addSlot(world, await addVenue(world)))
    await cancel(first.person, first.id)
    await world.drain()
    expect(await states(slot)).toEqual(['lapsed', 'booked'])
    expect(await kept(slot)).toEqual([{ user_id: anna.id }])
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
    expect((await world.inbox(anna)).map((message) => message.type)).toEqual(['reservation.confirmed'])
    expect((await world.inbox(busy)).map((message) => message.type)).toContain('waiting_list.lapsed')
  })

  it('is booked for the first in line however late the workers come, as long as the slot has not begun', async () => {
    const { slot, first } = await fullSlot({ auto_promote: true, waiting_hold_minutes: 1 })
    const [anna, ben] = [await world.person(), await world.person()]
    await join(anna, slot)
    await join(ben, slot)
    await cancel(first.person, first.id)
    world.clock.advance(16)
    await sweep(world.kernel)
    expect(await states(slot)).toEqual(['booked', 'waiting'])
    expect(await kept(slot)).toEqual([{ user_id: anna.id }])
  })

  it('is booked also in the last minute before the start, without waiting for the next tick', async () => {
    const { slot, first } = await fullSlot({ auto_promote: true }, 1, { day: 0 })
    const anna = await world.person()
    await join(anna, slot)
    world.clock.set(new Date('2026-03-02T08:59:30+08:00'))
    await cancel(first.person, first.id)
    await world.drain()
    expect(await kept(slot)).toEqual([{ user_id: anna.id }])
  })

  it('is not booked for somebody who leaves the line in that moment, but for the next', async () => {
    const { slot, first } = await fullSlot({ auto_promote: true })
    const [anna, ben] = [await world.person(), await world.person()]
    const entry = (await join(anna, slot)).body.id
    await join(ben, slot)
    await cancel(first.person, first.id)
    const leavesInBetween: typeof world.kernel = {
      ...world.kernel,
      withRetries: async (work) => {
        await leave(anna, entry)
        return world.kernel.withRetries(work)
      },
    }
    await promoteOffer(leavesInBetween, { entry_id: entry })
    expect(await states(slot)).toEqual(['left', 'offered'])
    await world.drain()
    expect(await states(slot)).toEqual(['left', 'booked'])
    expect(await kept(slot)).toEqual([{ user_id: ben.id }])
  })

  it('is booked even while another place somewhere can’t be', async () => {
    const [broken, fine] = [await fullSlot({ auto_promote: true }), await fullSlot({ auto_promote: true })]
    const [anna, ben] = [await world.person(), await world.person()]
    await join(anna, broken.slot)
    await join(ben, fine.slot)
    for (const { first } of [broken, fine]) await cancel(first.person, first.id)
    const failsForAnna: typeof world.kernel = {
      ...world.kernel,
      transaction: async (work) => work(await Promise.reject(new Error('broken'))),
    }
    await world.rows(`UPDATE venue_members SET credit = 0 WHERE user_id = ${anna.id}`)
    await expect(sweep(failsForAnna)).rejects.toThrow('broken')
    await world.rows(`UPDATE venue_members SET credit = 100 WHERE user_id = ${anna.id}`)
    expect(await states(fine.slot)).toEqual(['booked'])
    await world.drain()
    expect(await states(broken.slot)).toEqual(['booked'])
  })
})
