import { readSheet } from 'read-excel-file/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addSlot, addVenue } from '../../../../test/support/venue.ts'
import { openWorld, type Person, type World } from '../../../../test/support/world.ts'

let world: World
let admin: Person
let keeper: Person
let misser: Person
let idle: Person
let court: number
let pool: number
let treadmill: number

/**
 * Tuesday 3 March: in the court (two places) the one comes at ten for 45 minutes, the other misses it. On Wednesday
 * both have the pool at six in the evening, and the one cancels. A third never books.
 */
beforeAll(async () => {
  world = await openWorld()
  admin = await world.person('admin')
  keeper = await world.person()
  misser = await world.person('venue:leader')
  idle = await world.person()
  await world.rows(`UPDATE users SET department = '研发部' WHERE id IN (${keeper.id}, ${misser.id})`)
  const hall = await post('/api/v1/sport-venues', { name: '东区体育馆' })
  court = await addVenue(world, { capacity: 2, sportVenueId: hall })
  pool = await addVenue(world, { capacity: 4 })
  treadmill = await post(`/api/v1/venues/${court}/facilities`, { name: '跑步机', quantity: 2 })
  const [ten, six] = [
    await addSlot(world, court, { hour: 10 }),
    await addSlot(world, pool, { hour: 18, day: 2, hours: 2 }),
  ]
  await addSlot(world, court, { hour: 11 })
  const visit = await post('/api/v1/reservations', { time_slot_id: ten }, keeper)
  await post('/api/v1/reservations', { time_slot_id: ten }, misser)
  const swim = await post('/api/v1/reservations', { time_slot_id: six }, keeper)
  await post('/api/v1/reservations', { time_slot_id: six }, misser)
  await world.call('DELETE', `/api/v1/reservations/${swim}`, { as: keeper })

  world.clock.set(new Date('2026-03-03T10:00:00+08:00'))
  await post(`/api/v1/reservations/${visit}/check-in`, {}, keeper)
  const session = await post(`/api/v1/facilities/${treadmill}/use-sessions`, undefined, keeper)
  world.clock.advance(30)
  await world.call('PUT', `/api/v1/use-sessions/${session}/stop`, { as: keeper })
  await post(`/api/v1/facilities/${treadmill}/use-sessions`, undefined, keeper)
  world.clock.advance(15)
  await post(`/api/v1/reservations/${visit}/check-out`, undefined, keeper)
  await post(`/api/v1/reservations/${visit}/rating`, { score: 4, comment: '不错' }, keeper)
  const fault = await post(`/api/v1/facilities/${treadmill}/repair-reports`, { description: '异响' }, keeper)
  await post(`/api/v1/facilities/${treadmill}/repair-reports`, { description: '太旧' }, keeper)
  await world.call('PUT', `/api/v1/repair-reports/${fault}`, { as: admin, payload: { status: 'accepted' } })
  await world.system.jobs.runNow('venue.attendance')
})
afterAll(() => world.close())

