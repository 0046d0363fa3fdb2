import { beforeEach, describe, expect, it } from 'vitest'
import { onServer } from '../../../../test/support/database.ts'
import { openVerifiedWorld } from '../../../../test/support/reservations.ts'
import { addMember, addSlot, addVenue } from '../../../../test/support/venue.ts'
import { MONDAY, type Person } from '../../../../test/support/world.ts'
import { settleAttendance } from './service.ts'

const world = await openVerifiedWorld()
const staff = await world.person('venue:admin')
beforeEach(() => world.clock.set(MONDAY))

/** A local time of Tuesday, the day of every slot here. */
const tuesday = (time: string) => new Date(`2026-03-03T${time}:00+08:00`)
const post = (path: string, person: Person, payload?: unknown) =>
  world.call('POST', path, { as: person, ...(payload !== undefined && { payload }) })
const checkIn = (id: number, person: Person, payload?: unknown) =>
  post(`/api/v1/reservations/${id}/check-in`, person, payload)
const checkOut = (id: number, person: Person) => post(`/api/v1/reservations/${id}/check-out`, person)
const book = async (person: Person, slot: number): Promise<number> => {
  const { status, body } = await post('/api/v1/reservations', person, { time_slot_id: slot })
  expect(status, JSON.stringify(body)).toBe(201)
  return body.id
}
const reservation = async (id: number) =>
  (await world.rows<Record<string, unknown>>(`SELECT * FROM reservations WHERE id = ${id}`))[0] ?? {}
const member = async ({ id }: Person) =>
  (
    await world.rows<{ credit: number; points: number }>(
      `SELECT credit, points FROM venue_members WHERE user_id = ${id}`,
    )
  )[0]
const ledger = async (id: number) =>
  await world.rows<{ delta: number; reason: string }>(
    `SELECT delta, reason FROM credit_ledger WHERE reservation_id = ${id} ORDER BY id`,
  )
const places = async (slot: number) => (await world.rows(`SELECT taken, held FROM time_slots WHERE id = ${slot}`))[0]

/** Somebody with a reservation of a slot on Tuesday from 9 to 10. */
async function booked(
  rules: Record<string, unknown> = {},
  options: { readonly points?: number; readonly credit?: number } = {},
) {
  const venue = await addVenue(world, { rules })
  const slot = await addSlot(world, venue)
  const anna = await addMember(world, options)
  return { venue, slot, anna, id: await book(anna, slot) }
}

