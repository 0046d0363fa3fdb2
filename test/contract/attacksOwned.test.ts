import { afterAll, describe, expect, it } from 'vitest'
import type { Person } from '../support/world.ts'
import { fingerprint, openFilledWorld } from './filledWorld.ts'
import { examplesOf } from './mutations.ts'
import { expectDecent, type Operation, readDocument, statusOf } from './operations.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
const payload = { what: 'reservations', format: 'csv' }
await world.call('POST', '/api/v1/exports', { as: world.administrator, payload })
afterAll(() => world.close())

/** Permissions of operations that ordinary users, or all doctors, may call. */
const EVERYBODY = new Set(['signed-in', 'venue:reservations.book', 'clinic:treat'])

/**
 * Operations on shared objects: places, their parts, and texts. Every other path with an id leads to an object with an
 * owner, so a new operation is tried here unless it is listed.
 */
const SHARED =
  /^\/(?:api\/(?:v1\/)?(?:venues|sport-venues|facilities|maintenance|legal|support\/faqs|rules|auth)\/|portal\/facility\/(?:room|building)\/|doctor\/schedules\/\{schedule_id\}$)/

/** Not owned: everybody may wait for the slot of any reservation (docs/seeds.md). */
const WAITING = '/api/v1/reservations/{id}/waiting-list'

const isOwned = ({ permission, path, isAlias, parameters }: Operation) =>
  EVERYBODY.has(permission) &&
  !SHARED.test(path) &&
  path !== WAITING &&
  !isAlias &&
  // An id that is not a number can't be guessed.
  parameters.some((one) => one.in === 'path' && one.schema.type === 'integer')

/** The path of an operation with an id. */
const urlOf = ({ path }: Operation, id: number | string) => path.replaceAll(/\{\w+\}/g, String(id))

function send(operation: Operation, id: number | string, as: Person) {
  // If no example is valid, because a text must match a pattern, an empty body is sent.
  const fitting = (example: unknown) => api.takesBody(operation, example)
  const payload = operation.body && (examplesOf(operation.body).find(fitting) ?? {})
  return world.app.inject({
    method: operation.method,
    url: urlOf(operation, id),
    headers: { authorization: `Bearer ${as.token}` },
    ...(payload !== undefined && { payload: payload as object }),
  })
}

/** Users without objects who may call an operation. */
function strangersTo({ permission }: Operation): readonly Person[] {
  if (permission === 'clinic:treat') return [world.clinicHead]
  return [world.employee, world.leader, world.visitor, world.portalUser, world.clinicPatient]
}

const UNKNOWN_ID = 999_999

describe('The id of an object of another user', () => {
  it('is answered like an unknown id, by every operation and for every role without rights to it', {
    timeout: 60_000,
  }, async () => {
    const operations = api.operations.filter(isOwned)
    expect(operations.length).toBeGreaterThan(25)
    const before = await fingerprint(world)
    const reached: string[] = []
    for (const operation of operations) {
      for (const as of strangersTo(operation)) {
        const none = await send(operation, UNKNOWN_ID, as)
        for (const id of [1, 2, 3, 4, 5, 6, 7]) {
          const theirs = await send(operation, id, as)
          const what = `${operation.method} ${urlOf(operation, id)}`
          expectDecent(theirs, what, operation)
          const isAlike = theirs.statusCode === none.statusCode && bodyOf(theirs.body) === bodyOf(none.body)
          if (!isAlike || ![403, 404].includes(statusOf(operation, theirs))) {
            reached.push(`${what}: ${theirs.body.slice(0, 120)}, not ${none.body.slice(0, 120)}`)
          }
        }
      }
    }
    if (reached.length > 0) throw new Error(reached.join('\n'))
    expect(await fingerprint(world)).toBe(before)
  })

  it('would be noticed if it were accepted: the owner can read every kind of object except repair reports', async () => {
    const reading = api.operations.filter((operation) => isOwned(operation) && operation.method === 'GET')
    const reached = new Map<string, number>()
    for (const operation of reading) {
      for (const owner of [...world.people, ...world.clinicDoctors, world.administrator]) {
        for (const id of [1, 2, 3, 4, 5, 6, 7]) {
          const { statusCode, body } = await send(operation, id, owner)
          if (statusCode === 200 && !/"code":[45]/.test(body))
            reached.set(operation.path, (reached.get(operation.path) ?? 0) + 1)
        }
      }
    }
    expect([...reached.keys()].sort()).toEqual(
      reading
        .map(({ path }) => path)
        .filter((path) => !path.includes('repair-reports'))
        .sort(),
    )
  })
})

