import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { logIn, PASSWORD, register, setUpAdministrator } from '../../../../test/support/site.ts'
import { openWorld } from '../../../../test/support/world.ts'
import { loadConfig } from '../../../config.ts'
import type { UserHook } from '../../kernel.ts'
import { createConfiguredAdministrator, issueSetupToken } from './firstAdministrator.ts'

const world = await openWorld({ PASSWORD_MAX_AGE_DAYS: '90' })
afterEach(async () => {
  expect(world.faults).toEqual([])
  await world.rows('TRUNCATE users, settings CASCADE')
})
afterAll(() => world.close())

const setUp = (token: string | undefined, username: string, password = PASSWORD) =>
  world.call('POST', '/api/v1/setup', { payload: { token, username, password } })

describe('without a configured administrator', () => {
  test('a start shows a token, of which only a hash is stored, and which makes one administrator once', async () => {
    expect(await createConfiguredAdministrator(world.kernel)).toBe(false)
    const setupToken = await issueSetupToken(world.kernel)
    const stored = JSON.stringify(await world.kernel.db.selectFrom('settings').selectAll().execute())
    expect(setupToken).toHaveLength(32)
    expect(stored).not.toContain(setupToken)
    expect((await setUp('a guess', 'root')).body.code).toBe('bad_setup_token')
    expect((await setUp(setupToken, 'root', 'password1')).body.code).toBe('weak_password')
    const made = await setUp(setupToken, 'root')
    expect([made.status, made.body.roles]).toEqual([201, ['admin']])
    expect(made.text).not.toContain('password')
    expect((await setUp(setupToken, 'second')).body.code).toBe('already_set_up')
    expect((await logIn(world, 'root')).status).toBe(200)
    expect(await createConfiguredAdministrator(world.kernel)).toBe(true)
    expect(await world.kernel.db.selectFrom('settings').selectAll().execute()).toEqual([])
  })

  test('of parallel uses of the token one wins', async () => {
    const setupToken = await issueSetupToken(world.kernel)
    const answers = await Promise.all(['a1', 'a2', 'a3', 'a4'].map((name) => setUp(setupToken, name)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409])
    expect(await world.kernel.db.selectFrom('users').select('id').execute()).toHaveLength(1)
  })

  test('each of several processes that start together shows a token that works; old ones stop working', async () => {
    const old = await issueSetupToken(world.kernel)
    const shown = await Promise.all([1, 2, 3, 4, 5].map(() => issueSetupToken(world.kernel)))
    expect((await setUp(old, 'root')).status).toBe(403)
    expect((await setUp(shown[1], 'root')).status).toBe(201)
  })

  test('nobody is an administrator for having registered first', async () => {
    const { token } = await register(world, 'first')
    expect((await world.call('GET', '/api/admin/users', { as: token })).status).toBe(403)
  })
})

describe('with a configured administrator', () => {
  const env = { ADMIN_USERNAME: 'chief', ADMIN_PASSWORD: PASSWORD, ADMIN_EMAIL: 'Chief <chief@example.com>' }
  const { adminUsername, adminEmail } = loadConfig(env)
  const configured = (adminPassword: string) => world.anotherProcess({ adminUsername, adminEmail, adminPassword })

  test('the first start makes them, however many processes start; later ones change nothing', async () => {
    const { kernel } = await configured(PASSWORD)
    const starts = await Promise.all([1, 2, 3].map(() => createConfiguredAdministrator(kernel)))
    expect(starts).toEqual([true, true, true])
    expect(await world.kernel.db.selectFrom('users').select(['username', 'email']).execute()).toEqual([
      { username: 'chief', email: 'chief@example.com' },
    ])
    expect((await logIn(world, 'chief')).body.user.roles).toEqual(['admin'])
    expect((await setUp('anything', 'other')).status).toBe(409)
  })

  test('a weak password stops the start with a line that says so and does not show it', async () => {
    const { kernel } = await configured('password1')
    await expect(createConfiguredAdministrator(kernel)).rejects.toThrow(/ADMIN_PASSWORD: (?!.*password1)/)
  })
})

describe('a password that is too old', () => {
  test('lets its owner do nothing but change it, and log in again', async () => {
    await register(world, 'aged')
    world.clock.advance(90 * 24 * 60)
    expect((await logIn(world, 'aged')).body.password_change_required).toBeUndefined()
    world.clock.advance(1)
    const { body } = await logIn(world, 'aged')
    expect(body).toMatchObject({ password_change_required: true, expires_in: 900 })
    const token = body.access_token
    const refused = await world.call('GET', '/api/v1/users/me', { as: token })
    expect([refused.status, refused.body.code]).toEqual([403, 'password_change_required'])
    const change = { old_password: PASSWORD, new_password: 'orchid-Tunnel-9' }
    expect((await world.call('PUT', '/api/v1/users/me/password', { as: token, payload: change })).status).toBe(204)
    expect((await world.call('PUT', '/api/v1/users/me/password', { as: token, payload: change })).status).toBe(401)
    const renewed = await logIn(world, 'aged', 'orchid-Tunnel-9')
    expect((await world.call('GET', '/api/v1/users/me', { as: renewed.body.access_token })).status).toBe(200)
  })
})

describe('somebody who leaves', () => {
  test('is known to the products in the same transaction, and stays when one of them refuses', async () => {
    const left: number[] = []
    let refuse = true
    const leaves: UserHook = async (tx, _kernel, userId) => {
      await tx.updateTable('users').set({ department: 'left' }).where('id', '=', userId).execute()
      if (refuse) throw new Error('not now')
      left.push(userId)
    }
    Object.assign(world.kernel, { beforeUserLeaves: [leaves] })
    const admin = await setUpAdministrator(world)
    const { id, token } = await register(world, 'stays')
    expect((await world.call('DELETE', `/api/v1/users/${id}`, { as: admin })).status).toBe(500)
    expect(world.faults.splice(0)).toHaveLength(1)
    expect((await world.call('GET', '/api/v1/users/me', { as: token })).body.department).toBeNull()
    refuse = false
    expect((await world.call('DELETE', `/api/v1/users/${id}`, { as: admin })).status).toBe(204)
    expect(left).toEqual([id])
  })
})
