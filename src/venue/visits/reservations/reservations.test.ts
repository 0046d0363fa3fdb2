import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { onServer, waitForLocks } from '../../../../test/support/database.ts'
import { openVerifiedWorld, refusal, reservationCalls } from '../../../../test/support/reservations.ts'
import { addMember, addSlot, addVenue } from '../../../../test/support/venue.ts'
import type { Person } from '../../../../test/support/world.ts'

const world = await openVerifiedWorld()

const { book, cancel, places, slotWith } = reservationCalls(world)

describe('booking a place', () => {
  it('answers the reservation as the document shows it, and takes the place', async () => {
    const slot = await slotWith({}, 2)
    const anna = await world.person()
    const { status, body } = await book(anna, slot, { user_id: anna.id })
    expect(status).toBe(201)
    expect(body).toMatchObject({ user_id: anna.id, time_slot_id: slot, status: 'confirmed', party_size: 1 })
    expect(body).toMatchObject({ date: '2026-03-03', start_time: '09:00', end_time: '10:00' })
    expect(body.created_at).toBe('2026-03-02T08:00:00+08:00')
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
  })

  it('without v1 answers the short form of the walk-through', async () => {
    const slot = await slotWith()
    const anna = await world.person()
    const { status, body } = await world.call('POST', '/api/reservations', {
      as: anna,
      payload: { user_id: anna.id, time_slot_id: slot },
    })
    expect(status).toBe(201)
    expect(body).toEqual({
      success: true,
      message: 'Reservation created successfully',
      reservation_id: expect.any(Number),
    })
  })

  it('puts exactly one confirmation into the inbox and one line into the operation log', async () => {
    const anna = await world.person()
    const { body } = await book(anna, await slotWith())
    const confirmations = (await world.inbox(anna)).filter((message) => message.type === 'reservation.confirmed')
    expect(confirmations).toHaveLength(1)
    expect(confirmations[0]?.key).toBe(`reservation:${body.id}:confirmed`)
    expect(
      await world.rows(
        `SELECT actor_id, action FROM operation_log WHERE resource = 'reservation' AND resource_id = '${body.id}'`,
      ),
    ).toEqual([{ actor_id: anna.id, action: 'reservation.book' }])
  })

  it('is refused when the slot is full', async () => {
    const slot = await slotWith()
    await book(await world.person(), slot)
    expect(refusal(await book(await world.person(), slot))).toEqual([409, 'slot_full'])
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
  })

  it('is refused when the person is elsewhere at that time, and allowed when one ends as the other starts', async () => {
    const anna = await world.person()
    await book(anna, await slotWith({}, 1, { hour: 9, hours: 2 }))
    expect(refusal(await book(anna, await slotWith({}, 1, { hour: 10 })))).toEqual([409, 'own_overlap'])
    expect((await book(anna, await slotWith({}, 1, { hour: 11 }))).status).toBe(201)
  })

  it.each(['active', 'day', 'week'])('is refused beyond the limit counted by %s', async (window) => {
    const venue = await addVenue(world, { rules: { max_reservations_per_user: 1, window } })
    const anna = await world.person()
    await book(anna, await addSlot(world, venue, { hour: 9 }))
    const second = await book(anna, await addSlot(world, venue, { hour: 12 }))
    expect(refusal(second)).toEqual([409, 'limit_reached'])
    expect(second.body).toMatchObject({ limit: 1, window, booked: 1 })
    const later = await book(anna, await addSlot(world, venue, { day: 9 }))
    expect(later.status).toBe(window === 'active' ? 409 : 201)
  })

  it('counts the limit of one venue only at that venue', async () => {
    const rules = { max_reservations_per_user: 1 }
    const anna = await world.person()
    expect((await book(anna, await slotWith(rules, 1, { hour: 9 }))).status).toBe(201)
    expect((await book(anna, await slotWith(rules, 1, { hour: 11 }))).status).toBe(201)
  })

  it('is refused further ahead than the venue allows: the last allowed day is included', async () => {
    const rules = { advance_booking_days: 3 }
    const anna = await world.person()
    expect((await book(anna, await slotWith(rules, 1, { day: 3, hour: 23 }))).status).toBe(201)
    expect(refusal(await book(anna, await slotWith(rules, 1, { day: 4, hour: 0 })))).toEqual([409, 'too_far_ahead'])
  })

  it('is refused once the slot has begun', async () => {
    expect(refusal(await book(await world.person(), await slotWith({}, 1, { day: 0, hour: 8 })))).toEqual([
      409,
      'in_the_past',
    ])
  })

  it('is refused with too little credit, and says how much is needed', async () => {
    const poor = await addMember(world, { credit: 59 })
    const answer = await book(poor, await slotWith())
    expect(refusal(answer)).toEqual([409, 'credit_too_low'])
    expect(answer.body).toMatchObject({ credit: 59, min_credit: 60 })
  })

  it('takes points, in the ledger too, and is refused without enough', async () => {
    const rules = { points_cost: 4, max_party_size: 2 }
    const anna = await addMember(world, { points: 10 })
    const { body } = await book(anna, await slotWith(rules, 2), { party_size: 2 })
    expect(body.points_paid).toBe(8)
    const [entry] = await world.rows(
      `SELECT delta, balance, reason FROM points_ledger WHERE reservation_id = ${body.id}`,
    )
    expect(entry).toEqual({ delta: -8, balance: 2, reason: 'booking' })
    expect(refusal(await book(anna, await slotWith(rules, 2, { hour: 12 })))).toEqual([409, 'points_short'])
    const both = await book(anna, await slotWith(rules, 2, { hour: 15 }), { party_size: 2 })
    expect(both.body).toMatchObject({ code: 'points_short', points: 2, points_cost: 8, party_size: 2 })
  })

  it('takes one place for each of the party, up to the rule’s maximum', async () => {
    const venue = await addVenue(world, { capacity: 3, rules: { max_party_size: 2 } })
    const slot = await addSlot(world, venue)
    expect(refusal(await book(await world.person(), slot, { party_size: 3 }))).toEqual([409, 'party_too_large'])
    expect((await book(await world.person(), slot, { party_size: 2 })).status).toBe(201)
    expect(refusal(await book(await world.person(), slot, { party_size: 2 }))).toEqual([409, 'slot_full'])
    expect((await book(await world.person(), slot)).status).toBe(201)
  })

  it('waits for approval where the venue asks for it, and holds the place meanwhile', async () => {
    const slot = await slotWith({ requires_approval: true })
    const { body } = await book(await world.person(), slot)
    expect(body.status).toBe('pending')
    expect(refusal(await book(await world.person(), slot))).toEqual([409, 'slot_full'])
  })

  it('is for oneself, unless staff books for a person', async () => {
    const slot = await slotWith({}, 2)
    const anna = await world.person()
    expect(refusal(await book(await world.person(), slot, { user_id: anna.id }))).toEqual([403, 'forbidden'])
    const admin = await world.person('admin')
    expect((await book(admin, slot, { user_id: anna.id })).body.user_id).toBe(anna.id)
    expect(refusal(await book(admin, slot, { user_id: 9_999_999 }))).toEqual([404, 'not_found'])
  })

  it('needs the permission, a token, and a slot that exists', async () => {
    const slot = await slotWith()
    expect(refusal(await book(await world.person('venue:visitor'), slot))).toEqual([403, 'forbidden'])
    const anonymous = await world.call('POST', '/api/v1/reservations', { payload: { time_slot_id: slot } })
    expect(refusal(anonymous)).toEqual([401, 'unauthenticated'])
    expect(refusal(await book(await world.person(), 9_999_999))).toEqual([404, 'not_found'])
  })

  it('with an Idempotency-Key happens once, however often it is asked', async () => {
    const slot = await slotWith({}, 5)
    const anna = await world.person()
    const ask = (body: object) =>
      world.call('POST', '/api/v1/reservations', { as: anna, headers: { 'idempotency-key': 'k-1' }, payload: body })
    const first = await ask({ time_slot_id: slot })
    const again = await ask({ time_slot_id: slot })
    expect(again.status).toBe(201)
    expect(again.body).toEqual(first.body)
    expect(again.headers['idempotent-replayed']).toBe('true')
    expect(refusal(await ask({ time_slot_id: slot, party_size: 1 }))).toEqual([422, 'idempotency_key_reused'])
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
  })
})

