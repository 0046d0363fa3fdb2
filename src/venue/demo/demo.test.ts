import { afterAll, describe, expect, it } from 'vitest'
import { openWorld } from '../../../test/support/world.ts'
import { fillDemo } from './service.ts'

const world = await openWorld()
await fillDemo(world.kernel)
afterAll(() => world.close())

describe('the demo', () => {
  it('leaves no differences for verify', async () => {
    expect(await world.verify()).toEqual([])
  })

  it('has a reservation in every state', async () => {
    const rows = await world.rows<{ status: string }>('SELECT DISTINCT status FROM reservations ORDER BY 1')
    expect(rows.map((row) => row.status)).toEqual([
      ...['cancelled', 'completed', 'confirmed', 'displaced', 'no_show', 'pending', 'rejected'],
    ])
  })

  it('has questions, feedback and a ticket to look at', async () => {
    const login = await world.call('POST', '/api/v1/users/login', {
      payload: { username: 'employee', password: 'yuyue-demo-2026' },
    })
    const mine = (path: string) => world.call('GET', path, { as: { id: 0, token: login.body.access_token } })
    expect((await mine('/api/v1/feedback')).body.items.map((one: { status: string }) => one.status).sort()).toEqual([
      ...['open', 'open', 'replied'],
    ])
    expect((await mine('/api/v1/support/tickets')).body.items[0]).toMatchObject({ status: 'waiting', replies: 1 })
    const found = await world.call('GET', `/api/v1/support/faqs?q=${encodeURIComponent('怎么取消')}`)
    expect(found.body.items[0].question).toBe('如何取消预约？')
  })

  it('has a working log-in for every role, and changes nothing when it runs again', async () => {
    const count = () => world.rows('SELECT count(*) FROM reservations')
    const before = await count()
    const logins = await fillDemo(world.kernel)
    expect(await count()).toEqual(before)
    expect(logins.map((login) => login.role)).toEqual([
      'admin',
      'venue:admin',
      'venue:leader',
      'venue:employee',
      'venue:visitor',
      'venue:support',
    ])
    for (const { username, password } of logins) {
      const answer = await world.call('POST', '/api/v1/users/login', { payload: { username, password } })
      expect([username, answer.status]).toEqual([username, 200])
    }
  })
})

describe('a database in use', () => {
  it('is refused: the passwords of the demo are public', async () => {
    await world.rows(`DELETE FROM settings WHERE key = 'venue.demo'`)
    await expect(fillDemo(world.kernel)).rejects.toThrow('the demo needs an empty one')
  })
})
