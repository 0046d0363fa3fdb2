import { sql } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
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

const gym = { name: 'Gym A', location: 'Building 1', capacity: 50, status: 'open', notice: 'Please wear sports shoes' }

describe('a venue', () => {
  it('is added with the body of the walk-through, and everybody can read all of its fields', async () => {
    const added = await call('POST', '/api/venues', gym)
    expect(added.status).toBe(201)
    expect(added.body).toEqual({
      id: expect.any(Number),
      sport_venue_id: null,
      name: 'Gym A',
      type: null,
      location: 'Building 1',
      capacity: 50,
      status: 'open',
      status_until: null,
      status_reason: null,
      notice: 'Please wear sports shoes',
      description: null,
      image_url: null,
      rating_average: null,
      rating_count: 0,
      created_at: MONDAY.toISOString(),
      updated_at: MONDAY.toISOString(),
    })
    for (const path of ['/api/v1/venues/', '/api/venues/']) {
      expect(await call('GET', `${path}${added.body.id}`, undefined, null)).toEqual({
        status: 200,
        body: added.body,
      })
    }
    expect(await lastOperation(world)).toMatchObject({
      action: 'venue.create',
      resource: 'venue',
      resourceId: String(added.body.id),
      changes: { name: [null, 'Gym A'], capacity: [null, 50] },
    })
  })

  it('is changed by staff alone: visitors are 401, other people 403, also under /api/admin for reading', async () => {
    const id = await createVenue(call)
    expect((await call('PUT', `/api/v1/venues/${id}`, { capacity: 2 }, null)).status).toBe(401)
    expect((await call('PUT', `/api/v1/venues/${id}`, { capacity: 2 }, person)).status).toBe(403)
    expect((await call('GET', `/api/admin/venues/${id}`, undefined, person)).status).toBe(403)
    expect((await call('GET', `/api/admin/venues/${id}`)).body.id).toBe(id)
    expect((await call('GET', '/api/admin/venues')).body.items.length).toBeGreaterThan(0)
  })

  it('keeps fields that a change does not name, clears those it sets to null, and records only real changes', async () => {
    const id = await createVenue(call, { type: 'badminton', notice: 'Shoes!' })
    world.clock.advance(5)
    const { body } = await call('PUT', `/api/v1/venues/${id}`, { capacity: 7, notice: null })
    expect(body).toMatchObject({ type: 'badminton', notice: null, capacity: 7 })
    expect(body.updated_at).toBe(world.clock.now().toISOString())
    expect(await lastOperation(world)).toMatchObject({
      action: 'venue.update',
      changes: { capacity: [4, 7], notice: ['Shoes!', null] },
    })
    world.clock.set(MONDAY)
  })

  it('has a name of its own within its sport venue, whatever its case', async () => {
    const hall = await createSportVenue(call)
    await createVenue(call, { name: 'Pool', sport_venue_id: hall })
    const again = await call('POST', '/api/v1/venues', { name: 'POOL', capacity: 1, sport_venue_id: hall })
    expect(again).toMatchObject({ status: 409, body: { code: 'name_taken' } })
    expect((await call('POST', '/api/v1/venues', { name: 'Pool', capacity: 1 })).status).toBe(201)
  })

  it('is refused for a sport venue that does not exist, and for fields that are wrong or unknown', async () => {
    const unknown = await call('POST', '/api/v1/venues', { name: 'X', capacity: 1, sport_venue_id: 999_999 })
    expect(unknown).toMatchObject({ status: 400, body: { code: 'validation', errors: [{ path: '/sport_venue_id' }] } })
    for (const body of [
      { name: ' ', capacity: 1 },
      { name: 'X', capacity: 0 },
      { name: 'X', capacity: 1.5 },
      { name: 'X' },
      { name: 'X', capacity: 1, size: 3 },
      { name: 'X', capacity: 1, image_url: 'javascript:alert(1)' },
    ]) {
      expect(await call('POST', '/api/v1/venues', body), JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { code: 'validation' },
      })
    }
  })

  it('is 404 when there is none, and 400 when the id is none', async () => {
    expect((await call('GET', '/api/v1/venues/999999')).body.code).toBe('not_found')
    expect((await call('PUT', '/api/v1/venues/999999', { capacity: 1 })).status).toBe(404)
    expect((await call('DELETE', '/api/v1/venues/999999')).status).toBe(404)
    expect((await call('GET', '/api/v1/venues/9007199254740993')).status).toBe(400)
  })
})

