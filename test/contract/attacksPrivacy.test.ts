import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type World } from '../support/world.ts'
import { openFilledWorld } from './filledWorld.ts'
import { codeOf, readDocument } from './operations.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
afterAll(() => world.close())

const PASSWORD = 'violet-harbour-42'

describe('An answer that is not public', () => {
  const keepsNothing = /\bno-store\b|\bprivate\b/

  it('is marked as not to be cached for others, even if it is a refusal', { timeout: 60_000 }, async () => {
    const guarded = api.operations.filter(({ permission, method }) => permission !== 'public' && method === 'GET')
    const kept: string[] = []
    let answered = 0
    for (const operation of guarded) {
      for (const as of [world.administrator, world.visitor, undefined]) {
        const answer = await world.app.inject({
          url: operation.path.replaceAll(/\{\w+\}/g, '1'),
          headers: as ? { authorization: `Bearer ${as.token}` } : {},
        })
        if (codeOf(operation, answer) === 200) answered += 1
        if (!keepsNothing.test(String(answer.headers['cache-control']))) kept.push(operation.name)
      }
    }
    expect(answered).toBeGreaterThan(100)
    expect([...new Set(kept)]).toEqual([])
  })

  it('is also marked so if it is for a signed-in user on a public path, or a log-in', async () => {
    const headers = { authorization: `Bearer ${world.employee.token}` }
    const open = await world.app.inject({ url: '/api/v1/venues/1', headers })
    expect(open.headers['cache-control']).toMatch(keepsNothing)
    // Answers that are the same for everybody may be cached.
    expect((await world.app.inject('/api/v1/venues/1')).headers['cache-control']).toBeUndefined()
    const payload = { username: 'cached', password: PASSWORD }
    expect((await world.call('POST', '/api/v1/users/register', { payload })).status).toBe(201)
    for (const path of ['/api/v1/users/login', '/login']) {
      expect((await world.call('POST', path, { payload })).headers['cache-control']).toBe('no-store')
    }
  })
})

describe('The existence of an account', () => {
  const TRIES = 15
  let site: World
  beforeAll(async () => {
    // Passwords are hashed at production cost here, so that a skipped hash is visible in the time.
    site = await openWorld({ NODE_ENV: 'development', LOCKOUT_ADDRESS_FAILURES: '1000' })
    for (let n = 0; n < TRIES; n += 1) {
      const payload = { username: `known${n}`, password: PASSWORD }
      expect((await site.call('POST', '/api/v1/users/register', { payload })).status).toBe(201)
    }
  }, 120_000)
  afterAll(() => site.close())

  it('is not visible in the answer to a log-in or in its time', { timeout: 60_000 }, async () => {
    const times = { known: [] as number[], unknown: [] as number[] }
    const answers = new Set<string>()
    for (let n = 0; n < TRIES; n += 1) {
      // Alternating, so that a busy machine slows both equally; from many addresses, so that none is locked.
      for (const who of ['known', 'unknown'] as const) {
        const start = performance.now()
        const answer = await site.app.inject({
          method: 'POST',
          url: '/api/v1/users/login',
          remoteAddress: `198.51.100.${n}`,
          payload: { username: `${who}${n}`, password: 'not-the-password-1' },
        })
        times[who].push(performance.now() - start)
        const { request_id: _, ...body } = answer.json()
        answers.add(JSON.stringify([answer.statusCode, body]))
      }
    }
    expect([...answers]).toHaveLength(1)
    const [known, unknown] = [medianOf(times.known), medianOf(times.unknown)]
    // Medians of equal work differ a little by chance; a skipped hash makes them differ by an order of magnitude.
    expect(known / unknown).toBeGreaterThan(0.25)
    expect(known / unknown).toBeLessThan(4)
  })

  it('is not visible in a log-in of the room product either', async () => {
    const answers = new Set<string>()
    for (const username of ['known1', 'nobody-at-all']) {
      const answer = await site.app.inject({
        method: 'POST',
        url: '/login',
        remoteAddress: '203.0.113.77',
        payload: { username, password: 'not-the-password-1' },
      })
      answers.add(answer.body)
    }
    expect([...answers]).toHaveLength(1)
  })
})

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
