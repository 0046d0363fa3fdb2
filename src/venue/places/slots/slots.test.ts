import { sql } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
import { onServer, waitForLocks } from '../../../../test/support/database.ts'
import { lastOperation } from '../../../../test/support/site.ts'
import {
  addClosure,
  addReservation,
  createSlot,
  createSportVenue,
  createVenue,
} from '../../../../test/support/venue.ts'
import { callsBy, MONDAY, openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const call = callsBy(world, await world.person('venue:admin'))
const person = await world.person()
afterAll(() => world.close())

const slotsOf = (venueId: number) => `/api/v1/venues/${venueId}/reservation-time-slots`

describe('a slot', () => {
  it('is added with the body of the walk-through, with the capacity of its venue', async () => {
    const venue = await createVenue(call, { capacity: 9 })
    const body = { date: '2026-03-10', start_time: '10:00', end_time: '12:00' }
    const added = await call('POST', `/api/venues/${venue}/time-slots`, body)
    expect(added).toEqual({
      status: 201,
      body: {
        id: expect.any(Number),
        venue_id: venue,
        date: '2026-03-10',
        start_time: '10:00',
        end_time: '12:00',
        start_at: '2026-03-10T10:00:00+08:00',
        end_at: '2026-03-10T12:00:00+08:00',
        capacity: 9,
        taken: 0,
        held: 0,
        available: 9,
        status: 'open',
      },
    })
    expect((await call('GET', `${slotsOf(venue)}/${added.body.id}`, undefined, null)).body).toEqual(added.body)
    expect(await lastOperation(world)).toMatchObject({ action: 'time_slot.create', resource: 'time_slot' })
  })

  it('may be given by instants, and end at midnight', async () => {
    const venue = await createVenue(call)
    const instants = { start_at: '2026-03-10T02:00:00Z', end_at: '2026-03-10T11:30', capacity: 2 }
    expect((await call('POST', slotsOf(venue), instants)).body).toMatchObject({
      date: '2026-03-10',
      start_time: '10:00',
      end_time: '11:30',
      capacity: 2,
    })
    expect(await createSlot(call, venue, ['2026-03-10', '23:00', '24:00'])).toMatchObject({
      end_time: '24:00',
      end_at: '2026-03-11T00:00:00+08:00',
    })
  })

  it('is refused when its time is wrong: backwards, too long, not whole minutes, in the past', async () => {
    const venue = await createVenue(call)
    const day = { date: '2026-03-10' }
    const refused: [object, number, string][] = [
      [{ ...day, start_time: '12:00', end_time: '12:00' }, 400, 'validation'],
      [{ ...day, start_time: '12:00', end_time: '11:00' }, 400, 'validation'],
      [{ ...day, start_time: '12:00:30', end_time: '13:00' }, 400, 'validation'],
      [{ ...day, start_time: '12:00' }, 400, 'validation'],
      [{ ...day, start_time: '25:00', end_time: '26:00' }, 400, 'validation'],
      [{ start_at: '2026-03-10T10:00:00Z', end_at: '2026-03-11T10:01:00Z' }, 400, 'validation'],
      [{ start_at: '2026-03-10T10:00:01Z', end_at: '2026-03-10T11:00:00Z' }, 400, 'validation'],
      [{ date: '2026-03-02', start_time: '07:59', end_time: '09:00' }, 409, 'in_the_past'],
    ]
    for (const [body, status, code] of refused) {
      const answer = await call('POST', slotsOf(venue), body)
      expect([answer.status, answer.body.code], JSON.stringify(body)).toEqual([status, code])
    }
    expect((await call('POST', slotsOf(999_999), { ...day, start_time: '10:00', end_time: '11:00' })).status).toBe(404)
  })

  it('never overlaps another one of its venue; touching is fine', async () => {
    const venue = await createVenue(call)
    await createSlot(call, venue, ['2026-03-10', '10:00', '12:00'])
    const overlapping = { date: '2026-03-10', start_time: '11:59', end_time: '13:00' }
    expect(await call('POST', slotsOf(venue), overlapping)).toMatchObject({
      status: 409,
      body: { code: 'slot_overlap' },
    })
    await createSlot(call, venue, ['2026-03-10', '12:00', '13:00'])
    await createSlot(call, await createVenue(call), ['2026-03-10', '11:00', '12:30'])
  })

  it('lies within the opening hours', async () => {
    const venue = await createVenue(call)
    await call('PUT', `/api/v1/venues/${venue}/opening-hours`, {
      weekly: [{ weekday: 2, opens: '09:00', closes: '18:00' }],
      exceptions: [{ date: '2026-03-17', closed: true, reason: 'holiday' }],
    })
    await createSlot(call, venue, ['2026-03-10', '17:00', '18:00'])
    for (const [date, start_time, end_time] of [
      ['2026-03-10', '17:30', '18:30'],
      ['2026-03-11', '10:00', '11:00'],
      ['2026-03-17', '10:00', '11:00'],
    ]) {
      const answer = await call('POST', slotsOf(venue), { date, start_time, end_time })
      expect(answer, date).toMatchObject({ status: 409, body: { code: 'outside_hours' } })
    }
  })

  it('is closed from the start where a closure of its venue or sport venue covers any of it', async () => {
    const hall = await createSportVenue(call)
    const venue = await createVenue(call, { sport_venue_id: hall })
    const plan = { start: '2026-03-10T10:30:00+08:00', end: '2026-03-10T11:00:00+08:00' }
    await addClosure(world, { sport_venue_id: hall }, { kind: 'maintenance', ...plan })
    expect(await createSlot(call, venue, ['2026-03-10', '10:00', '11:00'])).toMatchObject({
      status: 'closed',
      available: 0,
    })
    expect(await createSlot(call, venue, ['2026-03-10', '11:00', '12:00'])).toMatchObject({ status: 'open' })
    await call('PUT', `/api/v1/venues/${venue}`, { sport_venue_id: null })
    const { body } = await call('GET', slotsOf(venue))
    expect(body.items.map(({ status }: { status: string }) => status)).toEqual(['open', 'open'])
  })
})

describe('the list of slots', () => {
  it('filters by days and status, and is in order of time', async () => {
    const venue = await createVenue(call, { capacity: 1 })
    const [past, full, , closed] = [
      await createSlot(call, venue, ['2026-03-02', '09:00', '10:00']),
      await createSlot(call, venue, ['2026-03-02', '11:00', '12:00']),
      await createSlot(call, venue, ['2026-03-03', '23:00', '24:00']),
      await createSlot(call, venue, ['2026-03-04', '00:00', '01:00']),
    ]
    await addReservation(world, full.id, person)
    await sql`UPDATE time_slots SET open = false WHERE id = ${closed.id}`.execute(world.kernel.db)
    world.clock.advance(60)
    const times = async (query: string) =>
      (await call('GET', `${slotsOf(venue)}?${query}`, undefined, null)).body.items.map(
        (slot: { date: string; start_time: string; status: string }) =>
          `${slot.date} ${slot.start_time} ${slot.status}`,
      )
    const all = ['2026-03-02 09:00 past', '2026-03-02 11:00 full', '2026-03-03 23:00 open', '2026-03-04 00:00 closed']
    expect(await times('')).toEqual(all)
    expect(await times('sort=-start_at')).toEqual(all.toReversed())
    expect(await times('start_date=2026-03-03&end_date=2026-03-03')).toEqual([all[2]])
    for (const [index, status] of ['past', 'full', 'open', 'closed'].entries()) {
      expect(await times(`status=${status}`)).toEqual([all[index]])
    }
    expect((await call('DELETE', `${slotsOf(venue)}/${past.id}`)).body.code).toBe('in_the_past')
    world.clock.set(MONDAY)
  })
})

describe('changing a slot', () => {
  it('moves it, in part or whole, to a time that is free', async () => {
    const venue = await createVenue(call)
    const slot = await createSlot(call, venue, ['2026-03-10', '10:00', '11:00'])
    await createSlot(call, venue, ['2026-03-10', '12:00', '13:00'])
    const path = `/api/v1/venues/${venue}/time-slots/${slot.id}`
    expect((await call('PUT', path, { end_time: '12:00' })).body).toMatchObject({
      start_time: '10:00',
      end_time: '12:00',
    })
    expect((await call('PUT', path, { date: '2026-03-11' })).body).toMatchObject({
      start_at: '2026-03-11T10:00:00+08:00',
      end_at: '2026-03-11T12:00:00+08:00',
    })
    expect((await call('PUT', path, { date: '2026-03-10', end_time: '12:01' })).body.code).toBe('slot_overlap')
    expect((await call('PUT', path, { date: '2026-03-01' })).body.code).toBe('in_the_past')
    expect((await call('PUT', path, { date: '2026-03-12', start_at: '2026-03-12T10:00:00Z' })).status).toBe(400)
    expect(await lastOperation(world)).toMatchObject({ action: 'time_slot.update' })
  })

  it('with people in it is refused for another time or too few places, and says how many they are', async () => {
    const venue = await createVenue(call, { capacity: 3 })
    const slot = await createSlot(call, venue, ['2026-03-11', '10:00', '11:00'])
    await addReservation(world, slot.id, person)
    await sql`UPDATE time_slots SET held = 1 WHERE id = ${slot.id}`.execute(world.kernel.db)
    const path = `/api/admin/venues/${venue}/reservation-time-slots/${slot.id}`
    for (const change of [{ start_time: '10:30' }, { capacity: 1 }]) {
      expect(await call('PUT', path, change)).toMatchObject({
        status: 409,
        body: { code: 'slot_in_use', reservations: 1, held: 1 },
      })
    }
    expect((await call('DELETE', path)).body).toMatchObject({ code: 'slot_in_use', reservations: 1 })
    expect((await call('PUT', path, { capacity: 2 })).body).toMatchObject({
      capacity: 2,
      available: 0,
      status: 'full',
    })
  })

  it('with more places offers them to the waiting list', async () => {
    const venue = await createVenue(call, { capacity: 1 })
    const slot = await createSlot(call, venue, ['2026-03-12', '10:00', '11:00'])
    await addReservation(world, slot.id, person, 'completed')
    await sql`INSERT INTO waiting_list (slot_id, user_id, party_size, state, created_at, updated_at)
      VALUES (${slot.id}, ${person.id}, 1, 'waiting', ${MONDAY}, ${MONDAY})`.execute(world.kernel.db)
    const { body } = await call('PUT', `${slotsOf(venue)}/${slot.id}`, { capacity: 2 })
    expect(body).toMatchObject({ capacity: 2, taken: 1, held: 1, available: 0, status: 'full' })
  })

  it('by force displaces the people in it first: the newest when places go, all when the time changes', async () => {
    const venue = await createVenue(call, { capacity: 3 })
    const slot = await createSlot(call, venue, ['2026-03-13', '10:00', '11:00'])
    const [first, second] = [
      await addReservation(world, slot.id, person),
      await addReservation(world, slot.id, await world.person()),
    ]
    const path = `${slotsOf(venue)}/${slot.id}`
    const status = async (id: number) => {
      const { rows } = await sql<{ status: string }>`SELECT status FROM reservations WHERE id = ${id}`.execute(
        world.kernel.db,
      )
      return rows[0]?.status
    }
    const less = await call('PUT', `${path}?force=true`, { capacity: 1 })
    expect(less).toMatchObject({ status: 200, body: { capacity: 1, taken: 1, held: 0, status: 'full' } })
    expect([await status(first), await status(second)]).toEqual(['confirmed', 'displaced'])
    const moved = await call('PUT', path, { start_time: '10:30', force: true })
    expect(moved).toMatchObject({ status: 200, body: { start_time: '10:30', taken: 0, available: 1, status: 'open' } })
    expect(await status(first)).toBe('displaced')
    const third = await addReservation(world, slot.id, person)
    expect((await call('DELETE', `${path}?force=true`)).status).toBe(204)
    expect(await status(third)).toBe('displaced')
  })

  it('by force also displaces people who have checked in already', async () => {
    const venue = await createVenue(call, { capacity: 1 })
    const slot = await createSlot(call, venue, ['2026-03-14', '10:00', '11:00'])
    const path = `${slotsOf(venue)}/${slot.id}`
    await addReservation(world, slot.id, person, 'checked_in')
    const moved = await call('PUT', path, { start_time: '10:30', force: true })
    expect(moved).toMatchObject({ status: 200, body: { taken: 0, available: 1 } })
    await addReservation(world, slot.id, person, 'checked_in')
    expect((await call('DELETE', `${path}?force=true`)).status).toBe(204)
  })

  it('takes it out of use, and its time is free again', async () => {
    const venue = await createVenue(call)
    const slot = await createSlot(call, venue, ['2026-03-10', '10:00', '11:00'])
    expect((await call('DELETE', `/api/venues/${venue}/time-slots/${slot.id}`)).status).toBe(204)
    expect((await call('DELETE', `/api/venues/${venue}/time-slots/${slot.id}`)).status).toBe(404)
    expect((await call('PUT', `${slotsOf(venue)}/${slot.id}`, { capacity: 1 })).status).toBe(404)
    await createSlot(call, venue, ['2026-03-10', '10:00', '11:00'])
  })

  it('finds a slot only under its own venue, and is for staff alone', async () => {
    const [venue, other] = [await createVenue(call), await createVenue(call)]
    const slot = await createSlot(call, venue, ['2026-03-10', '10:00', '11:00'])
    expect((await call('GET', `${slotsOf(other)}/${slot.id}`)).status).toBe(404)
    expect((await call('PUT', `${slotsOf(other)}/${slot.id}`, { capacity: 1 })).status).toBe(404)
    expect((await call('PUT', `${slotsOf(venue)}/${slot.id}`, { capacity: 1 }, person)).status).toBe(403)
    expect((await call('DELETE', `${slotsOf(venue)}/${slot.id}`, undefined, null)).status).toBe(401)
  })
})

describe('making slots from the opening hours', () => {
  it('creates the slots, skips existing and past ones, and can be repeated safely', async () => {
    const venue = await createVenue(call, { capacity: 6 })
    await call('PUT', `/api/v1/venues/${venue}/opening-hours`, {
      weekly: [
        { weekday: 1, opens: '07:00', closes: '10:30' },
        { weekday: 2, opens: '09:00', closes: '12:00' },
        { weekday: 3, opens: '09:00', closes: '12:00' },
      ],
      exceptions: [{ date: '2026-03-04', closed: true }],
    })
    await createSlot(call, venue, ['2026-03-03', '10:00', '10:15'])
    const run = { start_date: '2026-03-02', end_date: '2026-03-04', slot_minutes: 60, gap_minutes: 5 }
    const first = await call('POST', `${slotsOf(venue)}/generate`, run)
    expect(first).toEqual({ status: 200, body: { created: 3, skipped: 2 } })
    const { body } = await call('GET', slotsOf(venue))
    expect(
      body.items.map((slot: { start_at: string; capacity: number }) => [slot.start_at.slice(0, 16), slot.capacity]),
    ).toEqual([
      ['2026-03-02T08:05', 6],
      ['2026-03-02T09:10', 6],
      ['2026-03-03T09:00', 6],
      ['2026-03-03T10:00', 6],
    ])
    expect((await call('POST', `${slotsOf(venue)}/generate`, run)).body).toEqual({ created: 0, skipped: 5 })
    const tuesdays = { ...run, start_date: '2026-03-09', end_date: '2026-03-15', weekdays: [2], capacity: 1 }
    expect((await call('POST', `${slotsOf(venue)}/generate`, tuesdays)).body).toEqual({ created: 2, skipped: 0 })
  })

  it('is refused for more than 92 days or 5,000 slots, and for days in the wrong order', async () => {
    const path = `${slotsOf(await createVenue(call))}/generate`
    const days = { start_date: '2026-03-02', end_date: '2026-06-01' }
    expect((await call('POST', path, { ...days, slot_minutes: 5 })).body).toMatchObject({
      code: 'validation',
      errors: [{ path: '/slot_minutes' }],
    })
    expect((await call('POST', path, { ...days, slot_minutes: 30 })).body).toEqual({ created: 4400, skipped: 16 })
    const wrong = [
      { start_date: '2026-03-02', end_date: '2026-06-02' },
      { start_date: '2026-03-02', end_date: '2026-03-01' },
    ]
    for (const span of wrong) {
      expect((await call('POST', path, { ...span, slot_minutes: 60 })).body.errors).toMatchObject([
        { path: '/end_date' },
      ])
    }
  })
})

describe.runIf(onServer)('a slot and a closure made at the same time', () => {
  it('never miss each other: the slot waits for the closure and is closed', async () => {
    const venue = await createVenue(call)
    const { promise: made, resolve: finish } = Promise.withResolvers<void>()
    const { promise: locked, resolve: isLocked } = Promise.withResolvers<void>()
    const closing = world.kernel.transaction(async (tx) => {
      await sql`SELECT FROM venues WHERE id = ${venue} FOR UPDATE`.execute(tx)
      await sql`UPDATE time_slots SET open = false WHERE venue_id = ${venue}`.execute(tx)
      isLocked()
      await made
      await sql`INSERT INTO closures (venue_id, kind, start_at, created_at, updated_at)
        VALUES (${venue}, 'closed', ${MONDAY}, ${MONDAY}, ${MONDAY})`.execute(tx)
    })
    await locked
    const adding = createSlot(call, venue, ['2026-03-10', '10:00', '11:00'])
    const path = `${slotsOf(venue)}/generate`
    const run = { start_date: '2026-03-11', end_date: '2026-03-11', slot_minutes: 60 }
    const generating = call('POST', path, run)
    await waitForLocks(world.kernel.db, 2)
    finish()
    await closing
    expect((await adding).status).toBe('closed')
    expect((await generating).body.created).toBe(24)
    expect((await call('GET', `${slotsOf(venue)}?status=open`)).body.total).toBe(0)
  })

  it('two runs that make the same slots make each once', async () => {
    const path = `${slotsOf(await createVenue(call))}/generate`
    const run = { start_date: '2026-03-11', end_date: '2026-03-20', slot_minutes: 60 }
    const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST', path, run)))
    const created = answers.map(({ body }) => body.created)
    expect(created.toSorted((a, b) => b - a)).toEqual([240, 0, 0, 0, 0, 0, 0, 0])
  })
})
