import { afterAll, describe, expect, it } from 'vitest'
import { isSchema } from '../../src/kernel/http/request/strictSchema.ts'
import { openWorld, type Person } from '../support/world.ts'
import { codeOf, expectDecent, readDocument } from './operations.ts'
import { ROOM_WALK } from './roomWalk.ts'
import { type Step, WALK } from './walk.ts'

/**
 * Endpoints of the published document that are not built yet. When you build one, move it to the walk below (this list
 * then fails).
 */
const LATER: readonly string[] = []

const world = await openWorld()
const api = readDocument(world.app)
afterAll(() => world.close())

type Ids = Map<string, number | string>

/** Replaces every value that is exactly `{name}`, at any depth, by the value remembered under that name. */
function filled(value: unknown, ids: Ids): unknown {
  if (Array.isArray(value)) return value.map((one) => filled(one, ids))
  if (isSchema(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, ids)]))
  const [, name] = typeof value === 'string' ? (/^\{(\w+)\}$/.exec(value) ?? []) : []
  return name === undefined ? value : ids.get(name)
}

/** Runs every step; fails unless each answer is as the step and the API reference say. */
async function walk<Caller extends string>(
  steps: readonly Step<Caller>[],
  people: Readonly<Record<Caller, Person | undefined>>,
  ids: Ids,
): Promise<void> {
  for (const { as, hours = 0, call, body, status = 200, remember, shows } of steps) {
    world.clock.advance(hours * 60)
    const url = call.slice(call.indexOf(' ') + 1).replaceAll(/\{(\w+)\}/g, (_, name: string) => String(ids.get(name)))
    const operation = operationAt(call)
    const person = people[as]
    const answer = await world.app.inject({
      method: operation.method,
      url,
      headers: {
        ...(person && { authorization: `Bearer ${person.token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { payload: JSON.stringify(filled(body, ids)) }),
    })
    const got = codeOf(operation, answer)
    expect(`${operation.method} ${url}: ${got}`, answer.body).toBe(`${operation.method} ${url}: ${status}`)
    api.expectDocumented(operation, answer)
    if (shows) expect(answer.json(), call).toMatchObject(filled(shows, ids) ?? {})
    if (remember) ids.set(remember, idIn(answer.json()))
  }
}

/** The id in an answer: of an object, a series or a reservation. */
function idIn({ data, id, reservation_id }: Record<string, unknown>): number | string {
  const found = isSchema(data) ? (data.id ?? data.seriesId) : (id ?? reservation_id)
  if (typeof found !== 'number' && typeof found !== 'string') throw new Error('the answer has no id')
  return found
}

describe('The endpoints of the published document', () => {
  it('exist in the API reference and in the program, and answer as documented', { timeout: 60_000 }, async () => {
    const employee = await world.person()
    const ids: Ids = new Map([['me', employee.id]])
    for (const name of ['other', 'another']) ids.set(name, (await world.person()).id)
    await walk(WALK, { nobody: undefined, employee, administrator: await world.person('admin') }, ids)
    expect(await world.verify()).toEqual([])
  })

  it('of the room product are all in the walk, and answer as documented', { timeout: 60_000 }, async () => {
    const user = await world.person('room:user')
    const ids: Ids = new Map([['me', user.id]])
    for (const name of ['other', 'another']) ids.set(name, (await world.person('room:user')).id)
    const administrator = await world.person('room:admin')
    ids.set('worker', (await world.person('room:student_worker')).id)
    await walk(ROOM_WALK, { nobody: undefined, user, administrator }, ids)
    expect(await world.verify()).toEqual([])

    const walked = new Set(ROOM_WALK.map(({ call }) => shapeOf(call)))
    const left = api.operations.filter(({ product, name }) => product === 'room' && !walked.has(shapeOf(name)))
    expect(left.map(({ name }) => name)).toEqual([])
  })

  it('that are not built yet answer 404 (build one: move it from LATER to the walk)', async () => {
    const administrator = await world.person('admin')
    for (const call of LATER) {
      const [method, path = ''] = call.split(' ')
      expect(api.operations.map(({ name }) => shapeOf(name))).not.toContain(shapeOf(call))
      const answer = await world.app.inject({
        method: method === 'POST' ? 'POST' : method === 'PUT' ? 'PUT' : 'GET',
        url: path.replaceAll(/\{\w+\}/g, '1'),
        headers: { authorization: `Bearer ${administrator.token}` },
      })
      expectDecent(answer, call)
      expect([call, answer.statusCode, answer.json().code]).toEqual([call, 404, 'not_found'])
    }
  })
})

const shapeOf = (call: string) => call.replace(/\?.*/, '').replaceAll(/\{\w+\}/g, '{}')

/** The operation of the document at a path, whatever the names of its parameters. */
function operationAt(call: string) {
  const found = api.operations.find(({ name }) => shapeOf(name) === shapeOf(call))
  if (!found) throw new Error(`the API reference has no ${call}`)
  return found
}
