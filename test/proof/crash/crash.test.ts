import { describe, expect, test } from 'vitest'
import { onServer } from '../../support/database.ts'
import { proveCrash } from './crash.ts'

describe.runIf(onServer)('a server, a worker and PostgreSQL killed under traffic', () => {
  test('Nothing that was acknowledged is lost, nothing happens by half, and everybody is told once', async () => {
    const { broken, figures } = await proveCrash({ minutes: 0, say: () => {}, signal: new AbortController().signal })
    expect(broken).toEqual([])
    expect(figures).toMatchObject({ 'servers killed': 1, 'workers killed': 1, 'faults found': 0 })
    expect(figures.requests).toBeGreaterThan(50)
  }, 240_000)
})
