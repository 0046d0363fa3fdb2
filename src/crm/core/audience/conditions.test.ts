import { describe, expect, test } from 'vitest'
import { DomainError } from '../../../kernel/errors.ts'
import { LEAF_EXAMPLES, readCondition } from './conditions.ts'

/** Messages of a refused condition, by pointer. */
function faults(value: unknown): string[] {
  try {
    readCondition(value)
    return []
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return (error.errors ?? []).map(({ path }) => path)
  }
}

const deep = (levels: number): unknown => (levels === 1 ? { kind: 'has', what: 'email' } : { not: deep(levels - 1) })
const wide = (leaves: number): unknown => ({
  any: Array.from({ length: Math.ceil(leaves / 50) }, (_, n) => ({
    all: Array.from({ length: Math.min(50, leaves - n * 50) }, () => ({ kind: 'has', what: 'email' })),
  })),
})

describe('reading a condition', () => {
  test('takes every example', () => {
    for (const example of LEAF_EXAMPLES) expect(faults(example), example.kind).toEqual([])
  })

  test('takes 9 levels and 100 leaves, and no more', () => {
    expect(faults(deep(9))).toEqual([])
    expect(faults(deep(10))).toEqual([`/condition${'/not'.repeat(9)}`])
    expect(faults(wide(100))).toEqual([])
    expect(faults(wide(101))).toEqual(['/condition/any/2/all/0'])
    expect(faults({ kind: 'tags', any: Array.from({ length: 101 }, (_, n) => n + 1) })).toEqual(['/condition/any'])
  })

  test.each([
    [null, '/condition'],
    [[], '/condition'],
    [{}, '/condition/kind'],
    [{ kind: 'constructor' }, '/condition/kind'],
    [{ all: [] }, '/condition/all'],
    [{ all: [{ any: [{ kind: 'tags' }] }] }, '/condition/all/0/any/0'],
    [{ kind: 'tags', any: [0] }, '/condition/any/0'],
    [{ kind: 'tags', any: [1], of: 1 }, '/condition'],
    [{ kind: 'age', from: 30, to: 29 }, '/condition/to'],
    [{ kind: 'created_at', before: '2026-02-30' }, '/condition/before'],
    [{ kind: 'consumption', period: { from: '2026-01-02', to: '2026-01-03' } }, '/condition'],
    [
      { kind: 'consumption', orders: { from: 1 }, period: { from: '2026-01-02', to: '2026-01-01' } },
      '/condition/period/to',
    ],
    [
      { kind: 'consumption', orders: { from: 1 }, last_check_out: { after: '2026-13-01' } },
      '/condition/last_check_out/after',
    ],
    [{ kind: 'name', contains: ' ・ ' }, '/condition/contains'],
    [{ not: [{ kind: 'has', what: 'email' }] }, '/condition/not'],
  ])('names the wrong part of %j', (value, path) => {
    expect(faults(value)).toEqual([path])
  })
})