describe('the status of a venue', () => {
  it('is read from its closures at this instant: closed wins over maintenance, and a plan starts and ends by itself', async () => {
    const hall = await createSportVenue(call)
    const id = await createVenue(call, { sport_venue_id: hall })
    const plan = { start: '2026-03-02T09:00:00+08:00', end: '2026-03-02T12:00:00+08:00', reason: 'new floor' }
    await addClosure(world, { sport_venue_id: hall }, { kind: 'maintenance', ...plan })
    await addClosure(world, { venue_id: id }, { kind: 'closed', start: '2026-03-02T11:00:00+08:00', reason: 'flood' })
    const seen: unknown[] = []
    for (const at of ['08:59', '09:00', '11:00', '12:00']) {
      world.clock.set(new Date(`2026-03-02T${at}:00+08:00`))
      const { body } = await call('GET', `/api/v1/venues/${id}`)
      seen.push([body.status, body.status_reason, body.status_until])
    }
    world.clock.set(MONDAY)
    expect(seen).toEqual([
      ['open', null, null],
      ['maintenance', 'new floor', '2026-03-02T04:00:00.000Z'],
      ['closed', 'flood', null],
      ['closed', 'flood', null],
    ])
  })
})

describe('a status given with a venue', () => {
  it('closes it from now on when it is added, and opens it when it is changed', async () => {
    const id = await createVenue(call, { status: 'maintenance' })
    const status = async () => (await call('GET', `/api/v1/venues/${id}`)).body.status
    expect(await status()).toBe('maintenance')
    const slot = await createSlot(call, id, ['2026-03-20', '10:00', '11:00'])
    expect(slot.status).toBe('closed')
    expect((await call('PUT', `/api/v1/venues/${id}`, { status: 'open', capacity: 8 })).body).toMatchObject({
      status: 'open',
      capacity: 8,
    })
    expect((await call('GET', `/api/v1/venues/${id}/time-slots/${slot.id}`)).body.status).toBe('open')
  })
})

describe('the list of venues', () => {
  const names = (body: { items: { name: string }[] }) => body.items.map(({ name }) => name)

  it('filters by sport venue, type, location, text and status, sorts, and pages', async () => {
    const hall = await createSportVenue(call)
    const wet = await createVenue(call, {
      name: 'Lane',
      type: 'Swimming',
      location: 'East 100% wing',
      sport_venue_id: hall,
      capacity: 9,
    })
    await createVenue(call, {
      name: 'Table',
      type: 'Ping-pong',
      location: 'West wing',
      sport_venue_id: hall,
      capacity: 2,
    })
    await createVenue(call, {
      name: 'Wall',
      type: 'Climbing',
      location: 'West wing',
      sport_venue_id: hall,
      capacity: 5,
    })
    await addClosure(world, { venue_id: wet }, { kind: 'maintenance', start: '2026-03-01T00:00:00Z' })
    const list = async (query: string) =>
      (await call('GET', `/api/v1/venues?sport_venue_id=${hall}&${query}`, undefined, null)).body
    expect(names(await list(''))).toEqual(['Lane', 'Table', 'Wall'])
    expect(names(await list('type=swimming'))).toEqual(['Lane'])
    expect(names(await list('location=west'))).toEqual(['Table', 'Wall'])
    expect(names(await list('location=100%25'))).toEqual(['Lane'])
    expect(names(await list('location=%25'))).toEqual(['Lane'])
    expect(names(await list('q=climb'))).toEqual(['Wall'])
    expect(names(await list('status=maintenance'))).toEqual(['Lane'])
    expect(names(await list('status=open'))).toEqual(['Table', 'Wall'])
    expect(names(await list('sort=-capacity'))).toEqual(['Lane', 'Wall', 'Table'])
    expect(await list('sort=capacity&page=2&page_size=2')).toMatchObject({
      items: [{ name: 'Lane' }],
      total: 3,
      page: 2,
      page_size: 2,
      total_pages: 2,
    })
  })

  it('shows the average of the ratings that are not hidden, and filters and sorts by it', async () => {
    const hall = await createSportVenue(call)
    const good = await createVenue(call, { name: 'Good', sport_venue_id: hall })
    await createVenue(call, { name: 'New', sport_venue_id: hall })
    const poor = await createVenue(call, { name: 'Poor', sport_venue_id: hall })
    for (const [index, [venueId, score, hidden]] of [
      [good, 5, null],
      [good, 4, null],
      [good, 4, null],
      [good, 1, 'spam'],
      [poor, 2, null],
    ].entries()) {
      const slot = await createSlot(call, Number(venueId), ['2026-03-03', `1${index}:00`, `1${index}:30`])
      const reservation = await addReservation(world, slot.id, person, 'completed')
      await sql`INSERT INTO ratings (reservation_id, user_id, venue_id, score, hidden_reason, created_at, updated_at)
        VALUES (${reservation}, ${person.id}, ${venueId}, ${score}, ${hidden}, ${MONDAY}, ${MONDAY})`.execute(
        world.kernel.db,
      )
    }
    const list = async (query: string) => (await call('GET', `/api/v1/venues?sport_venue_id=${hall}&${query}`)).body
    expect((await list('sort=-rating')).items).toMatchObject([
      { name: 'Good', rating_average: 4.33, rating_count: 3 },
      { name: 'Poor', rating_average: 2, rating_count: 1 },
      { name: 'New', rating_average: null, rating_count: 0 },
    ])
    expect(names(await list('min_rating=4'))).toEqual(['Good'])
  })

  it('finds venues with a free place in a span of time', async () => {
    const hall = await createSportVenue(call)
    const [free, full, shut] = [
      await createVenue(call, { name: 'Free', sport_venue_id: hall }),
      await createVenue(call, { name: 'Full', sport_venue_id: hall, capacity: 1 }),
      await createVenue(call, { name: 'Shut', sport_venue_id: hall }),
    ]
    await addClosure(world, { venue_id: shut }, { kind: 'closed', start: '2026-03-04T00:00:00Z' })
    for (const id of [free, full, shut]) await createSlot(call, id, ['2026-03-05', '18:00', '19:00'])
    const slots = await call('GET', `/api/v1/venues/${full}/reservation-time-slots`)
    await addReservation(world, slots.body.items[0].id, person)
    const between = async (from: string, to: string) => {
      const span = `free_from=${encodeURIComponent(from)}&free_to=${encodeURIComponent(to)}`
      return names((await call('GET', `/api/v1/venues?sport_venue_id=${hall}&${span}`)).body)
    }
    expect(await between('2026-03-05T18:00', '2026-03-05T19:00')).toEqual(['Free'])
    expect(await between('2026-03-05T10:00:00Z', '2026-03-05T11:00:00Z')).toEqual(['Free'])
    expect(await between('2026-03-05T18:00', '2026-03-05T18:59')).toEqual([])
    expect(await between('2026-03-05T18:01', '2026-03-05T20:00')).toEqual([])
  })

  it('refuses a sort that it does not know', async () => {
    expect((await call('GET', '/api/v1/venues?sort=check_in_secret')).status).toBe(400)
  })
})

