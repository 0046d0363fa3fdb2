import { describe, expect, it } from 'vitest'
import {
  admin,
  count,
  logIn,
  openNewcomers,
  register,
  someone,
  typesOf,
  world,
} from '../../../test/support/newcomers.ts'
import { PASSWORD } from '../../../test/support/site.ts'
import { addSlot, addVenue } from '../../../test/support/venue.ts'
import type { Person } from '../../../test/support/world.ts'

openNewcomers()

describe('Giving up an account', () => {
  const leave = (as: Person, payload?: object) =>
    world.call('DELETE', '/api/v1/users/me', { as, ...(payload && { payload }) })
  const sweep = () => world.system.jobs.runNow('kernel.leavers')
  const statusOf = async (id: number) =>
    (await world.rows<{ status: string }>(`SELECT status FROM users WHERE id = ${id}`))[0]?.status

  it('ends all sessions, and after seven days deletes personal data and future bookings', async () => {
    const as = await someone({ email: `wanglei${count}@example.com` })
    const slot = await addSlot(world, await addVenue(world), { day: 20 })
    await world.call('POST', '/api/v1/reservations', { as, payload: { time_slot_id: slot } })
    await world.call('POST', '/api/v1/users/me/data-export', { as })
    await world.drain()
    const { status, body } = await leave(as, { password: PASSWORD })
    const expected = new Date(world.clock.now().getTime() + 7 * 86_400_000).toISOString()
    expect([status, body.leaves_at]).toEqual([202, expected])
    expect((await world.call('GET', '/api/v1/users/me', { as })).status).toBe(401)
    expect(await typesOf(as)).toContain('account.leaving')
    world.clock.advance(7 * 24 * 60 - 1)
    await sweep()
    expect(await statusOf(as.id)).toBe('active')
    world.clock.advance(1)
    await sweep()
    await sweep()
    expect(await statusOf(as.id)).toBe('deleted')
    expect(await world.rows(`SELECT email, leaves_at, avatar_file_id FROM users WHERE id = ${as.id}`)).toEqual([
      { email: null, leaves_at: null, avatar_file_id: null },
    ])
    expect(await world.rows(`SELECT status FROM reservations WHERE user_id = ${as.id}`)).toEqual([
      { status: 'cancelled' },
    ])
    expect(await world.rows(`SELECT id FROM files WHERE owner_id = ${as.id} AND in_use`)).toEqual([])
    await world.drain()
    expect(
      await world.rows(`SELECT actor_id FROM operation_log WHERE action = 'user.delete' AND resource_id = '${as.id}'`),
    ).toEqual([{ actor_id: null }])
    expect((await register()).status).toBe(201)
  })

  it('is undone by logging in before that', async () => {
    const as = await someone()
    await leave(as, { password: PASSWORD })
    world.clock.advance(6 * 24 * 60)
    expect((await logIn()).status).toBe(200)
    world.clock.advance(2 * 24 * 60)
    await sweep()
    expect(await statusOf(as.id)).toBe('active')
    expect(await typesOf(as)).toContain('account.stays')
  })

  it('requires the password, or a log-in within the last 10 minutes', async () => {
    const as = await someone()
    expect((await leave(as, { password: 'something else' })).body.code).toBe('bad_password')
    expect(await world.rows(`SELECT result FROM login_log WHERE user_id = ${as.id} ORDER BY id`)).toEqual([
      { result: 'success' },
      { result: 'bad_credentials' },
    ])
    world.clock.advance(10)
    expect(await leave(as)).toMatchObject({ status: 400, body: { code: 'password_required' } })
    const { as: again } = await logIn()
    expect((await leave(again)).status).toBe(202)
  })

  it('is refused for the last administrator', async () => {
    expect((await leave(admin)).body.code).toMatch(/password_required|last_administrator/)
    const [session] = await world.rows<{ id: string }>(`SELECT id FROM sessions WHERE user_id = ${admin.id}`)
    const now = world.clock.now().toISOString()
    await world.rows(`UPDATE sessions SET created_at = '${now}' WHERE id = '${session?.id}'`)
    expect(await leave(admin)).toMatchObject({ status: 409, body: { code: 'last_administrator' } })
  })
})

describe('The privacy policy and the terms', () => {
  const publish = (kind: string, as: Person = admin) =>
    world.call('POST', `/api/v1/legal/${kind}`, { as, payload: { title: '标题', body: '正文' } })

  it('are public, in the current version or an earlier one; versions only increase', async () => {
    expect(await world.call('GET', '/api/v1/legal/terms')).toMatchObject({
      status: 404,
      body: { code: 'not_published' },
    })
    expect((await publish('terms')).body).toMatchObject({ kind: 'terms', version: 1 })
    const both = await Promise.all([publish('terms'), publish('terms')])
    expect(both.map(({ body }) => body.version).sort()).toEqual([2, 3])
    expect((await world.call('GET', '/api/v1/legal/terms')).body.version).toBe(3)
    expect((await world.call('GET', '/api/legal/terms?version=1')).body.version).toBe(1)
    expect((await world.call('GET', '/api/v1/legal/terms?version=9')).status).toBe(404)
    expect((await world.call('GET', '/api/v1/legal/cookies')).status).toBe(400)
    expect((await publish('terms', await world.person())).status).toBe(403)
  })

  it('are accepted at registration, in their current version', async () => {
    await publish('privacy')
    const refused = await register({ accepted_terms: 2 })
    expect(refused).toMatchObject({
      status: 400,
      body: {
        code: 'consent_required',
        required: [
          { kind: 'privacy', version: 1 },
          { kind: 'terms', version: 3 },
        ],
      },
    })
    const as = await someone({ accepted_terms: 3, accepted_privacy: 1 })
    expect((await world.call('GET', '/api/v1/users/me', { as })).body.consent_required).toBe(false)
    const { body } = await world.call('GET', '/api/v1/users/me/consents', { as })
    expect(body.required).toEqual([])
    expect(body.items).toMatchObject([
      { kind: 'privacy', version: 1 },
      { kind: 'terms', version: 3 },
    ])
  })

  it('must be accepted again when they change', async () => {
    const as = await someone({ accepted_terms: 3, accepted_privacy: 1 })
    await publish('privacy')
    expect((await world.call('GET', '/api/v1/users/me', { as })).body.consent_required).toBe(true)
    const agree = (version: number) =>
      world.call('POST', '/api/v1/users/me/consents', { as, payload: { kind: 'privacy', version } })
    expect(await agree(1)).toMatchObject({ status: 400, body: { code: 'not_current', current_version: 2 } })
    expect((await agree(2)).body.required).toEqual([])
    expect((await agree(2)).status).toBe(200)
    expect((await world.call('GET', '/api/v1/users/me', { as })).body.consent_required).toBe(false)
    expect(await world.rows(`SELECT version FROM consents WHERE user_id = ${as.id} AND kind = 'privacy'`)).toHaveLength(
      2,
    )
  })
})
