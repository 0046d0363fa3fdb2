import { readSheet } from 'read-excel-file/node'
import { afterAll, describe, expect, it } from 'vitest'
import { addSlot, addVenue } from '../../../../test/support/venue.ts'
import { openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const admin = await world.person('admin')
afterAll(() => world.close())

const lines = (body: string) =>
  body
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split('\r\n')
const get = (path: string, as = admin) => world.call('GET', path, { as })

describe('The export of reservations', () => {
  it('contains the rows that the filter matches, with the names of people and places', async () => {
    const venue = await addVenue(world, { capacity: 5 })
    const slot = await addSlot(world, venue, { hour: 10 })
    const people = [await world.person(), await world.person()]
    for (const as of people) await world.call('POST', '/api/v1/reservations', { as, payload: { time_slot_id: slot } })
    const path = `/api/admin/reservations/export?venue_id=${venue}&start_date=2026-03-03&end_date=2026-03-03`
    const { status, headers, body } = await get(path)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(headers['content-disposition']).toContain("filename*=UTF-8''%E9%A2%84%E7%BA%A6%E8%AE%B0%E5%BD%95.csv")
    const [names, ...rows] = lines(body)
    expect(names).toMatch(/^id,user_id,username,/)
    expect(rows).toHaveLength(2)
    expect(rows[0]).toContain('2026-03-03T10:00:00+08:00')
    expect(lines((await get(`${path}&status=cancelled`)).body)).toHaveLength(1)
    expect((await get(path, people[0])).status).toBe(403)
  })

  it('reads on batch by batch', async () => {
    const venue = await addVenue(world, { capacity: 1 })
    const { id } = await world.person()
    await world.rows(`INSERT INTO venue_members (user_id, created_at) VALUES (${id}, now())`)
    await world.rows(`
      WITH s AS (INSERT INTO time_slots (venue_id, start_at, end_at, capacity, created_at, updated_at)
        SELECT ${venue}, start, start + interval '1 hour', 1, start, start
        FROM generate_series(1, 2500) n, LATERAL (SELECT '2020-01-01T00:00:00Z'::timestamptz + n * interval '1 hour' AS start) x RETURNING *)
      INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader, points_paid, created_at, updated_at)
      SELECT ${id}, s.id, s.venue_id, s.start_at, s.end_at, 1, 'cancelled', false, 0, s.start_at, s.start_at FROM s`)
    const { body } = await get(`/api/admin/reservations/export?venue_id=${venue}`)
    const ids = lines(body)
      .slice(1)
      .map((line) => Number(line.split(',')[0]))
    expect(ids).toHaveLength(2500)
    expect(new Set(ids).size).toBe(2500)
  })
})

describe('The exports of the logs', () => {
  it('take the filters of the lists, both ways round', async () => {
    await world.rows(`
      INSERT INTO login_log (name, result, address, user_agent, at)
      SELECT 'n***', 'bad_credentials', '192.0.2.' || n % 2, '=HYPERLINK("x")', '2026-03-01T00:00:00Z'::timestamptz + n / 10 * interval '1 second'
      FROM generate_series(1, 2400) n`)
    for (const sort of ['at', '-at']) {
      const rows = lines((await get(`/api/v1/login-logs/export?address=192.0.2.1&sort=${sort}`)).body).slice(1)
      expect(rows).toHaveLength(1200)
      const list = (await get(`/api/v1/login-logs?address=192.0.2.1&sort=${sort}&page_size=100`)).body.items
      expect(rows.slice(0, 100).map((row) => Number(row.split(',')[0]))).toEqual(
        list.map(({ id }: { id: number }) => id),
      )
      expect(rows[0]).toContain(`"'=HYPERLINK(""x"")"`)
    }
  })

  it('are written down themselves, and come as a workbook too', async () => {
    await world.drain()
    const { status, headers } = await get('/api/v1/logs/export?action=login_log.export&format=xlsx')
    expect([status, headers['content-type']]).toEqual([
      200,
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    ])
    const answer = await world.app.inject({
      url: '/api/logs/export?action=login_log.export&format=xlsx',
      headers: { authorization: `Bearer ${admin.token}` },
    })
    const sheet = await readSheet(answer.rawPayload)
    expect(sheet[0]?.slice(0, 4)).toEqual(['id', 'at', 'actor_id', 'action'])
    expect(sheet.slice(1).map((row) => row[3])).toEqual(['login_log.export', 'login_log.export'])
    expect(lines((await get('/api/v1/logs/export?action=login_log.export')).body)).toHaveLength(3)
  })

  it('need a permission', async () => {
    const person = await world.person()
    for (const path of ['/api/v1/logs/export', '/api/v1/login-logs/export', '/api/admin/reservations/export']) {
      expect((await get(path, person)).status).toBe(403)
    }
  })
})
