import { describe, expect, test } from 'vitest'
import { onServer } from '../../support/database.ts'
import { proveCrash } from './crash.ts'

describe.runIf(onServer)('Kills of servers, workers and PostgreSQL under traffic', () => {
  test('lose no acknowledged change, leave none incomplete, and notify each person once', async () => {
    const { broken, figures } = await proveCrash({ minutes: 0, say: () => {}, signal: new AbortController().signal })
    expect(broken).toEqual([])
    expect(figures).toMatchObject({ 'servers killed': 1, 'workers killed': 1, 'faults found': 0 })
    expect(figures.requests).toBeGreaterThan(50)
  }, 240_000)
})
