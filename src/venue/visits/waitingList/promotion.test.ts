import { describe, expect, it } from 'vitest'
import { openVerifiedWorld, reservationCalls, waitingListCalls } from '../../../../test/support/reservations.ts'
import { addSlot, addVenue } from '../../../../test/support/venue.ts'
import { promoteOffer, sweep } from './service.ts'

const world = await openVerifiedWorld()

const { book, cancel, places } = reservationCalls(world)
const { join, leave, states, fullSlot } = waitingListCalls(world)

describe('a place that comes free where auto_promote is set', () => {
  const kept = (slot: number) =>
    world.rows<{ user_id: number }>(
      `SELECT user_id FROM reservations WHERE slot_id = ${slot} AND status = 'confirmed' ORDER BY id`,
    )

  it('is booked at once for the first person who may book; people who may not lose their turn and are told', async () => {
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

  it('is booked for the next person if the first one leaves the line at that moment', async () => {
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
