import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { lastOperation } from '../../../../test/support/site.ts'
import { createSportVenue, createVenue } from '../../../../test/support/venue.ts'
import { callsBy, openWorld } from '../../../../test/support/world.ts'
import { ruleNames } from '../../places/bookingRules/service.ts'
import { DEFAULT_RULES, effectiveRules, NO_RULES, type OwnRules, ruleSource } from './rules.ts'

const world = await openWorld()
const call = callsBy(world, await world.person('venue:admin'))
const person = await world.person()
afterAll(() => world.close())

const count = fc.option(fc.nat(100))
const flag = fc.option(fc.boolean())
const own: fc.Arbitrary<OwnRules> = fc.record({
  max_reservations_per_user: count,
  window: fc.option(fc.constantFrom('active' as const, 'day' as const, 'week' as const)),
  advance_booking_days: count,
  requires_approval: flag,
  cancel_before_minutes: count,
  free_cancel_before_minutes: count,
  min_credit: count,
  check_in_before_minutes: count,
  check_in_after_minutes: count,
  check_in_code_required: flag,
  allow_waiting_list: flag,
  waiting_hold_minutes: count,
  auto_promote: flag,
  max_party_size: count,
  points_cost: count,
  displace_before_minutes: count,
})
const layer = fc.option(own)

describe('the rules that hold', () => {
  it('are each the venue’s, else the sport venue’s, else the system’s, else the default; zero and false count as set', () => {
    fc.assert(
      fc.property(layer, layer, layer, (venue, sportVenue, system) => {
        const holds = effectiveRules(venue, sportVenue, system)
        for (const name of ruleNames) {
          const set = [venue, sportVenue, system].map((each) => each?.[name] ?? null)
          const place = set.findIndex((value) => value !== null)
          expect(holds[name]).toBe(place < 0 ? DEFAULT_RULES[name] : set[place])
          const source = (['venue', 'sport_venue', 'system'] as const)[place] ?? 'default'
          expect(ruleSource(name, venue, sportVenue, system)).toBe(source)
        }
        expect(Object.keys(holds).sort()).toEqual([...ruleNames].sort())
      }),
    )
  })

  it('are the defaults if none are set', () => {
    expect(effectiveRules(null, undefined, NO_RULES)).toEqual(DEFAULT_RULES)
  })
})

describe('the booking rules over HTTP', () => {
  const walkThrough = { max_reservations_per_user: 3, advance_booking_days: 7, requires_approval: true }

  it('are set with the POST of the walk-through, and everybody can read each with its origin', async () => {
    const path = `/venues/${await createVenue(call)}/rules`
    const { status, body } = await call('POST', `/api${path}`, walkThrough)
    expect(status).toBe(200)
    expect(body).toMatchObject({ ...NO_RULES, ...walkThrough })
    expect(body.effective.requires_approval).toEqual({ value: true, source: 'venue' })
    expect(body.effective.points_cost).toEqual({ value: 0, source: 'default' })
    expect(Object.keys(body.effective).sort()).toEqual([...ruleNames].sort())
    expect((await call('GET', `/api/v1${path}`, undefined, null)).body).toEqual(body)
    expect(await lastOperation(world)).toMatchObject({
      action: 'booking_rules.update',
      resource: 'venue',
      changes: { max_reservations_per_user: [null, 3] },
    })
  })

  it('fall back from the venue to its sport venue, then to the system; null unsets', async () => {
    const hall = await createSportVenue(call)
    const path = `/api/v1/venues/${await createVenue(call, { sport_venue_id: hall })}/rules`
    const points = async () => (await call('GET', path)).body.effective.points_cost
    await call('PUT', path, { points_cost: 1 })
    await call('PUT', `/api/v1/sport-venues/${hall}/rules`, { points_cost: 2 })
    await call('PUT', '/api/v1/rules', { points_cost: 3 })
    const seen = [await points()]
    await call('PUT', path, { points_cost: null })
    seen.push(await points())
    await call('POST', `/api/v1/sport-venues/${hall}/rules`, { points_cost: null })
    seen.push(await points())
    expect((await call('PUT', '/api/v1/rules', { points_cost: null })).body.points_cost).toBeNull()
    seen.push(await points())
    expect(seen).toEqual([
      { value: 1, source: 'venue' },
      { value: 2, source: 'sport_venue' },
      { value: 3, source: 'system' },
      { value: 0, source: 'default' },
    ])
  })

  it('are merged: absent fields stay', async () => {
    const path = `/api/v1/venues/${await createVenue(call)}/rules`
    await call('PUT', path, walkThrough)
    const { body } = await call('PUT', path, { window: 'week', max_reservations_per_user: null })
    expect(body).toMatchObject({ max_reservations_per_user: null, advance_booking_days: 7, window: 'week' })
    expect((await call('PUT', path, {})).body).toEqual(body)
  })

  it('are refused out of bounds, by people without the right, and where there is no such place', async () => {
    const path = `/api/v1/venues/${await createVenue(call)}/rules`
    for (const wrong of [
      { min_credit: 101 },
      { window: 'month' },
      { max_party_size: 0 },
      { points_cost: 1.5 },
      { x: 1 },
    ]) {
      expect((await call('PUT', path, wrong)).body.code, JSON.stringify(wrong)).toBe('validation')
    }
    expect((await call('PUT', path, {}, person)).status).toBe(403)
    expect((await call('PUT', '/api/v1/venues/999999/rules', {})).status).toBe(404)
    expect((await call('GET', '/api/v1/venues/999999/rules')).status).toBe(404)
    expect((await call('PUT', '/api/v1/sport-venues/999999/rules', {})).status).toBe(404)
    expect((await call('GET', '/api/v1/sport-venues/999999/rules')).status).toBe(404)
  })
})
