import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FilledWorld, openFilledWorld } from './filledWorld.ts'
import { type NearlyValid, requestsTo } from './nearlyValid.ts'
import { type ApiDocument, expectDecent, type Operation, readDocument } from './operations.ts'

let world: FilledWorld
let api: ApiDocument

beforeAll(async () => {
  world = await openFilledWorld()
  api = readDocument(world.app)
}, 60_000)
afterAll(() => world.close())

/** FUZZ_RUNS and FUZZ_SEED make it longer and other; without them every run is the same. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 3000)
const seed = Number(process.env.FUZZ_SEED ?? 20260302)
/** Requests after which time goes on, so that visits begin, offers lapse and plans start. */
const restless = 100

describe('Requests that keep the document’s rules, or nearly', () => {
  it('get an answer that the document shows, and leave figures and rows in agreement', {
    timeout: 300_000,
  }, async () => {
    const { administrator, venueAdministrator, leader, employee, people } = world
    const everybody = [leader, employee, administrator, administrator, venueAdministrator, ...people, undefined]
    const staff = [administrator, venueAdministrator, administrator, administrator, employee]
    const isForAll = ({ permission }: Operation) => /^(?:public|signed-in|venue:reservations\.book)$/.test(permission)
    // The clock is moved by this test alone; whoever logs out is out of the play.
    const operations = api.operations.filter(({ path }) => path.startsWith('/api/') && !path.endsWith('/logout'))
    let count = 0
    const statuses = new Map<number, number>()

    const holds = async ({ operation: name, url, body, actor }: NearlyValid): Promise<void> => {
      const operation = api.operation(name)
      const cast = isForAll(operation) ? everybody : staff
      const as = cast[actor % cast.length]
      const answer = await world.app.inject({
        method: operation.method,
        url,
        headers: {
          ...(as && { authorization: `Bearer ${as.token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { payload: JSON.stringify(body) }),
      })
      expectDecent(answer, `${operation.method} ${url} ${JSON.stringify(body)}`)
      api.expectDocumented(operation, answer)
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
      count += 1
      if (count % restless > 0) return
      world.clock.advance(15)
      await world.system.jobs.runNow('venue.waiting-list')
      await world.system.jobs.runNow('venue.attendance')
      await world.system.jobs.runNow('venue.reminders')
      await world.drain()
    }
    // What was done can't be undone, so smaller examples would not be the same.
    await fc.assert(fc.asyncProperty(requestsTo(operations), holds), { numRuns, seed, endOnFailure: true })

    // The play reached what it is about: it was not all refusals.
    expect(statuses.get(200)).toBeGreaterThan(numRuns / 5)
    expect(statuses.get(201)).toBeGreaterThan(numRuns / 50)
    expect(await world.verify()).toEqual([])
  })
})
