import { afterAll, describe, expect, it } from 'vitest'
import { openCrm } from '../../../../test/support/crm.ts'

const world = await openCrm()
afterAll(() => world.close())
const PASSWORD = 'violet-harbour-42'
const USERS = '/api/v1/system-users'
let count = 0

async function user(role = 'marketing') {
  count += 1
  const payload = {
    username: `user${count}`,
    email: `user${count}@hotel.com`,
    password: PASSWORD,
    full_name: '王經理',
    role,
  }
  const { body } = await world.call('POST', USERS, { as: world.admin, payload })
  return { id: body.data.id, username: payload.username, email: payload.email }
}
const logIn = (username: string, password = PASSWORD) =>
  world.call('POST', '/api/v1/auth/login', { payload: { username, password } })

describe('Logging in', () => {
  it('answers in the envelope, by user name or e-mail address', async () => {
    const { id, username, email } = await user()
    const { status, body, headers } = await logIn(username)
    expect([status, headers['cache-control']]).toEqual([200, 'no-store'])
    expect(body).toMatchObject({
      code: 200,
      message: 'success',
      data: { token_type: 'Bearer', expires_in: 3600, user: { id, username, full_name: '王經理', role: 'marketing' } },
    })
    expect((await logIn(email)).body.data.user.id).toBe(id)
    const me = await world.call('GET', '/api/v1/auth/me', { as: body.data.access_token })
    expect(me.body.data).toMatchObject({ id, username, email, role: 'marketing', last_login_at: expect.any(String) })
  })

  it('answers a form without the envelope', async () => {
    const { username } = await user()
    const form = { username, password: PASSWORD, grant_type: 'password' }
    const { body } = await world.call('POST', '/api/v1/auth/login', { form })
    expect(body).toEqual({ access_token: expect.any(String), token_type: 'bearer', expires_in: 3600 })
  })

  it('refuses a wrong password, and people without a role of the CRM, in the same way', async () => {
    const { id, username } = await user()
    const wrong = await logIn(username, 'wrong-harbour-42')
    expect(wrong).toMatchObject({ status: 401, body: { code: 401, reason: 'bad_credentials' } })
    await world.rows(`UPDATE user_roles SET role = 'crm:guest' WHERE user_id = ${id}`)
    const guest = await logIn(username)
    expect({ ...guest.body, timestamp: '' }).toEqual({ ...wrong.body, timestamp: '' })
    expect(await world.rows(`SELECT 1 FROM sessions WHERE user_id = ${id} AND revoked_at IS NULL`)).toEqual([])
  })

  it('goes on with a new token, once for each, and not for ever', async () => {
    const { username } = await user()
    const token = (await logIn(username)).body.data.access_token
    const refresh = (as: string) => world.call('POST', '/api/v1/auth/refresh', { as })
    const both = await Promise.all([refresh(token), refresh(token)])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401])
    const { access_token: next, user: shown } = both.find(({ status }) => status === 200)?.body.data ?? {}
    expect(shown.username).toBe(username)
    expect((await world.call('GET', '/api/v1/auth/me', { as: token })).status).toBe(401)
    expect((await world.call('GET', '/api/v1/auth/me', { as: next })).status).toBe(200)
    await world.rows(`UPDATE sessions SET created_at = created_at - interval '1 year' WHERE revoked_at IS NULL`)
    expect((await refresh(next)).status).toBe(401)
  })

  it('is no proof of ownership when it was refreshed', async () => {
    const { username } = await user()
    const token = (await logIn(username)).body.data.access_token
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 11 * 60_000))
    const next = (await world.call('POST', '/api/v1/auth/refresh', { as: token })).body.data.access_token
    const stolen = await world.call('PUT', '/api/v1/users/me', { as: next, payload: { email: 'thief@example.com' } })
    expect(stolen.body.code).toBe('password_required')
    world.clock.set(before)
  })
})

