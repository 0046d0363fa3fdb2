import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { onServer } from '../support/database.ts'
import { type FilledWorld, openFilledWorld } from './filledWorld.ts'
import { fuzzedRequests } from './fuzzed.ts'
import { createFuzzer } from './fuzzer.ts'
import { readDocument } from './operations.ts'

/** FUZZ_REQUESTS sets the length of the run and FUZZ_SEED another seed; without them every run is the same. */
const wanted = Number(process.env.FUZZ_REQUESTS ?? (onServer ? 2400 : 800))
const seed = Number(process.env.FUZZ_SEED ?? 20260302)
/**
 * Requests to one world. Then a new world follows, with the next seed: a failure can be replayed without the worlds
 * before.
 */
const ROUND = 2500
const rounds = Array.from({ length: Math.ceil(wanted / ROUND) }, (_, round) => ({
  seed: seed + round,
  requests: Math.min(ROUND, wanted - round * ROUND),
}))

let world: FilledWorld | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

describe('Any request from any role', () => {
  it.each(rounds)(
    'gets an answer that the document shows, and verify finds no differences afterwards (FUZZ_SEED=$seed FUZZ_REQUESTS=$requests)',
    {
      timeout: 1_800_000,
    },
    async ({ seed, requests }) => {
      world = await openFilledWorld()
      const api = readDocument(world.app)
      // The fuzzer moves the clock itself, and a user who logs out can send nothing more.
      const operations = api.operations.filter(({ path }) => path !== '/dev/clock' && !path.endsWith('/logout'))
      const fuzzer = await createFuzzer(world, api)
      // Requests can't be undone, so fast-check would shrink in a changed state. The fuzzer looks for smaller
      // requests itself.
      const property = fc.asyncProperty(fuzzedRequests(operations), fuzzer.send)
      await fc.assert(property, { numRuns: requests, seed, endOnFailure: true })
      const { statuses, roles, failures } = fuzzer
      await fuzzer.close()
      for (const failure of failures()) console.info(`${failure}\n`)
      console.info(`${requests} requests: ${[...statuses].sort().map(([status, times]) => `${times} × ${status}`)}`)

      const differences = await world.verify()
      expect({ failures: failures(), differences }, `replay: FUZZ_SEED=${seed} FUZZ_REQUESTS=${requests}`).toEqual({
        failures: [],
        differences: [],
      })
      // The run was useful: not all requests were refused, and every role sent some.
      expect(statuses.get(200)).toBeGreaterThan(requests / 5)
      expect(statuses.get(201)).toBeGreaterThan(requests / 100)
      expect(Math.min(...roles.values())).toBeGreaterThan(requests / 100)
    },
  )
})
