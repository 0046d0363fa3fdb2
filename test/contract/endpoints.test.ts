import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FilledWorld, openFilledWorld } from './filledWorld.ts'
import { type ApiDocument, readDocument } from './operations.ts'
let world: FilledWorld
let api: ApiDocument
beforeAll(async () => {
  world = await openFilledWorld()
  api = readDocument(world.app)
})
afterAll(() => world.close())
describe('x', () => {
  it('y', async () => {
    console.log(api.operations.length)
    for (const t of ['users','venues','facilities','closures','time_slots','reservations','waiting_list','ratings','messages','sport_venues']) console.log(t, await world.rows(`select count(*), min(id), max(id) from ${t}`))
    const a = await world.app.inject({ method: 'GET', url: '/api/v1/venues' })
    api.expectDocumented(api.operation('GET /api/v1/venues'), a)
    expect(await world.verify()).toEqual([])
  })
})
