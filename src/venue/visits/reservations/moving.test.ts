import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { openVerifiedWorld, refusal, reservationCalls } from '../../../../test/support/reservations.ts'
import { addMember } from '../../../../test/support/venue.ts'
import type { Person } from '../../../../test/support/world.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { lockReservation } from '../../core/access.ts'
import { readFacts } from '../../core/facts.ts'
import { changeSlot } from '../../core/reservationsStore.ts'
import { cancel as cancelReservation } from './service.ts'

const world = await openVerifiedWorld()

const { book, cancel, places, slotWith } = reservationCalls(world)

describe('moving to another slot', () => {
  it('takes the new place, frees the old one and settles the difference in points', async () => {
    const anna = await addMember(world, { points: 10 })
    const old = await slotWith({ points_cost: 4 }, 1, { hour: 9 })
    const next = await slotWith({ points_cost: 10 }, 1, { hour: 9 })
    const { body } = await book(anna, old)
    const moved = await world.call('PUT', `/api/v1/reservations/${body.id}`, {
      as: anna,
      payload: { time_slot_id: next },
    })
    expect(moved.body).toMatchObject({ id: body.id, time_slot_id: next, points_paid: 10, status: 'confirmed' })
    expect(await places(old)).toEqual({ taken: 0, held: 0 })
    expect(await places(next)).toEqual({ taken: 1, held: 0 })
    expect(await world.rows(`SELECT points FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([{ points: 0 }])
  })

  it('confirms a request that waited where the new venue asks for no approval, and asks again where it does', async () => {
    const anna = await world.person()
    const admin = await world.person('admin')
    const asking = await slotWith({ requires_approval: true })
    const { body } = await book(anna, asking)
    const move = (slot: number) =>
      world.call('PUT', `/api/v1/reservations/${body.id}`, { as: anna, payload: { time_slot_id: slot } })
    expect((await move(await slotWith())).body.status).toBe('confirmed')
    expect((await move(asking)).body.status).toBe('pending')
    const approve = { as: admin, payload: { status: 'confirmed' } }
    expect((await world.call('PUT', `/api/v1/reservations/${body.id}/approve`, approve)).status).toBe(200)
    const told = (await world.inbox(anna)).map((message) => message.type)
    expect(told.filter((type) => type === 'reservation.confirmed')).toHaveLength(2)
  })

  it('is refused without any change if the new slot is full or the same', async () => {
    const anna = await world.person()
    const old = await slotWith()
    const full = await slotWith({}, 1, { hour: 12 })
    await book(await world.person(), full)
    const { body } = await book(anna, old)
    const move = (slot: number) =>
      world.call('PUT', `/api/v1/reservations/${body.id}`, { as: anna, payload: { time_slot_id: slot } })
    expect(refusal(await move(full))).toEqual([409, 'slot_full'])
    expect(refusal(await move(old))).toEqual([409, 'same_slot'])
    expect(await places(old)).toEqual({ taken: 1, held: 0 })
  })
})

describe('moving', () => {
  const move = (person: Person, id: number, slot: number) =>
    world.call('PUT', `/api/v1/reservations/${id}`, { as: person, payload: { time_slot_id: slot } })

  it('late is refused to the owner, whom a cancellation would cost, and not to staff', async () => {
    const slot = await slotWith({ free_cancel_before_minutes: 120 }, 1, { day: 0, hour: 9 })
    const [next, another] = [await slotWith(), await slotWith({}, 1, { hour: 12 })]
    const anna = await world.person()
    const { body } = await book(anna, slot)
    const refused = await move(anna, body.id, next)
    expect(refusal(refused)).toEqual([409, 'too_late_to_cancel'])
    expect(refused.body).toMatchObject({ move_before_minutes: 120 })
    expect((await move(await world.person('admin'), body.id, another)).status).toBe(200)
  })

  it('into a slot that the person waits for ends the waiting; held places go to the next in line', async () => {
    const slot = await slotWith({}, 2)
    const booked = [await world.person(), await world.person()]
    const ids = await Promise.all(booked.map(async (person) => (await book(person, slot)).body.id as number))
    const [anna, ben] = [await world.person(), await world.person()]
    const join = (person: Person) =>
      world.call('POST', `/api/v1/reservations/${ids[0]}/waiting-list`, { as: person, payload: {} })
    const other = await book(anna, await slotWith({}, 1, { hour: 14 }))
    expect((await join(anna)).status).toBe(201)
    for (const [n, person] of booked.entries()) await cancel(person, ids[n] ?? 0)
    expect(await places(slot)).toEqual({ taken: 0, held: 1 })
    expect((await move(anna, other.body.id, slot)).status).toBe(200)
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
    expect(await world.rows(`SELECT state FROM waiting_list WHERE slot_id = ${slot}`)).toEqual([{ state: 'left' }])
    expect((await book(ben, slot)).status).toBe(201)
  })

  it('is undone when the slot has got another time since it was looked at', async () => {
    const [anna, slot] = [await world.person(), await slotWith({}, 1, { hour: 16 })]
    const { body } = await book(anna, await slotWith())
    const { kernel, database } = world
    const now = world.clock.now()
    const moving = database.db.transaction().execute(async (tx) => {
      const reservation = await lockReservation(tx, body.id)
      const facts = await readFacts(kernel, tx, { userId: anna.id, slotId: slot, except: body.id }, now)
      await sql`UPDATE time_slots SET end_at = end_at + interval '1 hour' WHERE id = ${slot}`.execute(tx)
      await changeSlot(tx, { reservation, facts, terms: { status: 'confirmed', pointsCost: 0 }, now })
    })
    await expect(moving).rejects.toThrow(Stale)
    expect(await places(slot)).toEqual({ taken: 0, held: 0 })
  })

  it('and cancelling at once returns the points once, and offers the place that came free', async () => {
    const anna = await addMember(world, { points: 5 })
    const [paid, free] = [await slotWith({ points_cost: 5 }), await slotWith({}, 1, { hour: 12 })]
    const { body } = await book(anna, paid)
    // The move commits after the cancellation has looked whose reservation it is, and before it begins.
    let moved = false
    const between: Kernel = {
      ...world.kernel,
      async transaction(work) {
        if (!moved) {
          moved = true
          expect((await move(anna, body.id, free)).status).toBe(200)
          const { id } = await addMember(world, { points: 1 })
          const at = world.clock.now().toISOString()
          await world.rows(`INSERT INTO waiting_list (slot_id, user_id, party_size, state, created_at, updated_at)
            VALUES (${free}, ${id}, 1, 'waiting', '${at}', '${at}')`)
        }
        return world.kernel.transaction(work)
      },
    }
    const caller = { userId: anna.id, permissions: new Set(), roles: new Set(), address: '', requestId: '' }
    await cancelReservation(between, caller as unknown as Caller, body.id)
    expect(await world.rows(`SELECT points FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([{ points: 5 }])
    expect(await places(free)).toEqual({ taken: 0, held: 1 })
  })
})
