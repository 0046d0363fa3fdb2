import { sql } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { logIn, PASSWORD, register, setUpAdministrator } from '../../../test/support/site.ts'
import { openWorld, SATURDAY } from '../../../test/support/world.ts'

/** A role that may see accounts but not change them. */
const readerRole = { name: 'test:reader', title: 'Reader', permissions: ['site:users.read'] }

const world = await openWorld({ PRODUCTS: 'venue' }, { now: SATURDAY })
Object.assign(world.kernel, {
  roles: [...world.kernel.roles.filter(({ name }) => /^(admin$|venue:)/.test(name)), readerRole],
})
const admin = await setUpAdministrator(world)
afterAll(() => world.close())

const me = (token: string) => world.call('GET', '/api/v1/users/me', { as: token })

describe('administrators', () => {
  const as = (token: string) => ({
    get: (path: string) => world.call('GET', path, { as: token }),
    put: (path: string, body: unknown) => world.call('PUT', path, { as: token, payload: body }),
    delete: (path: string) => world.call('DELETE', path, { as: token }),
  })

  test('only can see and change other people, at all three paths', async () => {
    const { id, token } = await register(world, 'ordinary')
    for (const path of [`/api/v1/users/${id}`, `/api/users/${id}`, `/api/admin/users/${id}`]) {
      expect((await as(token).get(path)).status).toBe(403)
      expect((await as(token).put(path, { display_name: 'x' })).status).toBe(403)
      expect((await as(token).delete(path)).status).toBe(403)
      expect((await as(admin.token).get(path)).body.username).toBe('ordinary')
      expect((await as(admin.token).put(path, { department: '研发部' })).body.department).toBe('研发部')
    }
    for (const path of [
      '/api/admin/users',
      '/api/v1/roles',
      `/api/v1/users/${id}/roles`,
      `/api/v1/logs/user/${id}`,
      '/api/v1/login-logs',
    ]) {
      expect([path, (await as(token).get(path)).status]).toEqual([path, 403])
      expect([path, (await world.call('GET', path)).status]).toEqual([path, 401])
      expect([path, (await as(admin.token).get(path)).status]).toEqual([path, 200])
    }
    expect((await as(admin.token).get('/api/v1/users/999999999')).status).toBe(404)
  })

  test('find people by a part of their name, role and status, page by page', async () => {
    for (const name of ['find_b', 'find_a', 'findc']) await register(world, name)
    const found = async (query: string) => {
      const { body } = await as(admin.token).get(`/api/admin/users?${query}`)
      return [body.total, body.items.map((item: { username: string }) => item.username)]
    }
    expect(await found('q=find_&sort=username')).toEqual([2, ['find_a', 'find_b']])
    expect(await found('q=FIND&sort=-username&page=2&page_size=1')).toEqual([3, ['find_b']])
    expect(await found('role=admin')).toEqual([1, ['root']])
    expect(await found('q=find&status=disabled')).toEqual([0, []])
    expect((await as(admin.token).get('/api/admin/users?sort=password_hash')).status).toBe(400)
    expect((await as(admin.token).get('/api/admin/users?page_size=101')).status).toBe(400)
  })

  test('see contact data masked unless they may change accounts', async () => {
    const { id, token } = await register(world, 'contact')
    await as(token).put('/api/v1/users/me', { email: 'contact@example.com', phone: '13500135000' })
    const show = async (reader: string) => (await as(reader).get(`/api/v1/users/${id}`)).body
    expect(await show(admin.token)).toMatchObject({ email: 'contact@example.com', phone: '+8613500135000' })
    const reader = await register(world, 'reader')
    await as(admin.token).put(`/api/v1/users/${reader.id}/roles`, { roles: ['test:reader'] })
    expect(await show(reader.token)).toMatchObject({ email: 'c***@example.com', phone: '+86*******5000' })
    const { body } = await as(reader.token).get('/api/admin/users?q=contact')
    expect(body.items).toMatchObject([{ email: 'c***@example.com', phone: '+86*******5000' }])
  })

  test('disable an account: its tokens are refused at once, and a new log-in is needed after enabling', async () => {
    const { id, token } = await register(world, 'disabled')
    expect((await me(token)).status).toBe(200)
    await as(admin.token).put(`/api/v1/users/${id}`, { status: 'disabled' })
    expect((await me(token)).status).toBe(401)
    await as(admin.token).put(`/api/v1/users/${id}`, { status: 'active' })
    expect((await me(token)).status).toBe(401)
    expect((await logIn(world, 'disabled')).status).toBe(200)
  })

  test('grant roles that apply from the next request on, and no unknown ones', async () => {
    const { id, token } = await register(world, 'promoted')
    expect((await as(token).get('/api/admin/users')).status).toBe(403)
    const granted = await as(admin.token).put(`/api/v1/users/${id}/roles`, {
      roles: ['venue:leader', 'venue:admin', 'venue:leader'],
    })
    expect(granted.body).toEqual({ user_id: id, roles: ['venue:admin', 'venue:leader'] })
    expect((await as(token).get('/api/admin/users')).status).toBe(200)
    const unknown = await as(admin.token).put(`/api/v1/users/${id}/roles`, { roles: ['venue:king'] })
    expect([unknown.status, unknown.body.code]).toEqual([400, 'unknown_role'])
    await as(admin.token).put(`/api/v1/users/${id}/roles`, { roles: [] })
    expect((await as(token).get('/api/admin/users')).status).toBe(403)
    const { body } = await as(admin.token).get('/api/v1/roles')
    expect(body.items.map((role: { name: string }) => role.name)).toEqual([
      'admin',
      'test:reader',
      'venue:admin',
      'venue:employee',
      'venue:leader',
      'venue:support',
      'venue:visitor',
    ])
  })

  test('of one product cannot appoint, change or remove a global administrator', async () => {
    const { id, token } = await register(world, 'steward')
    await as(admin.token).put(`/api/v1/users/${id}/roles`, { roles: ['venue:admin'] })
    for (const attempt of [
      as(token).put(`/api/v1/users/${id}/roles`, { roles: ['admin'] }),
      as(token).put(`/api/v1/users/${admin.id}/roles`, { roles: [] }),
      as(token).put(`/api/v1/users/${admin.id}`, { email: 'steward@example.com' }),
      as(token).delete(`/api/v1/users/${admin.id}`),
    ]) {
      expect((await attempt).body.code).toBe('beyond_own_rights')
    }
  })

  test('delete people: sessions end, names become free, no personal data stays', async () => {
    await logIn(world, '134 0013 4000', 'wrong', '203.0.113.250')
    const { id, token } = await register(world, 'goner')
    await as(token).put('/api/v1/users/me', { email: 'goner-before@example.com' })
    await as(token).put('/api/v1/users/me', { email: 'goner@example.com', phone: '13400134000' })
    for (let i = 0; i < 6; i += 1) await logIn(world, 'goner@example.com', 'wrong')
    await logIn(world, '134-0013-4000', 'wrong', '203.0.113.251')
    await world.drain()
    expect((await as(admin.token).delete(`/api/v1/users/${id}`)).status).toBe(204)
    expect((await me(token)).status).toBe(401)
    expect((await as(admin.token).get(`/api/v1/users/${id}`)).status).toBe(404)
    expect((await as(admin.token).delete(`/api/v1/users/${id}`)).status).toBe(404)
    const { rows } = await sql<{ text: string }>`
      SELECT concat(
        (SELECT string_agg(u::text, '') FROM users u WHERE id = ${id}),
        (SELECT string_agg(l::text, '') FROM login_log l WHERE user_id = ${id} OR user_id IS NULL),
        (SELECT string_agg(s::text, '') FROM sessions s WHERE user_id = ${id}),
        (SELECT string_agg(d::text, '') FROM deliveries d WHERE user_id = ${id}),
        (SELECT string_agg(m::text, '') FROM notification_messages m WHERE user_id = ${id})
      ) AS text`.execute(world.kernel.db)
    expect(rows[0]?.text).not.toMatch(/goner|argon2|203\.0\.113\.25[01]/)
    expect((await logIn(world, 'goner')).status).toBe(401)
    const body = { username: 'goner', password: PASSWORD, email: 'goner@example.com', phone: '13400134000' }
    expect((await world.call('POST', '/api/v1/users/register', { payload: body })).status).toBe(201)
  })

  test('can’t delete themselves', async () => {
    expect((await as(admin.token).delete(`/api/v1/users/${admin.id}`)).body.code).toBe('own_account')
  })

  test('always number at least one', async () => {
    const lastOne = async (answer: Promise<{ status: number; body: { code: string } }>) => {
      const { status, body } = await answer
      expect([status, body.code]).toEqual([409, 'last_administrator'])
    }
    await lastOne(as(admin.token).put(`/api/v1/users/${admin.id}/roles`, { roles: ['venue:admin'] }))
    await lastOne(as(admin.token).put(`/api/v1/users/${admin.id}`, { status: 'disabled' }))
    const second = await register(world, 'second')
    await as(admin.token).put(`/api/v1/users/${second.id}/roles`, { roles: ['admin'] })
    // Both give up the role, or remove it from each other, at the same time: one of them stays.
    const answers = await Promise.all([
      as(admin.token).put(`/api/v1/users/${admin.id}/roles`, { roles: [] }),
      as(second.token).put(`/api/v1/users/${second.id}/roles`, { roles: [] }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const [, survivor] = answers[0].status === 409 ? [0, admin] : [0, second]
    await as(survivor.token).put(`/api/v1/users/${admin.id}/roles`, { roles: ['admin'] })
    expect((await as(admin.token).get('/api/v1/roles')).status).toBe(200)
  })
})
