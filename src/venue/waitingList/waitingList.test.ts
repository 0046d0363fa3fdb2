import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type Person, type World } from '../../../test/support/world.ts'
import { sweep } from './service.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
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
const claim = (person: Person, id: number) => world.call('POST', `/api/v1/waiting-list/${id}/claim`, { as: person })
const states = async (slot: number) =>
  (await world.rows<{ state: string }>(`SELECT state FROM waiting_list WHERE slot_id = ${slot} ORDER BY id`)).map(
    (row) => row.state,
  )
const places = async (slot: number) => (await world.rows(`SELECT taken, held FROM time_slots WHERE id = ${slot}`))[0]
const refusal = (answer: { status: number; body: { code: string } }) => [answer.status, answer.body.code]

/** A slot whose every place is booked; answers it with those who booked. */
async function fullSlot(rules: Record<string, unknown> = {}, capacity = 1, when = {}) {
  const slot = await world.slot(await world.venue({ capacity, rules }), when)
  const booked = []
  for (let place = 0; place < capacity; place += 1) {
    const person = await world.person()
    booked.push({ person, id: (await book(person, slot)).body.id as number })
  }
  return { slot, booked, first: booked[0] ?? { person: await world.person(), id: 0 } }
}

describe('joining a waiting list', () => {
  it('shows the position in line', async () => {
    const { slot } = await fullSlot()
    const answers = [await join(await world.person(), slot), await join(await world.person(), slot)]
    expect(answers.map(({ status, body }) => [status, body.state, body.position])).toEqual([
      [201, 'waiting', 1],
      [201, 'waiting', 2],
    ])
  })

  it('is possible by the reservation that stands in one’s way', async () => {
    const { slot, first } = await fullSlot()
    const anna = await world.person()
    const { status, body } = await world.call('POST', `/api/v1/reservations/${first.id}/waiting-list`, { as: anna })
    expect([status, body.time_slot_id, body.user_id]).toEqual([201, slot, anna.id])
  })

  it('is refused twice, with a free place, for what one has booked, without a list, and after the start', async () => {
    const { slot, first } = await fullSlot()
    const anna = await world.person()
    await join(anna, slot)
    expect(refusal(await join(anna, slot))).toEqual([409, 'already_waiting'])
    expect(refusal(await join(first.person, slot))).toEqual([409, 'already_booked'])
    expect(refusal(await join(anna, await world.slot(await world.venue())))).toEqual([409, 'slot_not_full'])
    expect(refusal(await join(anna, (await fullSlot({ allow_waiting_list: false })).slot))).toEqual([
      409,
      'no_waiting_list',
    ])
    expect(refusal(await join(anna, await world.slot(await world.venue(), { day: 0, hour: 8 })))).toEqual([
      409,
      'in_the_past',
    ])
  })

  it('shows others without their names', async () => {
    const { slot } = await fullSlot()
    const [anna, ben] = [await world.person(), await world.person()]
    await join(anna, slot)
    await join(ben, slot)
    const [{ venue_id } = { venue_id: 0 }] = await world.rows<{ venue_id: number }>(
      `SELECT venue_id FROM time_slots WHERE id = ${slot}`,
    )
    const list = async (person: Person) =>
      (await world.call('GET', `/api/v1/venues/${venue_id}/waiting-list`, { as: person })).body.items.map(
        (item: { user_id: number }) => item.user_id,
      )
    expect(await list(ben)).toEqual([null, ben.id])
    expect(await list(await world.person('admin'))).toEqual([anna.id, ben.id])
  })
})