describe('checking in and out', () => {
  it('covers a visit: check-in and check-out record the minutes and give the credit of a kept booking', async () => {
    const { anna, id, slot } = await booked({}, { credit: 90 })
    world.clock.set(tuesday('08:50'))
    const here = await checkIn(id, anna)
    expect(here.status, JSON.stringify(here.body)).toBe(200)
    expect(here.body).toMatchObject({ status: 'checked_in', checked_in_at: '2026-03-03T08:50:00+08:00' })
    world.clock.set(tuesday('09:42'))
    const gone = await checkOut(id, anna)
    expect(gone.body).toMatchObject({
      status: 'completed',
      checked_out_at: '2026-03-03T09:42:00+08:00',
      actual_minutes: 42,
    })
    expect(await member(anna)).toMatchObject({ credit: 91 })
    expect(await ledger(id)).toEqual([{ delta: 1, reason: 'kept' }])
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
    const again = await checkOut(id, anna)
    expect([again.status, again.body.code, again.body.state]).toEqual([409, 'bad_state', 'completed'])
  })

  it('is refused outside the window, and works without the v1 of the path', async () => {
    const { anna, id } = await booked()
    world.clock.set(tuesday('08:44'))
    expect((await checkIn(id, anna)).body.code).toBe('too_early')
    world.clock.set(tuesday('09:16'))
    expect((await checkIn(id, anna)).body.code).toBe('too_late')
    world.clock.set(tuesday('09:15'))
    expect((await post(`/api/reservations/${id}/check-in`, anna)).status).toBe(200)
  })

  it('is refused before its time, also for staff, and gives no credit', async () => {
    const { anna, id } = await booked({}, { credit: 90 })
    world.clock.set(tuesday('08:44'))
    expect((await checkIn(id, staff)).body).toMatchObject({ code: 'too_early', start_at: '2026-03-03T09:00:00+08:00' })
    world.clock.set(tuesday('08:50'))
    expect((await checkIn(id, anna)).status).toBe(200)
    for (const person of [anna, staff]) {
      expect((await checkOut(id, person)).body).toMatchObject({
        code: 'too_early',
        start_at: '2026-03-03T09:00:00+08:00',
      })
    }
    expect((await reservation(id)).status).toBe('checked_in')
    expect(await member(anna)).toMatchObject({ credit: 90 })
    world.clock.set(tuesday('09:00'))
    expect((await checkOut(id, anna)).body).toMatchObject({ status: 'completed', actual_minutes: 0 })
  })

  it('of another person’s reservation is 404; staff may do it, also late, until the slot ends', async () => {
    const { id } = await booked()
    expect((await checkIn(id, await world.person())).status).toBe(404)
    world.clock.set(tuesday('09:40'))
    expect((await checkIn(id, staff)).body.status).toBe('checked_in')
    expect((await checkOut(id, await world.person())).status).toBe(404)
    expect((await checkOut(id, staff)).body.actual_minutes).toBe(0)
  })

  it('requires the code of the venue if its rules say so; only staff can read the code', async () => {
    const { anna, id, venue } = await booked({ check_in_code_required: true })
    world.clock.set(tuesday('09:00'))
    const path = `/api/v1/venues/${venue}/check-in-code`
    expect((await world.call('GET', path, { as: anna })).status).toBe(403)
    const { body } = await world.call('GET', path, { as: staff })
    expect(body).toEqual({ code: expect.stringMatching(/^\d{6}$/), valid_until: '2026-03-03T09:00:30+08:00' })
    expect((await checkIn(id, anna)).body.code).toBe('wrong_code')
    expect((await checkIn(id, anna, { code: body.code === '000000' ? '000001' : '000000' })).body.code).toBe(
      'wrong_code',
    )
    expect((await checkIn(id, anna, { code: 'abc' })).status).toBe(400)
    world.clock.advance(0.75)
    expect((await checkIn(id, anna, { code: body.code })).status).toBe(200)
    expect((await world.call('GET', '/api/v1/venues/999999/check-in-code', { as: staff })).status).toBe(404)
  })

  it('succeeds once, however many ask at once', async () => {
    const { anna, id } = await booked()
    world.clock.set(tuesday('09:00'))
    const answers = await Promise.all(Array.from({ length: 8 }, () => checkIn(id, anna)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
    const outs = await Promise.all(Array.from({ length: 8 }, () => checkOut(id, anna)))
    expect(outs.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
    expect(await ledger(id)).toEqual([])
  })
})

describe('A person who comes after the no-show was recorded', () => {
  /** A no-show of Tuesday from 9 to 10, at 09:20. */
  async function absent(
    rules: Record<string, unknown> = {},
    options: { readonly points?: number; readonly credit?: number } = {},
  ) {
    const all = await booked(rules, options)
    world.clock.set(tuesday('09:20'))
    await settleAttendance(world.kernel)
    expect((await reservation(all.id)).status).toBe('no_show')
    return all
  }

  it('is checked in by staff: the place is theirs again, the credit comes back, they are told, and the visit goes on', async () => {
    const { anna, id, slot } = await absent({ points_cost: 3 }, { points: 5 })
    expect((await checkIn(id, anna)).body).toMatchObject({ code: 'bad_state', state: 'no_show' })
    const here = await checkIn(id, staff)
    expect(here.status, JSON.stringify(here.body)).toBe(200)
    expect(here.body).toMatchObject({
      status: 'checked_in',
      checked_in_at: '2026-03-03T09:20:00+08:00',
      end_reason: null,
    })
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
    expect(await member(anna)).toEqual({ credit: 100, points: 2 })
    expect(await ledger(id)).toEqual([
      { delta: -10, reason: 'no_show' },
      { delta: 10, reason: 'no_show_undone' },
    ])
    expect((await world.inbox(anna)).at(-1)).toMatchObject({
      type: 'reservation.no_show_undone',
      body: expect.stringContaining('信用分 10 分'),
    })
    expect(
      await world.rows(
        `SELECT changes FROM operation_log WHERE action = 'reservation.check_in' AND resource_id = '${id}'`,
      ),
    ).toEqual([{ changes: { status: ['no_show', 'checked_in'] } }])
    world.clock.set(tuesday('10:00'))
    await settleAttendance(world.kernel)
    expect(await reservation(id)).toMatchObject({ status: 'completed', actual_minutes: 40 })
  })

  it('gets back no more credit than the no-show had cost', async () => {
    const { anna, id } = await absent({ min_credit: 0 }, { credit: 4 })
    expect(await member(anna)).toMatchObject({ credit: 0 })
    await checkIn(id, staff)
    expect(await member(anna)).toMatchObject({ credit: 4 })
  })

  it('is refused if the place was given away, the venue has closed, or the slot is over', async () => {
    const given = await booked()
    const ben = await world.person()
    await post(`/api/v1/reservations/${given.id}/waiting-list`, ben, {})
    const closed = await booked()
    const over = await absent()
    expect((await checkIn(given.id, staff)).body.code).toBe('slot_full')
    expect((await reservation(given.id)).status).toBe('no_show')
    const status = await world.call('PATCH', `/api/v1/venues/${closed.venue}/status`, {
      as: staff,
      payload: { status: 'closed' },
    })
    expect(status.status).toBe(200)
    expect((await checkIn(closed.id, staff)).body.code).toBe('venue_closed')
    world.clock.set(tuesday('10:00'))
    expect((await checkIn(over.id, staff)).body.code).toBe('too_late')
    expect(await ledger(given.id)).toEqual([{ delta: -10, reason: 'no_show' }])
  })

  it('is not let in while they are somewhere else', async () => {
    const { anna, id } = await absent()
    const elsewhere = await addVenue(world)
    world.clock.set(MONDAY)
    const other = await book(anna, await addSlot(world, elsewhere))
    world.clock.set(tuesday('09:20'))
    await checkIn(other, staff)
    expect((await checkIn(id, staff)).body.code).toBe('own_overlap')
    expect(await ledger(id)).toEqual([{ delta: -10, reason: 'no_show' }])
  })

  it('is let in once, however many of the staff ask at once', async () => {
    const { id, slot } = await absent()
    const answers = await Promise.all(Array.from({ length: 8 }, () => checkIn(id, staff)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
    expect(await places(slot)).toEqual({ taken: 1, held: 0 })
    expect(await ledger(id)).toHaveLength(2)
  })
})

describe('Settling changes that happen by time alone', () => {
  it('records a no-show: takes credit, frees the place, and tells the person once', async () => {
    const { anna, id, slot } = await booked()
    world.clock.set(tuesday('09:15'))
    await settleAttendance(world.kernel)
    expect((await reservation(id)).status).toBe('confirmed')
    world.clock.set(tuesday('09:16'))
    await settleAttendance(world.kernel)
    await settleAttendance(world.kernel)
    expect(await reservation(id)).toMatchObject({ status: 'no_show', end_reason: 'no_show', ended_by: null })
    expect(await member(anna)).toMatchObject({ credit: 90 })
    expect(await ledger(id)).toEqual([{ delta: -10, reason: 'no_show' }])
    expect(await places(slot)).toEqual({ taken: 0, held: 0 })
    const told = (await world.inbox(anna)).filter(({ type }) => type === 'reservation.no_show')
    expect(told).toHaveLength(1)
    expect(told[0]?.body).toContain('扣除信用分 10 分')
    expect((await checkIn(id, anna)).body).toMatchObject({ code: 'bad_state', state: 'no_show' })
  })

  it('offers the place of a no-show while at least half of the slot is left', async () => {
    const { id, slot } = await booked()
    const ben = await world.person()
    const waiting = await post(`/api/v1/reservations/${id}/waiting-list`, ben, {})
    expect(waiting.status).toBe(201)
    world.clock.set(tuesday('09:16'))
    await settleAttendance(world.kernel)
    expect(await places(slot)).toEqual({ taken: 0, held: 1 })
    expect((await world.inbox(ben)).map(({ type }) => type)).toContain('waiting_list.offered')
    const claimed = await post(`/api/v1/waiting-list/${waiting.body.id}/claim`, ben)
    expect(claimed.status, JSON.stringify(claimed.body)).toBe(201)
    world.clock.set(tuesday('09:30'))
    await settleAttendance(world.kernel)
    expect((await reservation(claimed.body.id)).status).toBe('confirmed')
    expect((await checkIn(claimed.body.id, ben)).status).toBe(200)
  })

  it('does not offer it to whom a closure had taken out of line before the start', async () => {
    const { id, slot } = await booked()
    const [ben, cora] = [await world.person(), await world.person()]
    const wait = async (person: Person) => (await post(`/api/v1/reservations/${id}/waiting-list`, person, {})).body.id
    const [before, gone] = [await wait(ben), await wait(cora)]
    await world.rows(`UPDATE waiting_list SET state = 'expired' WHERE slot_id = ${slot}`)
    const again = await wait(ben)
    world.clock.set(tuesday('09:16'))
    await settleAttendance(world.kernel)
    expect((await reservation(id)).status).toBe('no_show')
    expect(await world.rows(`SELECT id, state FROM waiting_list WHERE slot_id = ${slot} ORDER BY id`)).toEqual([
      { id: before, state: 'expired' },
      { id: gone, state: 'expired' },
      { id: again, state: 'offered' },
    ])
  })

  it('rejects unapproved reservations at their start: returns the points and tells the person why', async () => {
    const { anna, id, slot } = await booked({ requires_approval: true, points_cost: 3 }, { points: 5 })
    expect(await member(anna)).toMatchObject({ points: 2 })
    world.clock.set(tuesday('09:00'))
    await settleAttendance(world.kernel)
    expect(await reservation(id)).toMatchObject({ status: 'rejected', end_reason: 'approval_expired' })
    expect(await member(anna)).toMatchObject({ points: 5, credit: 100 })
    expect(await places(slot)).toEqual({ taken: 0, held: 0 })
    const told = (await world.inbox(anna)).find(({ type }) => type === 'reservation.rejected')
    expect(told?.body).toContain('未获审核')
  })

  it('completes visits without a check-out at the end of the slot', async () => {
    const { anna, id } = await booked({}, { credit: 99 })
    world.clock.set(tuesday('09:10'))
    await checkIn(id, anna)
    world.clock.set(tuesday('10:00'))
    await settleAttendance(world.kernel)
    expect(await reservation(id)).toMatchObject({ status: 'completed', actual_minutes: 50, checked_out_at: null })
    expect(await member(anna)).toMatchObject({ credit: 100 })
  })

  it('catches up after downtime, whatever the number, on two workers at once, each reservation once', async () => {
    const venue = await addVenue(world, { capacity: 450 })
    const slot = await addSlot(world, venue)
    await world.rows(`WITH people AS (
        INSERT INTO users (username, display_name, created_at, updated_at)
        SELECT 'crowd' || n, 'crowd', now(), now() FROM generate_series(1, 410) n RETURNING id
      ), members AS (INSERT INTO venue_members (user_id, created_at) SELECT id, now() FROM people RETURNING user_id
      ), booked AS (
        INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader, points_paid, checked_in_at, created_at, updated_at)
        SELECT m.user_id, s.id, s.venue_id, s.start_at, s.end_at, 1, CASE m.user_id % 2 WHEN 0 THEN 'confirmed' ELSE 'checked_in' END,
          false, 0, CASE m.user_id % 2 WHEN 0 THEN NULL ELSE s.start_at END, s.created_at, s.created_at
        FROM members m, time_slots s WHERE s.id = ${slot} RETURNING user_id, status, id)
      INSERT INTO notification_messages (user_id, type, subject, body, data, urgent, key, created_at)
      SELECT user_id, 'reservation.confirmed', '', '', '{}', false, 'reservation:' || id || ':confirmed', now() FROM booked`)
    await world.rows(`UPDATE time_slots SET taken = 410 WHERE id = ${slot}`)
    world.clock.set(new Date('2026-03-05T00:00:00Z'))
    await Promise.all(
      onServer ? [settleAttendance(world.kernel), settleAttendance(world.kernel)] : [settleAttendance(world.kernel)],
    )
    expect(
      await world.rows(`SELECT status, count(*) FROM reservations WHERE slot_id = ${slot} GROUP BY 1 ORDER BY 1`),
    ).toEqual([
      { status: 'completed', count: 205 },
      { status: 'no_show', count: 205 },
    ])
    expect(await places(slot)).toEqual({ taken: 205, held: 0 })
    expect(
      await world.rows(`SELECT DISTINCT m.credit FROM reservations r JOIN venue_members m USING (user_id)
        WHERE r.slot_id = ${slot} ORDER BY 1`),
    ).toEqual([{ credit: 90 }, { credit: 100 }])
  }, 60_000)

  it('and a check-in by staff at the same moment leave one visit, whichever comes first', async () => {
    for (let round = 0; round < (onServer ? 8 : 2); round += 1) {
      world.clock.set(MONDAY)
      const { anna, id, slot } = await booked()
      world.clock.set(tuesday('09:20'))
      const [answer] = await Promise.all([checkIn(id, staff), settleAttendance(world.kernel)])
      expect(answer.body.status).toBe('checked_in')
      expect((await reservation(id)).status).toBe('checked_in')
      expect(await places(slot)).toEqual({ taken: 1, held: 0 })
      // Staff came first, or took back what had just been settled.
      expect(await member(anna)).toMatchObject({ credit: 100 })
      expect([0, 2]).toContain((await ledger(id)).length)
    }
  })
})
