import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { lastOperation } from '../../../../test/support/site.ts'
import { createSportVenue, createVenue } from '../../../../test/support/venue.ts'
import { callsBy, openWorld } from '../../../../test/support/world.ts'
import { faultsOf, isWithinHours, type OpeningHours, openIntervals } from '../../../booking/openingHours.ts'
import { addDays, weekday } from '../../../kernel/time.ts'

const world = await openWorld()
const call = callsBy(world, await world.person('venue:admin'))
const person = await world.person()
afterAll(() => world.close())

const clockTime = (minutes: number) =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
const interval = fc
  .tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 1440 }))
  .map(([opens, length]) => ({ opens: clockTime(opens), closes: clockTime(Math.min(1440, opens + length)) }))
const date = fc.integer({ min: 0, max: 30 }).map((days) => addDays('2026-03-01', days))
const anyHours: fc.Arbitrary<OpeningHours> = fc.record({
  weekly: fc.array(
    fc.tuple(interval, fc.integer({ min: 1, max: 7 })).map(([hours, day]) => ({ weekday: day, ...hours })),
    { maxLength: 12 },
  ),
  exceptions: fc.array(
    fc.tuple(date, fc.option(interval)).map(([day, hours]) => ({
      date: day,
      opens: hours?.opens ?? null,
      closes: hours?.closes ?? null,
      reason: null,
    })),
    { maxLength: 6 },
  ),
})
const soundHours = anyHours.filter((hours) => faultsOf(hours).length === 0)

describe('the intervals of a day', () => {
  it('are in order of time and never overlap', () => {
    fc.assert(
      fc.property(soundHours, date, (hours, day) => {
        const intervals = openIntervals(hours, day)
        for (const [index, { opens, closes }] of intervals.entries()) {
          expect(opens < closes).toBe(true)
          const next = intervals[index + 1]
          if (next) expect(closes <= next.opens).toBe(true)
        }
      }),
    )
  })

  it('are those of the weekday, unless the day has an exception: then they are the exception’s alone', () => {
    fc.assert(
      fc.property(soundHours, date, (hours, day) => {
        const exceptions = hours.exceptions.filter((exception) => exception.date === day)
        const wanted =
          exceptions.length > 0
            ? exceptions.filter(({ opens }) => opens !== null)
            : hours.weekly.filter((entry) => entry.weekday === weekday(day))
        const always = exceptions.length === 0 && hours.weekly.length === 0
        const found = openIntervals(hours, day)
        expect(found.map(({ opens, closes }) => `${opens}-${closes}`)).toEqual(
          always ? ['00:00-24:00'] : wanted.map(({ opens, closes }) => `${opens}-${closes}`).sort(),
        )
      }),
    )
  })

  it('are the whole day where no weekly hours are set', () => {
    const holiday = { date: '2026-03-08', opens: null, closes: null, reason: 'holiday' }
    const hours = { weekly: [], exceptions: [holiday] }
    expect(openIntervals(hours, '2026-03-07')).toEqual([{ opens: '00:00', closes: '24:00' }])
    expect(openIntervals(hours, '2026-03-08')).toEqual([])
  })
})

describe('being within the hours', () => {
  it('holds exactly when every minute of the time is open', () => {
    const minute = fc.integer({ min: 0, max: 2 * 1440 })
    fc.assert(
      fc.property(soundHours, date, minute, fc.integer({ min: 1, max: 1440 }), (hours, day, from, length) => {
        const moment = (at: number) => ({ date: addDays(day, Math.floor(at / 1440)), time: clockTime(at % 1440) })
        const isOpenAt = (at: number) => {
          const { date: on, time } = moment(at)
          return openIntervals(hours, on).some(({ opens, closes }) => opens <= time && time < closes)
        }
        let open = true
        for (let at = from; at < from + length && open; at += 1) open = isOpenAt(at)
        expect(isWithinHours(hours, moment(from), moment(from + length))).toBe(open)
      }),
      { numRuns: 300 },
    )
  })

  it('reaches over midnight where one day closes at 24:00 and the next opens at 00:00', () => {
    const night = (weekdays: number[]) => ({
      weekly: weekdays.map((day) => ({ weekday: day, opens: '00:00', closes: '24:00' })),
      exceptions: [],
    })
    const [from, to] = [
      { date: '2026-03-02', time: '23:00' },
      { date: '2026-03-03', time: '01:00' },
    ]
    expect(isWithinHours(night([1, 2]), from, to)).toBe(true)
    expect(isWithinHours(night([1]), from, to)).toBe(false)
    expect(isWithinHours(night([1]), from, { date: '2026-03-03', time: '00:00' })).toBe(true)
  })
})