describe('a place that comes free', () => {
  it('is held for the first in line, who is told; others see the slot as full', async () => {
    const { slot, first } = await fullSlot()
    const [anna, ben] = [await world.person(), await world.person()]
    await join(anna, slot)
    await join(ben, slot)
    await cancel(first.person, first.id)
    expect(await states(slot)).toEqual(['offered', 'waiting'])
    expect(await places(slot)).toEqual({ taken: 0, held: 1 })
    expect((await world.inbox(anna)).map((message) => message.type)).toEqual(['waiting_list.offered'])
    expect(await world.inbox(ben)).toEqual([])
    expect(refusal(await book(await world.person(), slot))).toEqual([409, 'slot_full'])
  })

  it('is booked by claiming it, once, and only by the one it is offered to', async () => {
    const { slot, first } = await fullSlot()
    const anna = await world.person()
    const entry = (await join(anna, slot)).body.id
    expect(refusal(await claim(anna, entry))).toEqual([409, 'bad_state'])
    await cancel(first.person, first.id)
    expect(refusal(await claim(await world.person(), entry))).toEqual([404, 'not_found'])
    const claimed = await claim(anna, entry)
    expect([claimed.status, claimed.body.status, claimed.body.user_id]).toEqual([201, 'confirmed', anna.id])
    expect(refusal(await claim(anna, entry))).toEqual([409, 'bad_state'])
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
    expect(await states(slot)).toEqual(['booked'])
  })

  it('is also claimed by simply booking the slot', async () => {
    const { slot, first } = await fullSlot()
    const anna = await world.person()
    await join(anna, slot)
    await cancel(first.person, first.id)
    expect((await book(anna, slot)).status).toBe(201)
    expect(await states(slot)).toEqual(['booked'])
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
  })

  it('goes to the next in line when the hold runs out, and nobody can claim late', async () => {
    const { slot, first } = await fullSlot({ waiting_hold_minutes: 15 })
    const [anna, ben] = [await world.person(), await world.person()]
    const annas = (await join(anna, slot)).body.id
    await join(ben, slot)
    await cancel(first.person, first.id)
    world.clock.advance(15)
    expect(refusal(await claim(anna, annas))).toEqual([409, 'bad_state'])
    await sweep(world.kernel)
    expect(await states(slot)).toEqual(['lapsed', 'offered'])
    expect(await places(slot)).toEqual({ taken: 0, held: 1 })
    expect((await world.inbox(anna)).map((message) => message.type)).toEqual([
      'waiting_list.offered',
      'waiting_list.lapsed',
    ])
  })

  it('goes to the next in line when the offered person leaves', async () => {
    const { slot, first } = await fullSlot()
    const [anna, ben] = [await world.person(), await world.person()]
    const entry = (await join(anna, slot)).body.id
    await join(ben, slot)
    await cancel(first.person, first.id)
    expect((await world.call('DELETE', `/api/v1/waiting-list/${entry}`, { as: anna })).body.state).toBe('left')
    expect(await states(slot)).toEqual(['left', 'offered'])
    const again = await world.call('DELETE', `/api/v1/waiting-list/${entry}`, { as: anna })
    expect(refusal(again)).toEqual([409, 'bad_state'])
  })

  it('passes over a party that is too large, which keeps its position', async () => {
    const { slot, first } = await fullSlot({ max_party_size: 3 }, 3)
    await join(await world.person(), slot, 2)
    await join(await world.person(), slot, 1)
    await cancel(first.person, first.id)
    expect(await states(slot)).toEqual(['waiting', 'offered'])
  })

  it('after five cancellations makes five offers, in order', async () => {
    const { slot, booked } = await fullSlot({}, 6)
    const people = []
    for (let index = 0; index < 8; index += 1) {
      const person = await world.person()
      await join(person, slot)
      people.push(person)
    }
    for (const { person, id } of booked.slice(0, 5)) await cancel(person, id)
    expect(await states(slot)).toEqual([...Array(5).fill('offered'), ...Array(3).fill('waiting')])
    expect(await places(slot)).toEqual({ taken: 1, held: 5 })
  })

  it('with auto_promote is booked at once for the first who can be booked', async () => {
    const { slot, first } = await fullSlot({ auto_promote: true })
    const [busy, anna] = [await world.person(), await world.person()]
    await join(busy, slot)
    await join(anna, slot)
    await book(busy, await world.slot(await world.venue()))
    await cancel(first.person, first.id)
    await sweep(world.kernel)
    await sweep(world.kernel)
    expect(await states(slot)).toEqual(['lapsed', 'booked'])
    const [reservation] = await world.rows(
      `SELECT user_id, status FROM reservations WHERE slot_id = ${slot} AND status = 'confirmed'`,
    )
    expect(reservation).toEqual({ user_id: anna.id, status: 'confirmed' })
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
  })
})

describe('at the start of the slot', () => {
  it('who still waits is out of line', async () => {
    const { slot } = await fullSlot({}, 1, { day: 0, hour: 12 })
    await join(await world.person(), slot)
    world.clock.advance(4 * 60)
    await sweep(world.kernel)
    expect(await states(slot)).toEqual(['expired'])
  })
})

describe('somebody who leaves the company', () => {
  it('frees their places and their position, and the next in line is offered them', async () => {
    const { slot, first } = await fullSlot()
    const [anna, ben] = [await world.person(), await world.person()]
    await join(anna, slot)
    await join(ben, slot)
    const admin = await world.person('admin')
    expect((await world.call('DELETE', `/api/v1/users/${anna.id}`, { as: admin })).status).toBeLessThan(300)
    expect((await world.call('DELETE', `/api/v1/users/${first.person.id}`, { as: admin })).status).toBeLessThan(300)
    expect(await states(slot)).toEqual(['left', 'offered'])
  })
})
