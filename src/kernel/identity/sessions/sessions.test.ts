import { afterAll, describe, expect, test } from 'vitest'
import { logIn, PASSWORD, register, setUpAdministrator } from '../../../../test/support/site.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import type { OpenDatabase } from '../../database/database.ts'
import type { Actor } from '../actor.ts'
import { createSessionCache } from './sessionCache.ts'
import { createIdentity } from './sessions.ts'

const world = await openWorld()
const other = await world.anotherProcess()
const admin = await setUpAdministrator(world)
afterAll(async () => {
  expect(world.faults).toEqual([])
  await world.close()
})

describe('several processes', () => {
  const names = new Map<number, string>()

  /** A user whose token is in the cache of the other process. */
  const known = async (name: string) => {
    const person = await register(world, name)
    await statusThere(person.token)
    return person
  }
  const statusThere = async (token: string) => (await other.call('GET', '/api/v1/users/me', { as: token })).status

  test.each<[string, (person: Person) => Promise<{ status: number }>]>([
    ['log-out', ({ token }) => world.call('POST', '/api/v1/users/logout', { as: token })],
    [
      'deactivation',
      ({ id }) => world.call('PUT', `/api/v1/users/${id}`, { as: admin, payload: { status: 'disabled' } }),
    ],
    ['deletion', ({ id }) => world.call('DELETE', `/api/v1/users/${id}`, { as: admin })],
    [
      'a new password',
      async ({ id }) => {
        const { body } = await logIn(world, names.get(id) ?? '')
        return world.call('PUT', '/api/v1/users/me/password', {
          as: body.access_token,
          payload: { old_password: PASSWORD, new_password: 'orchid-Tunnel-9' },
        })
      },
    ],
  ])('all refuse a token after %s on one of them', async (what, revoke) => {
    const name = `user-${what.replaceAll(/\W/g, '')}`
    const person = await known(name)
    names.set(person.id, name)
    expect(await statusThere(person.token)).toBe(200)
    expect((await revoke(person)).status).toBeLessThan(300)
    await expect.poll(() => statusThere(person.token)).toBe(401)
  })

  test('all know new roles', async () => {
    const { id, token } = await known('raised')
    expect((await other.call('GET', '/api/admin/users', { as: token })).status).toBe(403)
    await world.call('PUT', `/api/v1/users/${id}/roles`, { as: admin, payload: { roles: ['venue:admin'] } })
    await expect.poll(async () => (await other.call('GET', '/api/admin/users', { as: token })).status).toBe(200)
  })
})

describe('a process whose listener is lost', () => {
  test('clears its cache and reads the database for every request until it listens again', async () => {
    const { token } = await register(world, 'watched')
    const lost: (() => void)[] = []
    const back: (() => void)[] = []
    const state = { listening: true }
    const keepIn = (list: (() => void)[]) => (then: () => void) => {
      list.push(then)
      return () => {}
    }
    const database: Pick<OpenDatabase, 'listen' | 'listenState'> = {
      listen: async () => async () => {},
      listenState: {
        get listening() {
          return state.listening
        },
        onLost: keepIn(lost),
        onListening: keepIn(back),
      },
    }
    let asked = 0
    const kernel = {
      ...world.kernel,
      sessions: createSessionCache(),
      withRetries: ((work) => {
        asked += 1
        return world.kernel.withRetries(work)
      }) satisfies typeof world.kernel.withRetries,
    }
    const identity = await createIdentity(kernel, database)
    const times = async (n: number) => {
      asked = 0
      for (let i = 0; i < n; i += 1) await identity.authenticate(token)
      return asked
    }
    expect(await times(3)).toBe(1)
    state.listening = false
    for (const then of lost) then()
    expect(await times(3)).toBe(3)
    await world.call('POST', '/api/v1/users/logout', { as: token })
    await expect(identity.authenticate(token)).rejects.toMatchObject({ code: 'unauthenticated' })
    const fresh = (await logIn(world, 'watched')).body.access_token
    state.listening = true
    for (const then of back) then()
    asked = 0
    await identity.authenticate(fresh)
    await identity.authenticate(fresh)
    expect(asked).toBe(1)
  })
})

describe('the token cache', () => {
  const now = new Date('2026-03-14T01:00:00Z')
  const actorOf = (userId: number): Actor => ({
    userId,
    sessionId: `s${userId}`,
    roles: new Set(),
    permissions: new Set(),
    isAdmin: false,
    scope: 'full',
  })
  const entry = (userId: number, minutes = 60) => ({
    actor: actorOf(userId),
    expiresAt: new Date(now.getTime() + minutes * 60_000),
  })

  test('keeps nothing whose loading began before its user was removed', async () => {
    const cache = createSessionCache(10)
    cache.turn(true)
    const gate = Promise.withResolvers<ReturnType<typeof entry>>()
    const asking = cache.get('t', now, () => gate.promise)
    cache.forget(1)
    gate.resolve(entry(1))
    await asking
    expect(cache.size).toBe(0)
  })

  test('keeps nothing whose loading began before the listener was lost', async () => {
    const cache = createSessionCache(10)
    cache.turn(true)
    const gate = Promise.withResolvers<ReturnType<typeof entry>>()
    const asking = cache.get('t', now, () => gate.promise)
    cache.turn(false)
    cache.turn(true)
    gate.resolve(entry(1))
    await asking
    expect(cache.size).toBe(0)
  })

  test('is bounded: the least recently used entry is dropped first', async () => {
    const cache = createSessionCache(2)
    cache.turn(true)
    const loads: string[] = []
    const get = (token: string) =>
      cache.get(token, now, async () => {
        loads.push(token)
        return entry(Number(token))
      })
    for (const token of ['1', '2', '1', '3', '1', '2']) await get(token)
    expect(loads).toEqual(['1', '2', '3', '2'])
    expect(cache.size).toBe(2)
  })

  test('forgets all tokens of a person and nobody else’s', async () => {
    const cache = createSessionCache(10)
    cache.turn(true)
    for (const token of ['1', '1b', '2']) await cache.get(token, now, async () => entry(Number.parseInt(token, 10)))
    cache.forget(1)
    expect(cache.size).toBe(1)
  })

  test('refuses an expired token without a query', async () => {
    const cache = createSessionCache(10)
    cache.turn(true)
    await cache.get('t', now, async () => entry(1, 5))
    const later = new Date(now.getTime() + 5 * 60_000)
    await expect(cache.get('t', later, async () => entry(1))).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(cache.size).toBe(0)
  })
})
