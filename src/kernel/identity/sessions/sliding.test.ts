import { sql } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import { PASSWORD, register } from '../../../../test/support/site.ts'
import { openWorld, type Process } from '../../../../test/support/world.ts'
import type { OpenDatabase } from '../../database/database.ts'
import { logIn } from '../logIn/logIn.ts'
import { createSessionCache } from './sessionCache.ts'
import { createIdentity } from './sessions.ts'

const world = await openWorld({ JWT_TTL_MINUTES: '60', SESSION_MAX_DAYS: '1' })
const other = await world.anotherProcess()
/** The session caches of the two processes. */
const here = await createIdentity(world.kernel, world.database)
const there = await createIdentity(other.kernel, world.database)
afterAll(async () => {
  expect(world.faults).toEqual([])
  await here.close()
  await there.close()
  await world.close()
})

const visitor = { address: '192.0.2.10', userAgent: 'test', requestId: 'test' }

/** A user who has just opened a sliding session. */
async function slider(name: string, process: Process = world): Promise<string> {
  await register(world, name)
  const session = await logIn(process.kernel, { name, password: PASSWORD }, visitor, { slides: true })
  expect(session.expiresIn).toBe(3600)
  return session.accessToken
}

const use = async (token: string, process: Process = world) =>
  (await process.call('GET', '/api/v1/users/me', { as: token })).status

/** Minutes from now to the end of the sliding session, according to the database. */
async function minutesLeft(): Promise<number> {
  const { rows } = await sql<{ expires_at: Date }>`
    SELECT expires_at FROM sessions WHERE ends_at IS NOT NULL ORDER BY created_at DESC LIMIT 1`.execute(
    world.database.db,
  )
  return ((rows[0]?.expires_at.getTime() ?? 0) - world.clock.now().getTime()) / 60_000
}

test('a sliding session lasts while it is used, and no longer', async () => {
  const token = await slider('busy')
  for (let time = 0; time < 5; time += 1) {
    world.clock.advance(50)
    expect(await use(token)).toBe(200)
  }
  world.clock.advance(60)
  expect(await use(token)).toBe(401)
  expect(await use(token, other)).toBe(401)
})

test('its end is extended only when less than half of its time is left', async () => {
  const token = await slider('steady')
  world.clock.advance(29)
  await use(token)
  expect(await minutesLeft()).toBe(31)
  world.clock.advance(1)
  await use(token)
  expect(await minutesLeft()).toBe(60)
})

test('it ends after SESSION_MAX_DAYS, however much it is used', async () => {
  const token = await slider('restless')
  for (let minutes = 0; minutes < 1440 - 20; minutes += 20) {
    world.clock.advance(20)
    expect(await use(token)).toBe(200)
  }
  expect(await minutesLeft()).toBe(20)
  world.clock.advance(19)
  expect(await use(token)).toBe(200)
  world.clock.advance(1)
  expect(await use(token)).toBe(401)
})

test('other processes see the extension', async () => {
  const token = await slider('wanderer')
  expect(await use(token, other)).toBe(200)
  world.clock.advance(40)
  expect(await use(token)).toBe(200)
  // In the cache of the other process the session seems to have ended by now.
  world.clock.advance(40)
  expect(await use(token, other)).toBe(200)
})

test('many requests at the moment of the extension all pass', async () => {
  const token = await slider('crowd')
  world.clock.advance(45)
  const crowd = Array.from({ length: 12 }, (_, index) => use(token, index % 2 === 0 ? world : other))
  expect(new Set(await Promise.all(crowd))).toEqual(new Set([200]))
  expect(await minutesLeft()).toBe(60)
})

test('logging out ends it at once in every process, even when an extension was due', async () => {
  const token = await slider('leaver')
  await use(token)
  await use(token, other)
  world.clock.advance(40)
  expect((await world.call('POST', '/api/v1/users/logout', { as: token })).status).toBe(204)
  expect(await use(token)).toBe(401)
  await expect.poll(() => use(token, other)).toBe(401)
})

test('using it costs one read and one write per half of its time, and nothing in between', async () => {
  const token = await slider('counted')
  let asked = 0
  const kernel = {
    ...world.kernel,
    sessions: createSessionCache(),
    withRetries: ((work) => {
      asked += 1
      return world.kernel.withRetries(work)
    }) satisfies typeof world.kernel.withRetries,
  }
  const database: Pick<OpenDatabase, 'listen' | 'listenState'> = {
    listen: async () => async () => {},
    listenState: { listening: true, onLost: () => () => {}, onListening: () => () => {} },
  }
  const identity = await createIdentity(kernel, database)
  const after = async (minutes: number) => {
    world.clock.advance(minutes)
    asked = 0
    for (let time = 0; time < 3; time += 1) await identity.authenticate(token)
    return asked
  }
  expect(await after(0)).toBe(1)
  expect(await after(29)).toBe(0)
  expect(await after(1)).toBe(2)
  expect(await after(29)).toBe(0)
  expect(await after(1)).toBe(2)
  await identity.close()
})

test('checking it does not extend it, and reads the database only when it seems to have ended', async () => {
  const token = await slider('watched')
  await use(token)
  world.clock.advance(59)
  await here.recheck(token)
  await there.recheck(token)
  expect(await minutesLeft()).toBe(1)
  expect(await use(token, other)).toBe(200)
  expect(await minutesLeft()).toBe(60)
  world.clock.advance(59)
  // The other process has extended it since.
  await here.recheck(token)
  world.clock.advance(1)
  await expect(here.recheck(token)).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(await use(token)).toBe(401)
})

test('other sessions last JWT_TTL_MINUTES, used or not', async () => {
  const { token } = await register(world, 'fixed')
  world.clock.advance(59)
  expect(await use(token)).toBe(200)
  world.clock.advance(1)
  expect(await use(token)).toBe(401)
})

test('an expired password opens no sliding session', async () => {
  const strict = await openWorld({ PASSWORD_MAX_AGE_DAYS: '30' })
  await register(strict, 'old')
  strict.clock.advance(31 * 1440)
  const { expiresIn } = await logIn(strict.kernel, { name: 'old', password: PASSWORD }, visitor, { slides: true })
  expect(expiresIn).toBe(900)
  const { rows } = await sql`SELECT FROM sessions WHERE ends_at IS NOT NULL`.execute(strict.database.db)
  expect(rows).toEqual([])
  await strict.close()
})