describe('deleting a venue', () => {
  it('takes its slots to come with it, and frees its name', async () => {
    const id = await createVenue(call, { name: 'Old court' })
    await createSlot(call, id, ['2026-03-03', '10:00', '11:00'])
    expect((await call('DELETE', `/api/admin/venues/${id}`)).status).toBe(204)
    expect((await call('GET', `/api/v1/venues/${id}`)).status).toBe(404)
    expect((await call('GET', `/api/v1/venues/${id}/reservation-time-slots`)).status).toBe(404)
    expect((await call('GET', `/api/v1/venues/${id}/calendar`)).status).toBe(404)
    const { rows } = await sql`SELECT FROM time_slots WHERE venue_id = ${id} AND deleted_at IS NULL`.execute(
      world.kernel.db,
    )
    expect(rows).toEqual([])
    await createVenue(call, { name: 'Old court' })
  })

  it('is refused while there are upcoming reservations, and says how many', async () => {
    const id = await createVenue(call)
    const slot = await createSlot(call, id, ['2026-03-03', '15:00', '16:00'])
    await addReservation(world, slot.id, person)
    expect(await call('DELETE', `/api/v1/venues/${id}`)).toMatchObject({
      status: 409,
      body: { code: 'in_use', reservations: 1 },
    })
    expect((await call('GET', `/api/v1/venues/${id}/reservation-time-slots`)).body.total).toBe(1)
  })

  it('displaces them by force', async () => {
    const id = await createVenue(call)
    const slot = await createSlot(call, id, ['2026-03-03', '16:00', '17:00'])
    const reservation = await addReservation(world, slot.id, person)
    expect((await call('DELETE', `/api/v1/venues/${id}?force=true`)).status).toBe(204)
    const { rows } = await sql`SELECT status FROM reservations WHERE id = ${reservation}`.execute(world.kernel.db)
    expect(rows).toEqual([{ status: 'displaced' }])
  })

  it('ends its waiting lists, and tells the people on them', async () => {
    const id = await createVenue(call)
    const slot = await createSlot(call, id, ['2026-03-03', '17:00', '18:00'])
    await sql`INSERT INTO venue_members (user_id, created_at) VALUES (${person.id}, ${MONDAY}) ON CONFLICT DO NOTHING`.execute(
      world.kernel.db,
    )
    await sql`INSERT INTO waiting_list (slot_id, user_id, party_size, state, offer_expires_at, created_at, updated_at)
      VALUES (${slot.id}, ${person.id}, 1, 'offered', '2026-03-02 12:00+08', ${MONDAY}, ${MONDAY})`.execute(
      world.kernel.db,
    )
    await sql`UPDATE time_slots SET held = 1 WHERE id = ${slot.id}`.execute(world.kernel.db)
    expect((await call('DELETE', `/api/v1/venues/${id}`)).status).toBe(204)
    const { rows } = await sql`
      SELECT w.state, s.held, (SELECT count(*) FROM outbox WHERE message ->> 'key' = 'waiting_list:' || w.id || ':closed') AS told
      FROM waiting_list w JOIN time_slots s ON s.id = w.slot_id WHERE s.id = ${slot.id}`.execute(world.kernel.db)
    expect(rows).toEqual([{ state: 'expired', held: 0, told: 1 }])
  })
})
