import { afterAll, describe, expect, it } from 'vitest'
import { openWorld } from '../../../test/support/world.ts'
import { fillDemo } from './service.ts'

const world = await openWorld()
await fillDemo(world.kernel)
afterAll(() => world.close())

/** Logs in a user of the demo; the returned function calls as this user. */
async function as(username: string) {
  const { body } = await world.call('POST', '/login', { payload: { username, password: 'yuyue-demo-2026' } })
  const person = { id: 0, token: String(body.token) }
  return async (path: string) => (await world.call('GET', path, { as: person })).body
}

describe('the demo', () => {
  it('creates data about which verify reports nothing', async () => {
    expect(await world.verify()).toEqual([])
  })

  it('has bookings in every state, among them one that was rejected because nobody decided in time', async () => {
    const get = await as('room-admin')
    const counts = []
    for (const status of ['0', '1', '2', '3', '4', '5']) {
      counts.push((await get(`/manage/facility/booking/list?status=${status}`)).total)
    }
    expect(counts).toEqual([
      expect.any(Number),
      expect.any(Number),
      expect.any(Number),
      expect.any(Number),
      1,
      expect.any(Number),
    ])
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(await world.rows(`SELECT FROM tb_facility_booking WHERE reject_reason = '超时未审核'`)).toHaveLength(1)
  })

  it('has pending bookings, fewer for the student worker than for the administrator, and an active and a proposed ban', async () => {
    const waits = async (name: string) => (await (await as(name))('/manage/facility/booking/audit/list')).total
    expect(await waits('room-admin')).toBeGreaterThan(await waits('worker'))
    expect(await waits('worker')).toBe(2)
    const bans = await (await as('room-admin'))('/manage/facility/ban/list')
    expect(bans.rows.map((ban: { status: string }) => ban.status).sort()).toEqual(['0', '2'])
  })

  it('has rooms, bookings and notices for the student', async () => {
    const get = await as('student')
    expect((await get('/portal/facility/room/list')).total).toBeGreaterThanOrEqual(11)
    expect((await get('/portal/facility/booking/my/list')).total).toBeGreaterThan(10)
    expect((await get('/portal/facility/notice/unread-count')).data.unread).toBeGreaterThan(10)
  })

  it('has working log-ins for every role, and adds no bookings when it runs again', async () => {
    const count = () => world.rows('SELECT count(*) FROM tb_facility_booking')
    const before = await count()
    const logins = await fillDemo(world.kernel)
    expect(await count()).toEqual(before)
    expect(logins.map(({ role }) => role)).toEqual(['admin', 'room:admin', 'room:student_worker', 'room:user'])
    for (const { username } of logins) expect((await (await as(username))('/getInfo')).code).toBe(200)
  })
})

describe('the demos of several products', () => {
  it('fill one database, and share the administrator', async () => {
    const shared = await openWorld()
    for (const part of shared.system.parts) await part.demo?.(shared.kernel)
    expect(await shared.rows(`SELECT FROM users WHERE username = 'admin'`)).toHaveLength(1)
    expect(await shared.verify()).toEqual([])
    await shared.close()
  }, 60_000)

  it('refuse a database that is in use, because their passwords are public', async () => {
    const used = await openWorld()
    await used.person('room:user')
    await expect(fillDemo(used.kernel)).rejects.toThrow('the demo needs an empty one')
    await used.close()
  })
})
