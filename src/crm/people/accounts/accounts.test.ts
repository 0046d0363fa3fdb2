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
    expect(await world.rows(`SELECT 1 FROM sessions WHERE user_id = ${id}`)).toEqual([])
    expect(await world.rows(`SELECT result FROM login_log WHERE user_id = ${id} ORDER BY id`)).toEqual([
      { result: 'bad_credentials' },
      { result: 'bad_credentials' },
    ])
  })

  it('goes on with a new token, once for each, and not for ever', async () => {
    const { id, username } = await user()
    const token = (await logIn(username)).body.data.access_token
    const refresh = (as: string) => world.call('POST', '/api/v1/auth/refresh', { as })
    const both = await Promise.all([refresh(token), refresh(token)])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401])
    const { access_token: next, user: shown } = both.find(({ status }) => status === 200)?.body.data ?? {}
    expect(shown.username).toBe(username)
    expect((await world.call('GET', '/api/v1/auth/me', { as: token })).status).toBe(401)
    expect((await world.call('GET', '/api/v1/auth/me', { as: next })).status).toBe(200)
    await world.rows(`UPDATE sessions SET created_at = created_at - interval '1 year' WHERE user_id = ${id}`)
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

describe('People without a role of the CRM', () => {
  it('can’t refresh here, nor read an account', async () => {
    const as = await world.person()
    for (const [method, path] of [
      ['POST', '/api/v1/auth/refresh'],
      ['GET', '/api/v1/auth/me'],
    ] as const)
      expect(await world.call(method, path, { as })).toMatchObject({ status: 403, body: { reason: 'no_crm_role' } })
    for (const path of ['/api/v1/auth/refresh', '/api/v1/auth/me'])
      expect((await world.call(path.endsWith('me') ? 'GET' : 'POST', path)).status).toBe(401)
  })
})

describe('A stolen token', () => {
  const minutes = 60_000
  const stale = async () => {
    const { id, username } = await user('admin')
    const token = (await logIn(username)).body.data.access_token
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 10 * minutes))
    return { id, token, back: () => world.clock.set(before) }
  }
  const added = { username: 'thief', email: 'thief@example.com', password: PASSWORD, role: 'admin' }

  it('of more than ten minutes makes no account, and changes no address or role', async () => {
    const victim = await user()
    const { id, token: as, back } = await stale()
    const tries = [
      ['POST', USERS, added],
      ['PUT', `${USERS}/${victim.id}`, { email: added.email }],
      ['PUT', `${USERS}/${victim.id}`, { role: 'admin' }],
      ['PUT', `${USERS}/${id}`, { email: added.email }],
    ] as const
    for (const [method, path, payload] of tries) {
      const plain = await world.call(method, path, { as, payload })
      expect(plain).toMatchObject({ status: 400, body: { reason: 'password_required' } })
      const guessed = await world.call(method, path, { as, payload: { ...payload, current_password: 'a guess' } })
      expect(guessed).toMatchObject({ status: 400, body: { reason: 'bad_password' } })
    }
    expect(await world.rows(`SELECT 1 FROM users WHERE username = 'thief' OR email = '${added.email}'`)).toEqual([])
    const name = await world.call('PUT', `${USERS}/${victim.id}`, { as, payload: { full_name: '新名' } })
    expect(name.body.data).toMatchObject({ full_name: '新名', role: 'marketing', email: victim.email })
    back()
  })

  it('does it with the password, or soon after the log-in', async () => {
    const victim = await user()
    const { token: as, back } = await stale()
    const payload = { email: `new-${victim.email}`, current_password: PASSWORD }
    const changed = await world.call('PUT', `${USERS}/${victim.id}`, { as, payload })
    expect(changed.body.data.email).toBe(payload.email)
    back()
    const fresh = await world.call('PUT', `${USERS}/${victim.id}`, { as, payload: { email: victim.email } })
    expect(fresh.body.data.email).toBe(victim.email)
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
    expect(weak).toMatchObject({ status: 422, body: { code: 422, errors: [{ field: 'password' }] } })
    const { email } = await user()
    const taken = await world.call('POST', USERS, {
      as: world.admin,
      payload: { ...payload, password: PASSWORD, email },
    })
    expect(taken).toMatchObject({ status: 409, body: { reason: 'email_taken', errors: [{ field: 'email' }] } })
    const { id, username } = await user()
    const change = await world.call('PUT', `${USERS}/${id}`, { as: world.admin, payload: { email } })
    expect(change.body.errors).toMatchObject([{ field: 'email' }])
    const again = await world.call('POST', USERS, {
      as: world.admin,
      payload: { ...payload, username, password: PASSWORD, email: 'other@hotel.com' },
    })
    expect(again).toMatchObject({ status: 409, body: { errors: [{ field: 'username' }] } })
    for (const path of [`${USERS}/999999`, `${USERS}/9007199254740991`])
      for (const method of ['GET', 'DELETE'] as const)
        expect((await world.call(method, path, { as: world.admin })).status).toBe(404)
  })

  it('who administer the whole house are not changed from here', async () => {
    const house = await world.person('admin')
    const path = `${USERS}/${house.id}`
    expect((await world.call('GET', path, { as: world.admin })).body.data.role).toBe('admin')
    for (const [method, payload] of [
      ['PUT', { role: 'marketing' }],
      ['DELETE', undefined],
    ] as const)
      expect((await world.call(method, path, { as: await world.person('admin'), payload })).body.reason).toBe(
        'house_administrator',
      )
    for (const payload of [{ is_active: false }, { full_name: '王' }])
      expect((await world.call('PUT', path, { as: world.admin, payload })).body.reason).toBe('beyond_own_rights')
    expect((await world.call('POST', `${path}/password-reset`, { as: world.admin })).status).toBe(403)
  })

  it('are removed once, and their changes are in the log without secrets', async () => {
    const { id, email } = await user()
    const remove = () => world.call('DELETE', `${USERS}/${id}`, { as: world.admin })
    await world.call('PUT', `${USERS}/${id}`, { as: world.admin, payload: { email: `new-${email}`, full_name: '李' } })
    const both = await Promise.all([remove(), remove()])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 404])
    await world.drain()
    const log = await world.rows<{ action: string; changes: object }>(
      `SELECT action, changes FROM operation_log WHERE resource = 'user' AND resource_id = '${id}' ORDER BY id`,
    )
    expect(log.map(({ action }) => action)).toEqual(['user.add', 'user.update', 'user.delete'])
    expect(JSON.stringify(log)).not.toContain(PASSWORD)
    expect(JSON.stringify(log[1])).not.toContain(`new-${email}`)
  })

  it('get a code for a new password at their own address', async () => {
    const { id } = await user()
    const path = `${USERS}/${id}/password-reset`
    expect((await world.call('POST', path, { as: world.admin })).body.message).toBe('Password reset code sent')
    expect(await world.rows(`SELECT subject FROM password_resets WHERE subject = 'user:${id}'`)).toHaveLength(1)
    expect((await world.call('POST', path, { as: world.marketing })).status).toBe(403)
    const guest = await world.person()
    expect((await world.call('POST', `${USERS}/${guest.id}/password-reset`, { as: world.admin })).status).toBe(404)
  })
})

it('The stored figures are right', async () => {
  expect(await world.verify()).toEqual([])
})
