import { beforeEach, describe, expect, it } from 'vitest'
import { openVerifiedWorld } from '../../../../test/support/reservations.ts'
import { addSlot, addVenue } from '../../../../test/support/venue.ts'
import { MONDAY, type Person } from '../../../../test/support/world.ts'
import { sendReminders } from '../reminders/service.ts'

const world = await openVerifiedWorld()
const staff = await world.person('venue:admin')
beforeEach(() => world.clock.set(MONDAY))

const post = (path: string, as: Person, payload?: unknown) => world.call('POST', path, { as, payload })
async function booked(rules = {}) {
  const slot = await addSlot(world, await addVenue(world, { rules }))
  const anna = await world.person()
  const { body } = await post('/api/v1/reservations', anna, { time_slot_id: slot })
  return { anna, id: Number(body.id) }
}
const told = async (person: Person, type: string) => (await world.inbox(person)).filter((one) => one.type === type)

describe('confirming by hand', () => {
  it('at any of its doors sends no second confirmation', async () => {
    const { anna, id } = await booked()
    for (const path of [`/api/notifications/reservations/${id}/confirm`, `/api/v1/reservations/${id}/confirm`]) {
      const { status, body } = await post(path, anna)
      expect(status, JSON.stringify(body)).toBe(200)
      expect(body).toEqual({ success: true, message: 'The confirmation has been sent.', reservation_id: id })
      await world.drain()
    }
    expect((await post(`/api/reservations/${id}/confirm`, staff)).status).toBe(200)
    expect(await told(anna, 'reservation.confirmed')).toHaveLength(1)
  })

  it('is refused for a request that waits, and for other people', async () => {
    const { anna, id } = await booked({ requires_approval: true })
    const { status, body } = await post(`/api/v1/reservations/${id}/confirm`, anna)
    expect([status, body.code, body.state]).toEqual([409, 'bad_state', 'pending'])
    expect((await post(`/api/v1/reservations/${id}/confirm`, await world.person())).status).toBe(404)
  })
})

describe('reminding by hand', () => {
  it('sends at most one reminder an hour, however many ask at once', async () => {
    const { anna, id } = await booked()
    const path = `/api/notifications/reservations/${id}/reminder`
    const answers = await Promise.all(Array.from({ length: 4 }, () => post(path, anna)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(answers.filter(({ body }) => body.message === 'The reminder has been sent.')).toHaveLength(1)
    expect(await told(anna, 'reservation.reminder_day')).toHaveLength(1)
    world.clock.advance(59)
    expect((await post(path, anna)).body.message).toBe('A reminder was sent within the last hour.')
    world.clock.advance(1)
    expect((await post(path, staff)).body).toEqual({
      success: true,
      message: 'The reminder has been sent.',
      reservation_id: id,
    })
    expect(await told(anna, 'reservation.reminder_day')).toHaveLength(2)
  })

  it('counts the reminders that go out by themselves, sent or about to be', async () => {
    const { anna, id } = await booked()
    world.clock.set(new Date('2026-03-02T18:00:00+08:00'))
    await sendReminders(world.kernel)
    await post(`/api/v1/reservations/${id}/reminder`, anna)
    await world.drain()
    await post(`/api/v1/reservations/${id}/reminder`, anna)
    expect(await told(anna, 'reservation.reminder_day')).toHaveLength(1)
  })

  it('needs a reservation in the future', async () => {
    const { anna, id } = await booked()
    world.clock.set(new Date('2026-03-03T09:00:00+08:00'))
    expect((await post(`/api/v1/reservations/${id}/reminder`, anna)).body.code).toBe('in_the_past')
    world.clock.set(MONDAY)
    await world.call('DELETE', `/api/v1/reservations/${id}`, { as: anna })
    expect((await post(`/api/v1/reservations/${id}/reminder`, anna)).body).toMatchObject({ state: 'cancelled' })
  })
})

describe('a change notice', () => {
  it('carries staff’s words to the owner, once for one Idempotency-Key', async () => {
    const { anna, id } = await booked()
    const path = `/api/v1/reservations/${id}/change-notice`
    expect((await post(path, anna, { message: 'hi' })).status).toBe(403)
    expect((await post(path, staff, { message: ' ' })).status).toBe(400)
    for (let turn = 0; turn < 2; turn += 1) {
      const answer = await world.call('POST', path, {
        as: staff,
        payload: { message: '请从东门进入 {{ venue_id }}' },
        headers: { 'idempotency-key': `notice-${id}` },
      })
      expect(answer.body).toMatchObject({ success: true, reservation_id: id })
    }
    const [notice, ...more] = await told(anna, 'reservation.changed')
    expect(notice?.body).toContain('请从东门进入 {{ venue_id }}')
    expect(more).toEqual([])
  })
})
