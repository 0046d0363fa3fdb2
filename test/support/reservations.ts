import { afterAll, expect } from 'vitest'
import { addMember, addSlot, addVenue, type SlotOptions } from './venue.ts'
import { openWorld, type Person, type World } from './world.ts'

// Calls for tests of reservations and waiting lists.

/** Opens a world for the tests of a file; after the last test verify must report nothing. */
export async function openVerifiedWorld(): Promise<World> {
  const world = await openWorld()
  afterAll(async () => {
    expect(await world.verify()).toEqual([])
    await world.close()
  })
  return world
}

/** Status and code of a call that is refused. */
export const refusal = (answer: { status: number; body: { code: string } }) => [answer.status, answer.body.code]

type Rules = Readonly<Record<string, unknown>>

/** Calls on reservations, and reads of the places of slots. */
export function reservationCalls(world: World) {
  return {
    book: (as: Person, slot: number, more: object = {}) =>
      world.call('POST', '/api/v1/reservations', { as, payload: { time_slot_id: slot, ...more } }),
    cancel: (as: Person, id: number, path = '/api/v1') => world.call('DELETE', `${path}/reservations/${id}`, { as }),
    places: async (slot: number) => (await world.rows(`SELECT taken, held FROM time_slots WHERE id = ${slot}`))[0],
    /** Adds a slot of a new venue. */
    slotWith: async (rules: Rules = {}, capacity = 1, when: SlotOptions = {}) =>
      addSlot(world, await addVenue(world, { capacity, rules }), when),
  }
}

/** Calls on waiting lists, and reads of the states of their entries. */
export function waitingListCalls(world: World) {
  const { book, slotWith } = reservationCalls(world)
  return {
    async join(as: Person, slot: number, party_size = 1) {
      const [{ venue_id } = { venue_id: 0 }] = await world.rows<{ venue_id: number }>(
        `SELECT venue_id FROM time_slots WHERE id = ${slot}`,
      )
      const path = `/api/v1/venues/${venue_id}/reservation-time-slots/${slot}/waiting-list`
      return await world.call('POST', path, { as, payload: { party_size } })
    },
    leave: (as: Person, id: number) => world.call('DELETE', `/api/v1/waiting-list/${id}`, { as }),
    claim: (as: Person, id: number) => world.call('POST', `/api/v1/waiting-list/${id}/claim`, { as }),
    async states(slot: number) {
      const query = `SELECT state FROM waiting_list WHERE slot_id = ${slot} ORDER BY id`
      return (await world.rows<{ state: string }>(query)).map(({ state }) => state)
    },
    /** Adds a slot and books all its places; returns the slot and its bookings. */
    async fullSlot(rules: Rules = {}, capacity = 1, when: SlotOptions = {}, having = {}) {
      const slot = await slotWith(rules, capacity, when)
      const booked = []
      for (let place = 0; place < capacity; place += 1) {
        const person = await addMember(world, having)
        booked.push({ person, id: (await book(person, slot)).body.id as number })
      }
      return { slot, booked, first: booked[0] ?? { person: await world.person(), id: 0 } }
    },
  }
}
