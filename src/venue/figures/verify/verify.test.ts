import { afterAll, describe, expect, it } from 'vitest'
import { addMember, addSlot, addVenue } from '../../../../test/support/venue.ts'
import { foundWhenBroken, openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const venue = await addVenue(world, { rules: { points_cost: 2 } })
const slot = await addSlot(world, venue)
const person = await addMember(world, { points: 5, credit: 90 })
await world.call('POST', '/api/v1/reservations', { as: person, payload: { time_slot_id: slot } })
const waiting = await addMember(world, { points: 5 })
await world.call('POST', `/api/v1/venues/${venue}/reservation-time-slots/${slot}/waiting-list`, {
  as: waiting,
  payload: {},
})
await world.drain()
afterAll(() => world.close())

describe('verify', () => {
  it('finds no difference in sound data', async () => {
    expect(await world.verify()).toEqual([])
  })

  it.each([
    [
      'places taken',
      'UPDATE time_slots SET taken = 0',
      'UPDATE time_slots SET taken = 1',
      ['time_slots.taken: slot 1: 0 ≠ 1'],
    ],
    [
      'places held',
      'UPDATE time_slots SET taken = 0, held = 1',
      'UPDATE time_slots SET taken = 1, held = 0',
      ['time_slots.taken: slot 1: 0 ≠ 1', 'time_slots.held: slot 1: 1 ≠ 0'],
    ],
    [
      'points',
      'UPDATE venue_members SET points = 4 WHERE user_id = 1',
      'UPDATE venue_members SET points = 3 WHERE user_id = 1',
      ['venue_members.points: user 1: 4 ≠ 3'],
    ],
    [
      'the ledger',
      `UPDATE points_ledger SET balance = 9 WHERE user_id = 1 AND reason = 'booking'`,
      `UPDATE points_ledger SET balance = 3 WHERE user_id = 1 AND reason = 'booking'`,
      [expect.stringMatching(/^points_ledger.balance: entry \d+: 9 ≠ 3$/)],
    ],
    [
      'what was paid',
      'UPDATE reservations SET points_paid = 1',
      'UPDATE reservations SET points_paid = 2',
      ['points paid for reservations: reservation 1: 1 ≠ 2'],
    ],
    [
      'points that were returned twice',
      `UPDATE reservations SET status = 'cancelled' WHERE id = 1;
       UPDATE points_ledger SET delta = -delta WHERE reservation_id = 1`,
      `UPDATE reservations SET status = 'confirmed' WHERE id = 1;
       UPDATE points_ledger SET delta = -delta WHERE reservation_id = 1`,
      expect.arrayContaining(['points paid for reservations: reservation 1: 2 ≠ -2']),
    ],
    [
      'credit',
      'UPDATE venue_members SET credit = 91 WHERE user_id = 1',
      'UPDATE venue_members SET credit = 90 WHERE user_id = 1',
      ['venue_members.credit: user 1: 91 ≠ 90'],
    ],
    [
      'the waiting list',
      `UPDATE waiting_list SET user_id = 1`,
      `UPDATE waiting_list SET user_id = 2`,
      ['live waiting-list entries of people who are booked: entry 1: waiting ≠ reservation 1'],
    ],
    [
      'the waiting list of a slot that is gone',
      'UPDATE time_slots SET deleted_at = created_at',
      'UPDATE time_slots SET deleted_at = NULL',
      expect.arrayContaining(['live waiting-list entries of deleted slots: entry 1: waiting ≠ slot 1 is deleted']),
    ],
    [
      'a lost confirmation',
      `UPDATE notification_messages SET key = 'lost' WHERE key = 'reservation:1:confirmed'`,
      `UPDATE notification_messages SET key = 'reservation:1:confirmed' WHERE key = 'lost'`,
      ['confirmations of reservations: reservation 1: 0 ≠ 1'],
    ],
    [
      'an openness that no closure explains',
      'UPDATE time_slots SET open = false',
      'UPDATE time_slots SET open = true',
      [
        'slot openness: time slot 1: closed ≠ open',
        'reservations in closed slots: reservation 1 in time slot 1: confirmed ≠ displaced',
      ],
    ],
  ])('names what is wrong with %s', async (_, breakIt, mendIt, expected) => {
    expect(await foundWhenBroken(world, breakIt, mendIt)).toEqual(expected)
  })
})
