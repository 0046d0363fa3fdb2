import { afterAll, expect, test } from 'vitest'
import { addSlot, addVenue } from '../../../test/support/venue.ts'
import { openWorld } from '../../../test/support/world.ts'

const world = await openWorld()
afterAll(() => world.close())

const move = (payload: object) => world.call('POST', '/dev/clock', { payload })
const now = async () => (await world.call('GET', '/dev/clock')).body.now

test('moves the clock to an instant or forward by minutes, and stops it in between', async () => {
  expect((await move({ to: '2026-03-02T10:00:00+08:00' })).body).toEqual({ now: '2026-03-02T02:00:00.000Z' })
  expect((await move({ advance_minutes: 5 })).body).toEqual({ now: '2026-03-02T02:05:00.000Z' })
  expect(await now()).toBe('2026-03-02T02:05:00.000Z')
})

test('an invalid request does not move the clock', async () => {
  for (const wrong of [
    {},
    { to: '2026-03-02T10:00:00Z', advance_minutes: 5 },
    { advance_minutes: 0 },
    { to: 'soon' },
  ]) {
    expect((await move(wrong)).body.code, JSON.stringify(wrong)).toBe('validation')
  }
  expect(await now()).toBe('2026-03-02T02:05:00.000Z')
})

test('answers after all due jobs have run and their messages are delivered', async () => {
  const venue = await addVenue(world, { rules: { auto_promote: true } })
  const slot = await addSlot(world, venue, { hour: 9 })
  const [absent, waiting] = [await world.person(), await world.person()]
  await world.call('POST', '/api/v1/reservations', { as: absent, payload: { time_slot_id: slot } })
  const line = `/api/v1/venues/${venue}/reservation-time-slots/${slot}/waiting-list`
  expect((await world.call('POST', line, { as: waiting })).status).toBe(201)
  const told = async (userId: number) =>
    (
      await world.rows<{ type: string }>(`SELECT type FROM notification_messages WHERE user_id = ${userId} ORDER BY id`)
    ).map(({ type }) => type)

  await move({ to: '2026-03-02T18:00:00+08:00' })
  expect(await told(absent.id)).toEqual(['reservation.confirmed', 'reservation.reminder_day'])

  // A no-show: the same move of the clock offers the place to the waiting list.
  await move({ to: '2026-03-03T09:16:00+08:00' })
  expect(await told(absent.id)).toContain('reservation.no_show')
  expect(await told(waiting.id)).toEqual(['reservation.confirmed'])
})