describe('The reservations of a person', () => {
  it('are theirs to see, and staff’s; for others there is no such thing', async () => {
    const anna = await world.person()
    const { body } = await book(anna, await slotWith())
    const path = `/api/v1/reservations/${body.id}`
    expect((await world.call('GET', path, { as: anna })).body).toEqual(body)
    expect((await world.call('GET', path, { as: await world.person('admin') })).status).toBe(200)
    const stranger = await world.person()
    expect(refusal(await world.call('GET', path, { as: stranger }))).toEqual([404, 'not_found'])
    expect(refusal(await cancel(stranger, body.id))).toEqual([404, 'not_found'])
    const move = { as: stranger, payload: { time_slot_id: body.time_slot_id } }
    expect(refusal(await world.call('PUT', path, move))).toEqual([404, 'not_found'])
  })

  it('are listed newest first, filtered and in pages', async () => {
    const anna = await world.person()
    const venue = await addVenue(world)
    for (const day of [1, 2, 3]) await book(anna, await addSlot(world, venue, { day }))
    await book(anna, await slotWith({}, 1, { day: 2, hour: 15 }))
    const list = async (query: string) => (await world.call('GET', `/api/v1/reservations?${query}`, { as: anna })).body
    expect((await list('')).items.map((r: { date: string }) => r.date)).toEqual([
      '2026-03-05',
      '2026-03-04',
      '2026-03-04',
      '2026-03-03',
    ])
    expect(await list(`venue_id=${venue}&page_size=2&page=2&sort=start_at`)).toMatchObject({
      total: 3,
      total_pages: 2,
      items: [{ date: '2026-03-05' }],
    })
    expect((await list('start_date=2026-03-04&end_date=2026-03-04')).total).toBe(2)
    expect((await list('status=cancelled')).total).toBe(0)
  })
})