describe('System users', () => {
  it('are listed with their roles', async () => {
    const { id, username } = await user('customer_service')
    const list = async (query: string) => (await world.call('GET', `${USERS}?${query}`, { as: world.admin })).body.data
    expect(await list(`search=${username}`)).toMatchObject({
      total: 1,
      items: [{ id, role: 'customer_service', is_active: true }],
    })
    const roles = (await list('role=customer_service&page_size=100')).items.map(({ role }: { role: string }) => role)
    expect(new Set(roles)).toEqual(new Set(['customer_service']))
    expect((await list(`search=${username}&is_active=false`)).total).toBe(0)
  })

  it('lose what they could do at once when their role changes or they are disabled', async () => {
    const { id, username } = await user()
    const token = (await logIn(username)).body.data.access_token
    const change = (payload: object) => world.call('PUT', `${USERS}/${id}`, { as: world.admin, payload })
    expect((await world.call('GET', '/api/v1/templates', { as: token })).status).toBe(200)
    expect((await change({ role: 'customer_service' })).body.data.role).toBe('customer_service')
    expect(await world.call('GET', '/api/v1/templates', { as: token })).toMatchObject({
      status: 403,
      body: { code: 403 },
    })
    await change({ is_active: false })
    expect((await world.call('GET', '/api/v1/auth/me', { as: token })).status).toBe(401)
    expect((await logIn(username)).status).toBe(401)
    expect((await change({ is_active: true, full_name: '李' })).body.data).toMatchObject({
      is_active: true,
      full_name: '李',
    })
  })

  it('are removed, or only lose the CRM if they belong to another part too', async () => {
    const [one, two] = [await user(), await user()]
    await world.rows(`INSERT INTO user_roles (user_id, role, granted_at) VALUES (${two.id}, 'venue:employee', now())`)
    for (const { id } of [one, two])
      expect((await world.call('DELETE', `${USERS}/${id}`, { as: world.admin })).status).toBe(200)
    expect(await world.rows(`SELECT id, status FROM users WHERE id IN (${one.id}, ${two.id}) ORDER BY id`)).toEqual([
      { id: one.id, status: 'deleted' },
      { id: two.id, status: 'active' },
    ])
    expect((await world.call('DELETE', `${USERS}/${one.id}`, { as: world.admin })).status).toBe(404)
  })

  it('keep administrators from locking themselves out', async () => {
    const path = `${USERS}/${world.admin.id}`
    for (const payload of [{ role: 'marketing' }, { is_active: false }])
      expect((await world.call('PUT', path, { as: world.admin, payload })).body.reason).toBe('own_account')
    expect((await world.call('DELETE', path, { as: world.admin })).body.reason).toBe('own_account')
  })

  it('are not for others, and their fields are checked', async () => {
    for (const as of [world.marketing, world.service, await world.person()])
      expect((await world.call('GET', USERS, { as })).status).toBe(403)
    const payload = { username: 'weak', email: 'weak@hotel.com', password: 'password', role: 'marketing' }
    const weak = await world.call('POST', USERS, { as: world.admin, payload })
    expect(weak.body.errors).toMatchObject([{ field: 'password' }])
    const { email } = await user()
    const taken = await world.call('POST', USERS, {
      as: world.admin,
      payload: { ...payload, password: PASSWORD, email },
    })
    expect(taken).toMatchObject({ status: 409, body: { reason: 'email_taken' } })
  })
})

describe('The LINE channel', () => {
  it('is set encrypted, overrides the environment, and shows only its ends', async () => {
    const path = '/api/v1/settings/line'
    const as = world.admin
    expect((await world.call('GET', path, { as })).body.data).toMatchObject({ source: 'environment' })
    expect((await world.call('POST', `${path}/test`, { as })).body.data).toMatchObject({
      ok: true,
      account: { name: '力麗飯店' },
      quota: { limit: null, used: 0 },
    })
    const payload = { channel_access_token: 'another-token-1234', channel_secret: 'another-secret-9876' }
    expect((await world.call('PUT', path, { as, payload })).body.data).toMatchObject({
      source: 'settings',
      channel_access_token: '****1234',
      channel_secret: '****9876',
    })
    const [{ value }] = (await world.rows<{ value: object }>(`SELECT value FROM settings WHERE key = 'crm.line'`)) as [
      { value: object },
    ]
    expect(JSON.stringify(value)).not.toContain('another')
    expect((await world.call('POST', `${path}/test`, { as })).body.data).toMatchObject({
      ok: false,
      fault: 'LINE refuses the channel access token.',
    })
    await world.call('DELETE', path, { as })
    expect((await world.call('GET', path, { as })).body.data.source).toBe('environment')
    expect((await world.call('GET', path, { as: world.marketing })).status).toBe(403)
  })
})