const bodyOf = (body: string) => body.replace(/"request_id":"[^"]*"/, '')

describe('A link that works without a log-in', () => {
  const read = async (url: string, as?: Person) => await world.call('GET', url, as && { as })
  const linkOf = async (path: string, as: Person) => {
    const { body } = await world.call('GET', path, { as })
    return new URL(body.data?.url ?? body.url).searchParams.get('token') ?? ''
  }

  it('to a calendar opens only the calendar of its owner, and can’t be forged for other users', async () => {
    const [owner, other] = world.people
    if (!owner || !other) throw new Error('there are people')
    const feed = '/api/v1/users/me/calendar.ics'
    const [mine, theirs] = [
      await linkOf('/api/v1/users/me/calendar-link', owner),
      await linkOf('/api/v1/users/me/calendar-link', other),
    ]
    const [, signature] = splitAtLast(mine)
    const [payload] = splitAtLast(theirs)
    expect((await read(`${feed}?token=${mine}`)).status).toBe(200)
    for (const token of [`${payload}.${signature}`, `${theirs}A`, theirs.slice(0, -1), payload, '', 'null', '1.0']) {
      expect((await read(`${feed}?token=${encodeURIComponent(token)}`)).status, token).not.toBe(200)
    }
    const ofRooms = await linkOf('/portal/facility/booking/my/calendar-link', owner)
    expect((await read(`${feed}?token=${ofRooms}`)).status).toBe(404)
  })

  it('to a copy of personal data opens it; file ids and other tokens do not, even for administrators', async () => {
    const [owner] = world.people
    if (!owner) throw new Error('there are people')
    await world.call('POST', '/api/v1/users/me/data-export', { as: owner })
    await world.drain()
    const { body } = await world.call('GET', '/api/v1/users/me/data-export', { as: owner })
    const url = String(body.download_url)
    const path = url.slice(url.indexOf('/api/'))
    expect((await read(path)).status).toBe(200)
    const files = await world.rows<{ id: number }>(
      `SELECT id FROM files WHERE access = 'owner' AND owner_id = ${owner.id}`,
    )
    expect(files.length).toBeGreaterThan(0)
    for (const { id } of files) {
      for (const as of [undefined, world.employee, world.administrator]) {
        expect((await read(`/api/v1/files/${id}`, as)).status).toBe(404)
      }
    }
    const token = path.split('/').at(-1) ?? ''
    const calendar = await linkOf('/api/v1/users/me/calendar-link', owner)
    for (const bad of [`${token}A`, token.slice(1), calendar, '1234567890', token.replace(/^./, 'x')]) {
      expect((await read(`/api/v1/data-exports/${bad}`, world.administrator)).status).not.toBe(200)
    }
    const foreign = await world.call('GET', '/api/v1/users/me/data-export', { as: world.employee })
    expect(JSON.stringify(foreign.body)).not.toContain(token.slice(0, 20))
  })

  it('in a mail leads only to the address it was signed for, and its token serves no other purpose', async () => {
    const { createSigner } = await import('../../src/kernel/secrets/signature.ts')
    const signer = createSigner(world.config.secretKey)
    const follow = (token: string) => world.call('GET', `/t/${token}`)
    const signed = signer.sign('1 https://example.org/page', 'link followed')
    expect((await follow(signed)).headers.location).toBe('https://example.org/page')
    const forged = [
      createSigner('another key, another key, another key').sign('1 https://evil.example', 'link followed'),
      signer.sign('1 https://evil.example', 'unsubscribe'),
      signer.sign('1 https://evil.example', 'mail opened'),
      Buffer.from('1 https://evil.example').toString('base64url'),
      `${Buffer.from('1 https://evil.example').toString('base64url')}.${splitAtLast(signed)[1]}`,
      `${signed}?url=https://evil.example`,
    ]
    for (const token of forged) {
      const { status, headers } = await follow(token)
      expect(String(headers.location ?? '')).not.toContain('evil.example')
      if (!token.includes('?')) expect(status, token).toBe(404)
    }
    const unsubscribing = signer.sign('1', 'unsubscribe')
    expect((await world.call('GET', `/o/${unsubscribing}`)).status).toBe(404)
    expect((await world.call('GET', `/u/${signed}`)).status).toBe(404)
  })
})

function splitAtLast(token: string): [string, string] {
  const dot = token.lastIndexOf('.')
  return [token.slice(0, dot), token.slice(dot + 1)]
}
