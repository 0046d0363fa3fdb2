import { afterAll, expect, it } from 'vitest'
import { patient } from '../../../../test/support/clinic.ts'
import { openWorld } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())
const person = await patient(world)

const DAY_MS = 86_400_000
const look = (browser = 'a') =>
  world.call('GET', '/statistics/users', { as: person, headers: { 'user-agent': browser } })
const visits = async (query = '') => (await world.call('GET', `/statistics/visits${query}`, { as: person })).body

it('counts answered reads as page views, and clients once a day', async () => {
  for (const browser of ['a', 'a', 'b']) await look(browser)
  await world.call('GET', '/statistics/nothing', { as: person })
  await world.call('POST', '/patient/appointments', { as: person, payload: {} })
  expect(await visits()).toEqual({
    code: 0,
    message: { total_visits: 3, total_visitors: 2, growth_percent: 100, compare_days: 7 },
  })
})

it('compares the last days, today included, with as many before', async () => {
  world.clock.set(new Date(world.clock.now().getTime() + DAY_MS))
  // Yesterday: three page views and the statistic itself.
  for (const browser of ['a', 'b']) await look(browser)
  expect((await visits('?compare_days=1')).message).toMatchObject({ total_visits: 2, growth_percent: -50 })
  expect((await visits('?compare_days=2')).message).toMatchObject({ total_visits: 7, growth_percent: 100 })
})

it.each(['0', '366', 'x', ''])('refuses to compare %s days', async (days) => {
  expect(await visits(`?compare_days=${days}`)).toMatchObject({ code: 99 })
})

it('keeps no address and no browser', async () => {
  const rows = await world.rows('SELECT client FROM clinic_visitor')
  expect(JSON.stringify(rows)).not.toMatch(/127\.0\.0\.1|"a"/)
})

it('keeps the days that can be asked for, and deletes older ones', async () => {
  await world.rows(`INSERT INTO clinic_visitor (day, client, views)
    SELECT (timestamp '${world.clock.now().toISOString().slice(0, 10)}')::date - n, 'old', 1 FROM generate_series(729, 731) n`)
  await world.system.jobs.runNow('clinic.visitors-sweep')
  const rows = await world.rows<{ day: string }>(`SELECT day::text FROM clinic_visitor WHERE client = 'old'`)
  expect(rows).toHaveLength(1)
  expect((await visits('?compare_days=365')).message.growth_percent).toBeGreaterThan(100)
})

it('is for people with an account', async () => {
  expect((await world.call('GET', '/statistics/visits')).status).toBe(401)
})

it('loses nothing at an orderly stop', async () => {
  const stored = async () => {
    const [row] = await world.rows<{ views: number }>('SELECT sum(views)::int AS views FROM clinic_visitor')
    return Number(row?.views)
  }
  const before = await stored()
  for (const browser of ['c', 'c', 'd']) await look(browser)
  expect(await stored()).toBe(before)
  await world.system.stop()
  // The three views, the refusals above, and the statistics that were read after their own flush.
  expect(await stored()).toBeGreaterThanOrEqual(before + 3)
})
