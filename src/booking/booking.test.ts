import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { creditChange, FULL_CREDIT } from './credit.ts'
import { minutesAfter, minutesBetween, overlaps } from './interval.ts'
import { defineLifecycle } from './lifecycle.ts'
import { withinQuota } from './quota.ts'
import { nextOffers } from './waitingList.ts'

const instant = fc.integer({ min: 0, max: 10_000 }).map((minute) => new Date(minute * 60_000))
const interval = fc
  .tuple(instant, fc.integer({ min: 1, max: 500 }))
  .map(([start, length]) => ({ start, end: minutesAfter(start, length) }))

describe('intervals', () => {
  it('overlap exactly when some minute lies in both, whichever comes first', () => {
    fc.assert(
      fc.property(interval, interval, (a, b) => {
        let shared = false
        for (let at = a.start; at < a.end; at = minutesAfter(at, 1)) shared ||= at >= b.start && at < b.end
        expect(overlaps(a, b)).toBe(shared)
        expect(overlaps(b, a)).toBe(shared)
      }),
    )
  })

  it('do not overlap where one ends when the other starts', () => {
    const [nine, ten, eleven] = [9, 10, 11].map((hour) => new Date(Date.UTC(2030, 0, 1, hour))) as [Date, Date, Date]
    expect(overlaps({ start: nine, end: ten }, { start: ten, end: eleven })).toBe(false)
  })

  it('count whole minutes', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 0, max: 59_999 }), fc.nat(500), (start, rest, minutes) => {
        expect(minutesBetween(start, new Date(start.getTime() + minutes * 60_000 + rest))).toBe(minutes)
      }),
    )
  })
})

describe('a lifecycle', () => {
  const door = defineLifecycle({ open: ['shut'], shut: ['open', 'locked'], locked: [] })

  it('allows exactly the moves of its table', () => {
    expect(door.mayMove('open', 'shut')).toBe(true)
    expect(door.mayMove('open', 'locked')).toBe(false)
    expect(door.mayMove('open', 'open')).toBe(false)
  })

  it('knows where a state can be reached from, and which are final', () => {
    expect(door.sourcesOf('shut')).toEqual(['open'])
    expect(door.sourcesOf('locked')).toEqual(['shut'])
    expect(door.final).toEqual(['locked'])
  })
})

describe('a quota', () => {
  const counts = { active: 3, day: 1, week: 2 }

  it('is used up when the count of its window reaches it', () => {
    expect(withinQuota(counts, 'active', 3)).toBe(false)
    expect(withinQuota(counts, 'active', 4)).toBe(true)
    expect(withinQuota(counts, 'day', 1)).toBe(false)
    expect(withinQuota(counts, 'week', 3)).toBe(true)
  })

  it('without a limit never ends, with a limit of 0 never begins', () => {
    expect(withinQuota({ active: 1e6, day: 1e6, week: 1e6 }, 'week', null)).toBe(true)
    expect(withinQuota({ active: 0, day: 0, week: 0 }, 'active', 0)).toBe(false)
  })
})

describe('credit', () => {
  it('stays within 0 and 100, and changes by as much as possible', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: FULL_CREDIT }), fc.integer({ min: -300, max: 300 }), (score, wanted) => {
        const after = score + creditChange(score, wanted)
        expect(after).toBe(Math.max(0, Math.min(100, score + wanted)))
      }),
    )
  })
})

describe('offers to a waiting list', () => {
  const queue = fc
    .array(fc.integer({ min: 1, max: 5 }), { maxLength: 20 })
    .map((sizes) => sizes.map((partySize, id) => ({ id, partySize })))

  it('never exceed the free places, keep the order, and skip only parties that do not fit', () => {
    fc.assert(
      fc.property(queue, fc.nat(30), (waiting, free) => {
        const offers = nextOffers(waiting, free)
        const given = offers.reduce((sum, offer) => sum + offer.partySize, 0)
        expect(given).toBeLessThanOrEqual(free)
        expect(offers.map((offer) => offer.id)).toEqual(offers.map((offer) => offer.id).sort((a, b) => a - b))
        for (const entry of waiting) if (!offers.includes(entry)) expect(entry.partySize).toBeGreaterThan(free - given)
      }),
    )
  })

  it('go to the earliest entries', () => {
    const waiting = [3, 1, 2].map((id) => ({ id, partySize: 1 }))
    expect(nextOffers(waiting, 2).map((offer) => offer.id)).toEqual([3, 1])
  })
})
