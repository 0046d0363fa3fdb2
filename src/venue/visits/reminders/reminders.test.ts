import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { addSlot, addVenue } from '../../../../test/support/venue.ts'
import { MONDAY, openWorld, type Person } from '../../../../test/support/world.ts'
import { minutesAfter } from '../../../booking/interval.ts'
import { addDays, instantAt, localDate } from '../../../kernel/time.ts'
import { sendReminders } from './service.ts'
import type { ReminderKind, ReminderTimes } from './store.ts'

const world = await openWorld()
afterAll(() => world.close())
beforeEach(() => world.clock.set(MONDAY))

const at = (text: string) => new Date(`2026-03-${text}:00+08:00`)
const times = { dayBeforeAt: '18:00', minutesBefore: 60 }
const zone = 'Asia/Shanghai'

/** When a reminder is due; who booked, moved or was approved later than this gets none. */
function dueAt(kind: ReminderKind, startAt: Date, times: ReminderTimes, zone: string): Date {
  return kind === 'hour'
    ? minutesAfter(startAt, -times.minutesBefore)
    : instantAt(addDays(localDate(startAt, zone), -1), times.dayBeforeAt, zone)
}

/**
 * Whether a reminder is due now, as a model for the statement in store.ts. `toldAt`: when the person was last told of the
 * reservation. The reminder of the day before is left out once the hourly one is due.
 */
function isDue(
  kind: ReminderKind,
  reservation: { readonly startAt: Date; readonly toldAt: Date },
  times: ReminderTimes,
  zone: string,
  now: Date,
): boolean {
  const due = dueAt(kind, reservation.startAt, times, zone)
  if (now < due || reservation.toldAt > due || now >= reservation.startAt) return false
  return kind === 'hour' || now < dueAt('hour', reservation.startAt, times, zone)
}

/** A reservation of Tuesday at `hour`, made at the clock's time. */
async function booked(hour = 9, rules = {}): Promise<{ anna: Person; id: number; slot: number; venue: number }> {
  const venue = await addVenue(world, { capacity: 3, rules })
  const now = world.clock.now()
  world.clock.set(MONDAY)
  const slot = await addSlot(world, venue, { hour })
  world.clock.set(now)
  const anna = await world.person()
  const { body } = await world.call('POST', '/api/v1/reservations', { as: anna, payload: { time_slot_id: slot } })
  return { anna, id: body.id, slot, venue }
}
const reminders = async (person: Person) =>
  (await world.inbox(person)).map(({ type }) => type).filter((type) => type.includes('reminder'))
const tick = (text: string) => {
  world.clock.set(at(text))
  return sendReminders(world.kernel)
}

describe('a reminder', () => {
  it('is sent the day before at 18:00 and an hour before the start, once each', async () => {
    const { anna } = await booked()
    await tick('02T17:59')
    expect(await reminders(anna)).toEqual([])
    await tick('02T18:00')
    await tick('02T18:01')
    expect(await reminders(anna)).toEqual(['reservation.reminder_day'])
    await tick('03T07:59')
    expect(await reminders(anna)).toHaveLength(1)
    await tick('03T08:00')
    await Promise.all([tick('03T08:01'), tick('03T08:02')])
    expect(await reminders(anna)).toEqual(['reservation.reminder_day', 'reservation.reminder_hour'])
    expect((await world.inbox(anna)).at(-1)?.body).toContain('2026-03-03 09:00–10:00')
  })

  it('that was due during an outage is sent late; the one of the day before is left out once the hourly one is due', async () => {
    const { anna } = await booked(12)
    const early = await booked(9)
    await tick('03T08:30')
    expect(await reminders(anna)).toEqual(['reservation.reminder_day'])
    expect(await reminders(early.anna)).toEqual(['reservation.reminder_hour'])
    await tick('03T12:00')
    expect(await reminders(anna)).toEqual(['reservation.reminder_day'])
  })

  it('is not sent for bookings made later than it', async () => {
    world.clock.set(at('02T18:30'))
    const evening = await booked()
    world.clock.set(at('03T08:30'))
    const morning = await booked()
    await tick('03T08:31')
    expect(await reminders(evening.anna)).toEqual(['reservation.reminder_hour'])
    expect(await reminders(morning.anna)).toEqual([])
  })

  it('is sent again for the new time of a reservation that was moved', async () => {
    const { anna, id, venue } = await booked()
    await tick('02T18:00')
    world.clock.set(MONDAY)
    const later = await addSlot(world, venue, { day: 2 })
    world.clock.set(at('02T18:10'))
    const moved = await world.call('PUT', `/api/v1/reservations/${id}`, { as: anna, payload: { time_slot_id: later } })
    expect(moved.status).toBe(200)
    await tick('03T18:00')
    await tick('04T08:00')
    expect(await reminders(anna)).toEqual([
      'reservation.reminder_day',
      'reservation.reminder_day',
      'reservation.reminder_hour',
    ])
  })

  it('is for confirmed reservations alone', async () => {
    const pending = await booked(9, { requires_approval: true })
    const cancelled = await booked()
    await world.call('DELETE', `/api/v1/reservations/${cancelled.id}`, { as: cancelled.anna })
    await tick('02T18:00')
    await tick('03T08:10')
    expect(await reminders(pending.anna)).toEqual([])
    expect(await reminders(cancelled.anna)).toEqual([])
  })

  it('is sent by the statement exactly when the rule says so', async () => {
    const moments = [
      '02T09:00',
      '02T17:59',
      '02T18:00',
      '02T18:01',
      '03T07:00',
      '03T07:59',
      '03T08:00',
      '03T08:01',
      '03T09:00',
    ].map(at)
    for (const toldAt of moments.slice(0, -1)) {
      for (const now of moments.filter((moment) => moment >= toldAt)) {
        world.clock.set(toldAt)
        const { id } = await booked()
        world.clock.set(now)
        await sendReminders(world.kernel)
        const [row] = await world.rows<Record<string, unknown>>(
          `SELECT day_reminder, hour_reminder FROM reservations WHERE id = ${id}`,
        )
        for (const kind of ['day', 'hour'] satisfies ReminderKind[]) {
          const due = isDue(kind, { startAt: at('03T09:00'), toldAt }, times, zone, now)
          expect(row?.[`${kind}_reminder`], `${kind}, told ${toldAt.toISOString()}, now ${now.toISOString()}`).toBe(due)
        }
      }
    }
  })
})
