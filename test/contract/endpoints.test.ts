import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type Person, type World } from '../support/world.ts'
import { type ApiDocument, expectDecent, readDocument } from './operations.ts'
import { WALK, type Who } from './walk.ts'

/**
 * The endpoints of the published document that are still to come. Whoever builds one moves it to the walk below (this list then fails).
 */
const LATER: readonly string[] = []

let world: World
let api: ApiDocument

beforeAll(async () => {
  world = await openWorld()
  api = readDocument(world.app)
}, 60_000)
afterAll(() => world.close())

describe('The endpoints of the published document', () => {
  it('are there, in the API reference and in fact, and answer as both show', { timeout: 60_000 }, async () => {
    const people: Record<Who, Person | undefined> = {
      nobody: undefined,
      employee: await world.person(),
      administrator: await world.person('admin'),
    }
    const ids = new Map([['me', people.employee?.id ?? 0]])
    for (const name of ['other', 'another']) ids.set(name, (await world.person()).id)
    const fill = (value: unknown): unknown => {
      const [, name] = typeof value === 'string' ? (/^\{(\w+)\}$/.exec(value) ?? []) : []
      return name === undefined ? value : ids.get(name)
    }
    const filled = (body: object) => Object.fromEntries(Object.entries(body).map(([key, one]) => [key, fill(one)]))

    for (const { as, call, body, status = 200, remember, shows } of WALK) {
      const [method, path = ''] = call.split(' ')
      const url = path.replaceAll(/\{\w+\}/g, (step) => String(fill(step)))
      const operation = operationAt(call)
      const person = people[as]
      const answer = await world.app.inject({
        method: operation.method,
        url,
        headers: person ? { authorization: `Bearer ${person.token}` } : {},
        ...(body && { payload: filled(body) }),
      })
      expect(`${method} ${url}: ${answer.statusCode}`, answer.body).toBe(`${method} ${url}: ${status}`)
      api.expectDocumented(operation, answer)
      if (shows) expect(answer.json(), call).toMatchObject(filled(shows))
      if (remember) ids.set(remember, answer.json().id ?? answer.json().reservation_id)
    }
    expect(await world.verify()).toEqual([])
  })

  it('that are still to come answer 404 (build one: move it from LATER to the walk)', async () => {
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

const shapeOf = (call: string) => call.replaceAll(/\{\w+\}/g, '{}')

/** The operation of the document at a path, whatever it calls its parameters. */
function operationAt(call: string) {
  const found = api.operations.find(({ name }) => shapeOf(name) === shapeOf(call))
  if (!found) throw new Error(`the API reference has no ${call}`)
  return found
}
