import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../core/line/types.ts'
import { fateOf, isLost, pauseSeconds, stopOf } from './rules.ts'

const reason = 'why'

describe('What becomes of a recipient', () => {
  it.each<[Outcome, object, string | undefined]>([
    [{ kind: 'accepted', requestId: 'r', messageIds: [] }, { kind: 'sent', requestId: 'r' }, undefined],
    [{ kind: 'refused', reason }, { kind: 'failed', reason }, undefined],
    [{ kind: 'unheard', reason }, { kind: 'unheard', reason }, undefined],
    [{ kind: 'temporary', reason }, { kind: 'again', reason, counts: true }, undefined],
    [{ kind: 'busy', reason, retryAfter: undefined }, { kind: 'again', reason, counts: false }, undefined],
    [{ kind: 'busy', reason, retryAfter: 7 }, { kind: 'again', reason, counts: false, afterSeconds: 7 }, undefined],
    [{ kind: 'quota', reason }, { kind: 'again', reason, counts: false }, 'quota'],
    [{ kind: 'ours', reason }, { kind: 'again', reason, counts: false }, 'line_refused'],
  ])('after %j is %j', (outcome, fate, stop) => {
    expect(fateOf(outcome)).toEqual(fate)
    expect(stopOf(outcome)?.code).toBe(stop)
  })
})

it('an answer is lost some minutes before LINE forgets the key', () => {
  const since = new Date('2026-03-02T00:00:00Z')
  const after = (minutes: number) => isLost(since, new Date(since.getTime() + minutes * 60_000))
  expect([after(0), after(24 * 60 - 11), after(24 * 60 - 10), after(24 * 60)]).toEqual([false, false, true, true])
  expect(isLost(null, since)).toBe(false)
})

it('the next try waits as LINE asks, otherwise longer each time, and at most five minutes', () => {
  expect([0, 1, 2, 7, 8, 50].map((tries) => pauseSeconds(tries, undefined))).toEqual([2, 4, 8, 256, 300, 300])
  expect([pauseSeconds(0, 0), pauseSeconds(3, 30), pauseSeconds(0, 9999)]).toEqual([0, 30, 300])
})
