import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { countLockWaits, onServer } from '../../../../test/support/database.ts'
import {
  openVerifiedWorld,
  refusal,
  reservationCalls,
  waitingListCalls,
} from '../../../../test/support/reservations.ts'
import { addMember, addSlot, addVenue } from '../../../../test/support/venue.ts'
import type { Person } from '../../../../test/support/world.ts'
import { SYSTEM } from '../../../kernel/audit/origin.ts'
import { placeOrder } from '../../core/booking.ts'
import { lockMembers } from '../../core/membersStore.ts'
import { settleAttendance } from '../attendance/service.ts'
import { sweep } from './service.ts'

const world = await openVerifiedWorld()

const { book, cancel, places } = reservationCalls(world)
const { join, leave, claim, states, fullSlot } = waitingListCalls(world)

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

  it('is refused a second time, with a free place, for a booked slot, without a waiting list, and after the start', async () => {
    const { slot, first } = await fullSlot()
    const anna = await world.person()
    await join(anna, slot)
    expect(refusal(await join(anna, slot))).toEqual([409, 'already_waiting'])
    expect(refusal(await join(first.person, slot))).toEqual([409, 'already_booked'])
    expect(refusal(await join(anna, await addSlot(world, await addVenue(world))))).toEqual([409, 'slot_not_full'])
    expect(refusal(await join(anna, (await fullSlot({ allow_waiting_list: false })).slot))).toEqual([
      409,
      'no_waiting_list',
    ])
    expect(refusal(await join(anna, await addSlot(world, await addVenue(world), { day: 0, hour: 8 })))).toEqual([
      409,
      'in_the_past',
    ])
  })

  it('is refused to people who could not book the slot either, with the code of the booking', async () => {
    const { slot } = await fullSlot()
    const unreliable = await addMember(world, { credit: 10 })
    expect(refusal(await join(unreliable, slot))).toEqual([409, 'credit_too_low'])
    const near = await fullSlot()
    await world.rows(`UPDATE booking_rules SET advance_booking_days = 0
      WHERE venue_id = (SELECT venue_id FROM time_slots WHERE id = ${near.slot})`)
    expect(refusal(await join(await world.person(), near.slot))).toEqual([409, 'too_far_ahead'])
  })

  it('is open to people with an overlap, too many reservations or too few points, because that can change', async () => {
    const { slot } = await fullSlot({ points_cost: 1 }, 1, {}, { points: 1 })
    const anna = await world.person()
    await book(anna, await addSlot(world, await addVenue(world)))
    await world.rows(`UPDATE booking_rules SET max_reservations_per_user = 0
      WHERE venue_id = (SELECT venue_id FROM time_slots WHERE id = ${slot})`)
    expect((await join(anna, slot)).status).toBe(201)
  })

  it('is refused to a party that no slot of this size can take, as booking is', async () => {
    const slot = await addSlot(world, await addVenue(world, { capacity: 2, rules: { max_party_size: 5 } }))
    const anna = await world.person()
    const tooLarge = { status: 409, body: { code: 'party_too_large', max_party_size: 2 } }
    expect(await join(anna, slot, 5)).toMatchObject(tooLarge)
    const wish = { as: anna, payload: { time_slot_id: slot, party_size: 5 } }
    expect(await world.call('POST', '/api/v1/reservations', wish)).toMatchObject(tooLarge)
  })

  it.runIf(onServer)('locks the person, then the slot, as everything does: nobody waits in a circle', async () => {
    const { slot } = await fullSlot()
    const anna = await addMember(world, { points: 1 })
    let joined: ReturnType<typeof join> | undefined
    await world.kernel.transaction(async (tx) => {
      await lockMembers(tx, [anna.id])
      joined ??= join(anna, slot)
      await expect.poll(() => countLockWaits(world.kernel.db), { timeout: 15_000 }).toBe(1)
      await sql`SELECT FROM time_slots WHERE id = ${slot} FOR UPDATE NOWAIT`.execute(tx)
    })
    expect((await joined)?.status).toBe(201)
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
  it('is held for the first in line, who is notified; others see the slot as full', async () => {
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

  it('goes to the next in line when the hold expires, and cannot be claimed late', async () => {
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
    expect((await leave(anna, entry)).body.state).toBe('left')
    expect(await states(slot)).toEqual(['left', 'offered'])
    expect(refusal(await leave(anna, entry))).toEqual([409, 'bad_state'])
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

  it('leaves places that a person does not need to the waiting list', async () => {
    const { slot, booked } = await fullSlot({ max_party_size: 2 }, 2)
    const [anna, ben] = [await world.person(), await world.person()]
    await join(anna, slot, 2)
    for (const { person, id } of booked) await cancel(person, id)
    await join(ben, slot)
    expect(await places(slot)).toEqual({ taken: 0, held: 2 })
    expect((await book(anna, slot)).status).toBe(201)
    expect(await states(slot)).toEqual(['booked', 'offered'])
    expect(await places(slot)).toEqual({ taken: 1, held: 1 })
    expect(refusal(await book(await world.person(), slot))).toEqual([409, 'slot_full'])
  })

  it('is not claimed by an offer that ended at the same moment', async () => {
    const { slot, first } = await fullSlot()
    const anna = await world.person()
    const entry = (await join(anna, slot)).body.id
    await cancel(first.person, first.id)
    const order = { userId: anna.id, slotId: slot, partySize: 1, byLeader: false, origin: SYSTEM, entryId: entry }
    await leave(anna, entry)
    await expect(placeOrder(world.kernel, order)).rejects.toMatchObject({ status: 409, code: 'bad_state' })
    expect(await places(slot)).toEqual({ taken: 0, held: 0 })
  })
})

describe('the waiting lists of a venue that is deleted', () => {
  it.each(['', '?force=true'])('end with their open offers, and held places are free', async (force) => {
    const { slot, booked } = await fullSlot({ auto_promote: true }, 2)
    const [{ venue_id } = { venue_id: 0 }] = await world.rows<{ venue_id: number }>(
      `SELECT venue_id FROM time_slots WHERE id = ${slot}`,
    )
    for (let people = 0; people < 3; people += 1) await join(await world.person(), slot)
    for (const { person, id } of booked) await cancel(person, id)
    expect(await states(slot)).toEqual(['offered', 'offered', 'waiting'])
    const admin = await world.person('admin')
    expect((await world.call('DELETE', `/api/v1/venues/${venue_id}${force}`, { as: admin })).status).toBe(204)
    expect(await states(slot)).toEqual(['expired', 'expired', 'expired'])
    expect(await places(slot)).toEqual({ taken: 0, held: 0 })
    await sweep(world.kernel)
    await world.drain()
    expect(await world.rows(`SELECT status FROM reservations WHERE slot_id = ${slot} ORDER BY id`)).toEqual([
      { status: 'cancelled' },
      { status: 'cancelled' },
    ])
  })
})

describe('at the start of the slot', () => {
  it('the waiting list ends', async () => {
    const { slot } = await fullSlot({}, 1, { day: 0, hour: 12 })
    await join(await world.person(), slot)
    world.clock.advance(4 * 60)
    await sweep(world.kernel)
    expect(await states(slot)).toEqual(['expired'])
  })
})

describe('A person who leaves the company', () => {
  const remove = async (person: Person) => {
    const admin = await world.person('admin')
    expect((await world.call('DELETE', `/api/v1/users/${person.id}`, { as: admin })).status).toBe(204)
  }

  it('frees their places and their position, and the next in line is offered them', async () => {
    const { slot, first } = await fullSlot()
    const [anna, ben] = [await world.person(), await world.person()]
    await join(anna, slot)
    await join(ben, slot)
    await remove(anna)
    await remove(first.person)
    expect(await states(slot)).toEqual(['left', 'offered'])
  })

  it('is not offered the place of a no-show that they were still waiting for at the start', async () => {
    const { slot } = await fullSlot()
    const [anna, ben] = [await world.person(), await world.person()]
    await join(anna, slot)
    await join(ben, slot)
    world.clock.set(new Date('2026-03-03T09:00:00+08:00'))
    await sweep(world.kernel)
    await remove(anna)
    world.clock.advance(16)
    await settleAttendance(world.kernel)
    expect(await states(slot)).toEqual(['expired', 'offered'])
  })
})

describe('A person whose account is disabled', () => {
  it('keeps their position without holding up others', async () => {
    const { slot, booked } = await fullSlot({}, 2)
    const [anna, ben] = [await world.person(), await world.person()]
    await join(anna, slot)
    await join(ben, slot)
    const setStatus = async (status: string) => {
      const answer = await world.call('PUT', `/api/v1/users/${anna.id}`, {
        as: await world.person('admin'),
        payload: { status },
      })
      expect(answer.status).toBe(200)
    }
    await setStatus('disabled')
    const [one, other] = booked
    if (one) await cancel(one.person, one.id)
    expect(await states(slot)).toEqual(['waiting', 'offered'])
    await setStatus('active')
    if (other) await cancel(other.person, other.id)
    expect(await states(slot)).toEqual(['offered', 'offered'])
  })
})