describe('the opening hours of a venue', () => {
  const hours = {
    weekly: [
      { weekday: 1, opens: '09:00', closes: '12:00' },
      { weekday: 1, opens: '14:00:00', closes: '24:00' },
    ],
    exceptions: [
      { date: '2026-05-01', closed: true, reason: '劳动节' },
      { date: '2026-05-02', opens: '10:00', closes: '16:00' },
    ],
  }
  const shown = {
    weekly: [
      { weekday: 1, opens: '09:00', closes: '12:00' },
      { weekday: 1, opens: '14:00', closes: '24:00' },
    ],
    exceptions: [
      { date: '2026-05-01', closed: true, reason: '劳动节' },
      { date: '2026-05-02', closed: false, opens: '10:00', closes: '16:00', reason: null },
    ],
  }

  it('are set as a whole, and everybody can read them', async () => {
    const path = `/api/v1/venues/${await createVenue(call)}/opening-hours`
    expect(await call('PUT', path, hours)).toEqual({ status: 200, body: { ...shown, inherited: false } })
    expect((await call('GET', path, undefined, null)).body).toEqual({ ...shown, inherited: false })
    expect(await lastOperation(world)).toMatchObject({ action: 'opening_hours.update', resource: 'venue' })
    const less = { weekly: [{ weekday: 7, opens: '10:00', closes: '11:00' }] }
    expect((await call('PUT', path, less)).body).toEqual({ ...less, exceptions: [], inherited: false })
  })

  it('of the week are those of its sport venue as long as it has none of its own; of a dated day too', async () => {
    const hall = await createSportVenue(call)
    const path = `/api/v1/venues/${await createVenue(call, { sport_venue_id: hall })}/opening-hours`
    expect((await call('GET', path)).body).toEqual({ weekly: [], exceptions: [], inherited: false })
    expect((await call('PUT', `/api/v1/sport-venues/${hall}/opening-hours`, hours)).status).toBe(200)
    expect((await call('GET', path)).body).toEqual({ ...shown, inherited: true })
    const own = { weekly: [{ weekday: 2, opens: '08:00', closes: '09:00' }] }
    const [, dayAfter] = shown.exceptions
    await call('PUT', path, own)
    expect((await call('GET', path)).body).toEqual({ ...own, exceptions: shown.exceptions, inherited: true })
    const open = { date: '2026-05-01', closed: false, opens: '08:00', closes: '09:00', reason: null }
    await call('PUT', path, { ...own, exceptions: [{ date: open.date, opens: open.opens, closes: open.closes }] })
    expect((await call('GET', path)).body).toEqual({ ...own, exceptions: [open, dayAfter], inherited: true })
    await call('PUT', path, { weekly: [] })
    expect((await call('GET', path)).body).toEqual({ ...shown, inherited: true })
  })

  it('stay those of its sport venue’s week when it has an exception alone: slots lie within them', async () => {
    const hall = await createSportVenue(call)
    const venue = await createVenue(call, { sport_venue_id: hall })
    const wednesdays = [{ weekday: 3, opens: '08:00', closes: '10:00' }]
    await call('PUT', `/api/v1/sport-venues/${hall}/opening-hours`, { weekly: wednesdays })
    const holiday = { date: '2026-03-11', closed: true, reason: '维护' }
    const path = `/api/v1/venues/${venue}/opening-hours`
    const set = await call('PUT', path, { weekly: [], exceptions: [holiday] })
    expect(set.body).toEqual({ weekly: wednesdays, exceptions: [holiday], inherited: true })
    const made = await call('POST', `/api/v1/venues/${venue}/reservation-time-slots/generate`, {
      start_date: '2026-03-09',
      end_date: '2026-03-22',
      slot_minutes: 60,
    })
    expect(made.body.created).toBe(2)
  })

  it('are refused out of order, overlapping, contradictory or malformed, and then stay as they were', async () => {
    const path = `/api/v1/venues/${await createVenue(call)}/opening-hours`
    await call('PUT', path, hours)
    const refused: [unknown, string][] = [
      [{ weekly: [{ weekday: 1, opens: '12:00', closes: '12:00' }] }, '/weekly/0/closes'],
      [{ weekly: [{ weekday: 1, opens: '24:00', closes: '24:00' }] }, '/weekly/0/opens'],
      [{ weekly: [{ weekday: 8, opens: '09:00', closes: '12:00' }] }, '/weekly/0/weekday'],
      [
        {
          weekly: [
            { weekday: 1, opens: '10:00', closes: '12:00' },
            { weekday: 1, opens: '09:00', closes: '10:01' },
          ],
        },
        '/weekly/0',
      ],
      [{ weekly: [], exceptions: [{ date: '2026-02-30', closed: true }] }, '/exceptions/0'],
      [
        {
          weekly: [],
          exceptions: [
            { date: '2026-05-01', opens: '09:00', closes: '10:00' },
            { date: '2026-05-01', closed: true },
          ],
        },
        '/exceptions/1',
      ],
    ]
    for (const [body, at] of refused) {
      expect(await call('PUT', path, body), JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { code: 'validation', errors: [{ path: at }] },
      })
    }
    const seconds = { weekly: [{ weekday: 1, opens: '09:00:30', closes: '12:00' }] }
    expect((await call('PUT', path, seconds)).status).toBe(400)
    expect((await call('GET', path)).body).toMatchObject(shown)
    expect((await call('PUT', path, hours, person)).status).toBe(403)
    expect((await call('PUT', '/api/v1/venues/999999/opening-hours', hours)).status).toBe(404)
    expect((await call('PUT', '/api/v1/sport-venues/999999/opening-hours', hours)).status).toBe(404)
  })
})