describe('cancelling', () => {
  it('frees the place and gives the points back', async () => {
    const anna = await addMember(world, { points: 5 })
    const slot = await slotWith({ points_cost: 5 })
    const { body } = await book(anna, slot)
    const answer = await cancel(anna, body.id)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ id: body.id, status: 'cancelled' })
    expect(await places(slot)).toEqual({ taken: 0, held: 0 })
    expect(await world.rows(`SELECT points FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([{ points: 5 }])
    expect((await world.inbox(anna)).map((message) => message.type)).toContain('reservation.cancelled')
  })

  it('twice is refused with the state it is in', async () => {
    const anna = await world.person()
    const { body } = await book(anna, await slotWith())
    await cancel(anna, body.id)
    const again = await cancel(anna, body.id)
    expect(refusal(again)).toEqual([409, 'bad_state'])
    expect(again.body.state).toBe('cancelled')
  })

  it('with too little notice is late: it costs credit and the points', async () => {
    const anna = await addMember(world, { points: 5 })
    const { body } = await book(
      anna,
      await slotWith({ points_cost: 5, free_cancel_before_minutes: 120 }, 1, { day: 0, hour: 9 }),
    )
    expect((await cancel(anna, body.id)).status).toBe(200)
    expect(await world.rows(`SELECT points, credit FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([
      { points: 0, credit: 97 },
    ])
  })

  it('is refused after the venue’s deadline, except for staff, whose cancellation costs nothing', async () => {
    const anna = await addMember(world, { points: 5 })
    const { body } = await book(
      anna,
      await slotWith({ points_cost: 5, cancel_before_minutes: 60 }, 1, { day: 0, hour: 9 }),
    )
    expect(refusal(await cancel(anna, body.id))).toEqual([409, 'too_late_to_cancel'])
    const byStaff = await cancel(await world.person('admin'), body.id, '/api/admin')
    expect(byStaff.body.status).toBe('cancelled')
    expect(await world.rows(`SELECT points, credit FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([
      { points: 5, credit: 100 },
    ])
    expect((await world.inbox(anna)).map((message) => message.type)).toContain('reservation.cancelled_by_staff')
  })
})

describe('searching reservations', () => {
  it('finds one’s own by the name of the venue, and for staff also by the person, in list and export', async () => {
    const [court, pool] = [await addVenue(world, { capacity: 2 }), await addVenue(world, { capacity: 2 })]
    await world.rows(`UPDATE venues SET name = '100% Court' WHERE id = ${court}`)
    await world.rows(`UPDATE venues SET name = 'Pool' WHERE id = ${pool}`)
    const [anna, ben, admin] = [await world.person(), await world.person(), await world.person('admin')]
    await world.rows(`UPDATE users SET display_name = 'Anna Court' WHERE id = ${anna.id}`)
    const { body: atCourt } = await book(anna, await addSlot(world, court, { hour: 9 }))
    const { body: atPool } = await book(anna, await addSlot(world, pool, { hour: 12 }))
    const { body: bens } = await book(ben, await addSlot(world, court, { hour: 15 }))
    const ids = async (path: string, as: Person) => {
      const { status, body } = await world.call('GET', path, { as })
      expect(status, JSON.stringify(body)).toBe(200)
      expect(body.total).toBe(body.items.length)
      return body.items.map((one: { id: number }) => one.id)
    }
    const own = (q: string) => ids(`/api/v1/reservations?sort=id&q=${encodeURIComponent(q)}`, anna)
    expect(await own('court')).toEqual([atCourt.id])
    expect(await own('%')).toEqual([atCourt.id])
    expect(await own('anna')).toEqual([])
    const all = (q: string) => ids(`/api/admin/reservations?sort=id&q=${encodeURIComponent(q)}`, admin)
    expect(await all('COURT')).toEqual([atCourt.id, atPool.id, bens.id])
    expect(await all('anna c')).toEqual([atCourt.id, atPool.id])
    expect(await all('100%')).toEqual([atCourt.id, bens.id])
    const file = await world.call('GET', '/api/admin/reservations/export?q=anna%20c', { as: admin })
    expect(file.body.trimEnd().split('\r\n')).toHaveLength(3)
  })
})

describe.runIf(onServer)('at the same moment', () => {
  it('two bookings of one person for overlapping slots: one wins', async () => {
    for (let round = 0; round < 10; round += 1) {
      const anna = await world.person()
      const slots = [await slotWith({}, 1, { hour: 9, hours: 2 }), await slotWith({}, 1, { hour: 10, hours: 2 })]
      const answers = await Promise.all(slots.map((slot) => book(anna, slot)))
      expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409])
      expect(answers.find((answer) => answer.status === 409)?.body.code).toBe('own_overlap')
    }
  })

  it('two for the last booking the limit allows: one wins', async () => {
    for (let round = 0; round < 10; round += 1) {
      const venue = await addVenue(world, { rules: { max_reservations_per_user: 1 } })
      const anna = await world.person()
      const slots = [await addSlot(world, venue, { hour: 9 }), await addSlot(world, venue, { hour: 12 })]
      const answers = await Promise.all(slots.map((slot) => book(anna, slot)))
      expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409])
      expect(answers.find((answer) => answer.status === 409)?.body.code).toBe('limit_reached')
    }
  })

  it('two for the last point: one wins', async () => {
    for (let round = 0; round < 10; round += 1) {
      const anna = await addMember(world, { points: 1 })
      const slots = [
        await slotWith({ points_cost: 1 }, 1, { hour: 9 }),
        await slotWith({ points_cost: 1 }, 1, { hour: 12 }),
      ]
      const answers = await Promise.all(slots.map((slot) => book(anna, slot)))
      expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409])
      expect(answers.find((answer) => answer.status === 409)?.body.code).toBe('points_short')
    }
  })

  it('a cancellation asked twice happens once', async () => {
    const anna = await addMember(world, { points: 5 })
    const { body } = await book(anna, await slotWith({ points_cost: 5 }))
    const answers = await Promise.all([1, 2, 3, 4].map(() => cancel(anna, body.id)))
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(await world.rows(`SELECT points FROM venue_members WHERE user_id = ${anna.id}`)).toEqual([{ points: 5 }])
  })

  it('a move and a change of the time of its slot: the reservation is for the time the slot has then', async () => {
    const anna = await world.person()
    const target = await slotWith({}, 1, { hour: 11 })
    const { body } = await book(anna, await slotWith())
    const { promise: waited, resolve: goOn } = Promise.withResolvers<void>()
    const { promise: changed, resolve: isChanged } = Promise.withResolvers<void>()
    const changing = world.kernel.transaction(async (tx) => {
      const later = sql`interval '9 hours'`
      await sql`UPDATE time_slots SET start_at = start_at + ${later}, end_at = end_at + ${later} WHERE id = ${target}`.execute(
        tx,
      )
      isChanged()
      await waited
    })
    await changed
    const path = `/api/v1/reservations/${body.id}`
    const moving = world.call('PUT', path, { as: anna, payload: { time_slot_id: target } })
    await waitForLocks(world.kernel.db, 1)
    goOn()
    await changing
    expect((await moving).body).toMatchObject({ time_slot_id: target, start_time: '20:00', end_time: '21:00' })
  })

  it('two people who swap slots by moving do not lock each other out', async () => {
    const venue = await addVenue(world, { capacity: 2 })
    const slots = [await addSlot(world, venue, { hour: 9 }), await addSlot(world, venue, { hour: 12 })] as const
    const people = [await world.person(), await world.person()] as const
    const [a, b] = [await book(people[0], slots[0]), await book(people[1], slots[1])]
    for (let round = 0; round < 5; round += 1) {
      const target = (index: 0 | 1) => slots[(index + round + 1) % 2 === 0 ? 0 : 1]
      const answers = await Promise.all([
        world.call('PUT', `/api/v1/reservations/${a.body.id}`, { as: people[0], payload: { time_slot_id: target(0) } }),
        world.call('PUT', `/api/v1/reservations/${b.body.id}`, { as: people[1], payload: { time_slot_id: target(1) } }),
      ])
      expect(answers.map((answer) => answer.status)).toEqual([200, 200])
    }
  })
})