async function post(path: string, payload: object | undefined, as = admin): Promise<number> {
  const { status, body } = await world.call('POST', path, { as, payload })
  if (status >= 300) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`)
  return body.id
}

const ask = async (question: string) => (await world.call('GET', `/api/v1/stats/${question}`, { as: admin })).body
const items = async (question: string) => (await ask(question)).items

describe('user-reservations', () => {
  it('counts all reservations by their outcome', async () => {
    const nothing = { rejected: 0, displaced: 0 }
    expect(await items('user-reservations')).toEqual([
      expect.objectContaining({
        ...nothing,
        user_id: keeper.id,
        department: '研发部',
        reservations: 2,
        completed: 1,
        cancelled: 1,
        open: 0,
        no_shows: 0,
      }),
      expect.objectContaining({
        ...nothing,
        user_id: misser.id,
        reservations: 2,
        completed: 0,
        cancelled: 0,
        open: 1,
        no_shows: 1,
        places: 2,
      }),
    ])
  })

  it('takes local days, both included, and groups by local days, weeks and months', async () => {
    expect(await items('user-reservations?group_by=day')).toEqual([
      expect.objectContaining({ period: '2026-03-03', reservations: 2 }),
      expect.objectContaining({ period: '2026-03-04', reservations: 2 }),
    ])
    expect(await items('user-reservations?group_by=week')).toEqual([expect.objectContaining({ period: '2026-03-02' })])
    expect(await items('user-reservations?group_by=month')).toEqual([expect.objectContaining({ period: '2026-03-01' })])
    const tuesday = 'start_date=2026-03-03&end_date=2026-03-03'
    expect(await items(`user-reservations?group_by=venue&${tuesday}`)).toEqual([
      expect.objectContaining({ venue_id: court, reservations: 2 }),
    ])
    expect(await items('user-reservations?end_date=2026-03-02')).toEqual([])
    expect(await items(`user-reservations?venue_id=${pool}&group_by=department`)).toEqual([
      expect.objectContaining({ department: '研发部', reservations: 2 }),
    ])
  })

  it('comes in pages that know how many groups there are, beyond the last, too', async () => {
    expect(await ask('user-reservations?page_size=1&page=2')).toMatchObject({
      items: [{ user_id: misser.id }],
      total: 2,
      total_pages: 2,
    })
    expect(await ask('user-reservations?page=9')).toMatchObject({ items: [], total: 2, page: 9 })
  })
})

describe('user-activity', () => {
  it('lists all people who may book; those at the threshold or above are active; cancelled reservations do not count', async () => {
    const people = await items('user-activity?threshold=2')
    expect(people.map((one: Record<string, unknown>) => [one.user_id, one.reservations, one.active])).toEqual([
      [misser.id, 2, true],
      [keeper.id, 1, false],
      [idle.id, 0, false],
    ])
    expect((await items('user-activity')).some(({ active }: { active: boolean }) => active)).toBe(false)
  })

  it('counts people by department', async () => {
    expect(await items('user-activity?threshold=2&group_by=department')).toEqual([
      { department: '研发部', users: 2, active_users: 1, inactive_users: 1, active_rate: 0.5, reservations: 3 },
      { department: null, users: 1, active_users: 0, inactive_users: 1, active_rate: 0, reservations: 0 },
    ])
  })

  it('counts the active people of each month among all who may book', async () => {
    const month = { period: '2026-03-01', users: 3, reservations: 3 }
    expect(await items('user-activity?threshold=2&group_by=month')).toEqual([
      { ...month, active_users: 1, inactive_users: 2, active_rate: 0.3333 },
    ])
    expect(await items('user-activity?threshold=1&group_by=month&start_date=2026-03-04')).toEqual([
      { ...month, reservations: 1, active_users: 1, inactive_users: 2, active_rate: 0.3333 },
    ])
    expect(await items('user-activity?group_by=month&end_date=2026-03-02')).toEqual([])
  })
})

describe('venue-usage', () => {
  it('is used place-minutes in offered ones', async () => {
    expect(await items('venue-usage')).toEqual([
      expect.objectContaining({
        venue_id: court,
        slots: 2,
        visits: 1,
        offered_place_minutes: 240,
        used_place_minutes: 60,
        actual_place_minutes: 45,
        usage_rate: 0.25,
      }),
      // One of four places for two hours that lie ahead.
      expect.objectContaining({
        venue_id: pool,
        slots: 1,
        visits: 0,
        offered_place_minutes: 480,
        used_place_minutes: 120,
        usage_rate: 0.25,
      }),
    ])
    expect((await items('venue-usage?group_by=day'))[0]).toMatchObject({
      period: '2026-03-03',
      usage_rate: 0.25,
      visits: 1,
    })
  })

  it('leaves out venues without slots', async () => {
    const range = 'start_date=2026-04-01'
    expect(await items(`venue-usage?${range}&venue_id=${pool}`)).toEqual([
      expect.objectContaining({ slots: 0, offered_place_minutes: 0, usage_rate: null }),
    ])
  })

  it('counts a closed slot only with the places that were used', async () => {
    const plan = { start_time: '2026-03-03T11:00:00+08:00', end_time: '2026-03-03T12:00:00+08:00' }
    const closure = await post(`/api/v1/venues/${court}/maintenance`, plan)
    expect((await items(`venue-usage?venue_id=${court}`))[0]).toMatchObject({
      offered_place_minutes: 120,
      usage_rate: 0.5,
    })
    await world.call('DELETE', `/api/v1/maintenance/${closure}`, { as: admin })
    expect((await items(`venue-usage?venue_id=${court}`))[0]).toMatchObject({ offered_place_minutes: 240 })
  })
})

describe('the others', () => {
  it('venue-feedback counts ratings that are not hidden', async () => {
    const shown = { venue_id: court, ratings: 1, average: 4, score_4: 1, score_5: 0, satisfaction_rate: 1, comments: 1 }
    expect(await items('venue-feedback')).toEqual([expect.objectContaining(shown)])
    expect(await items('venue-feedback?group_by=department')).toEqual([
      expect.objectContaining({ department: '研发部', ratings: 1, average: 4 }),
    ])
    await world.call('PUT', '/api/v1/ratings/1/hide', { as: admin, payload: { reason: '广告' } })
    expect(await items('venue-feedback')).toEqual([])
    await world.call('PUT', '/api/v1/ratings/1/unhide', { as: admin })
  })

  it('facility-usage has uses, minutes up to now, and accepted faults for each use', async () => {
    expect(await items('facility-usage')).toEqual([
      expect.objectContaining({
        facility_id: treadmill,
        venue_id: court,
        uses: 2,
        minutes: 45,
        reports: 2,
        failures: 1,
        failure_rate: 0.5,
      }),
    ])
    expect((await items('facility-usage?group_by=day'))[0]).toMatchObject({ period: '2026-03-03', uses: 2 })
    expect(await items('facility-usage?group_by=department')).toEqual([
      expect.objectContaining({ department: '研发部', uses: 2, minutes: 45, reports: 2, failures: 1 }),
    ])
    expect(await items('facility-usage?group_by=sport_venue')).toEqual([
      expect.objectContaining({ sport_venue_name: '东区体育馆', uses: 2 }),
    ])
  })

  it('popular-hours counts reservations that were not cancelled, by local weekday and hour', async () => {
    expect(await items('popular-hours')).toEqual([
      { weekday: 2, hour: 10, reservations: 2, places: 2 },
      { weekday: 3, hour: 18, reservations: 1, places: 1 },
    ])
  })

  it('no-show-rate is of appointments whose outcome is known', async () => {
    expect(await items('no-show-rate')).toEqual([
      expect.objectContaining({ venue_id: court, due: 2, no_shows: 1, no_show_rate: 0.5 }),
    ])
    expect((await items('no-show-rate?group_by=user')).map((one: Record<string, unknown>) => one.no_show_rate)).toEqual(
      [1, 0],
    )
  })
})

describe('every statistic', () => {
  const paths = [
    'user-reservations',
    'user-activity',
    'venue-usage',
    'venue-feedback',
    'facility-usage',
    'popular-hours',
    'no-show-rate',
  ]

  it.each(paths)('%s comes as CSV and as a workbook, with the same groups', async (path) => {
    const groups = await items(path)
    const csv: string = await ask(`${path}?format=csv`)
    const [names, ...lines] = csv
      .replace(/^\uFEFF/, '')
      .trimEnd()
      .split('\r\n')
    expect(lines).toHaveLength(groups.length)
    expect(names?.split(',').sort()).toEqual(Object.keys(groups[0]).sort())
    const answer = await world.app.inject({
      url: `/api/stats/${path}?format=xlsx`,
      headers: { authorization: `Bearer ${admin.token}` },
    })
    const [header, ...rows] = await readSheet(answer.rawPayload)
    expect(header?.join(',')).toBe(names)
    expect(rows).toHaveLength(groups.length)
  })

  it.each(paths)('%s refuses an unknown grouping', async (path) => {
    const grouped = (by: string) => world.call('GET', `/api/v1/stats/${path}?group_by=${by}`, { as: admin })
    expect((await grouped('colour')).body.errors[0].path).toBe('/group_by')
    const inapplicable = { 'popular-hours': 'venue', 'venue-usage': 'department', 'user-activity': 'venue' }[path]
    if (inapplicable) expect((await grouped(inapplicable)).status).toBe(400)
    const { group_by: usual } = await ask(path)
    expect((await grouped(usual)).status).toBe(200)
  })

  it.each(paths)('%s is for administrators, and refuses a range that ends before it starts', async (path) => {
    expect((await world.call('GET', `/api/v1/stats/${path}`, { as: keeper })).status).toBe(403)
    const { status, body } = await world.call('GET', `/api/stats/${path}?start_date=2026-03-02&end_date=2026-03-01`, {
      as: admin,
    })
    expect([status, body.code, body.errors[0].path]).toEqual([400, 'validation', '/end_date'])
  })
})
