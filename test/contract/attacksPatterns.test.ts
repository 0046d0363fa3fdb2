import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isSchema } from '../../src/kernel/http/request/strictSchema.ts'

/** A pattern of the API reference, and the longest text it is tried on. */
interface Pattern {
  readonly pattern: string
  readonly longest: number
}

/** Longest text of a body: after an error validation goes on, so a text that is too long is still matched. */
const BODY = 1024 * 1024
const PATH = 500
/** Longest time of a match in milliseconds: all requests share one thread. */
const PATIENCE = 100

function patternsIn(value: unknown, longest: number): Pattern[] {
  if (Array.isArray(value)) return value.flatMap((one) => patternsIn(one, longest))
  if (!isSchema(value)) return []
  const below = value.in === 'path' ? PATH : longest
  const own = typeof value.pattern === 'string' ? [{ pattern: value.pattern, longest: below }] : []
  return [...own, ...Object.values(value).flatMap((one) => patternsIn(one, below))]
}

/** Texts that make patterns backtrack: long runs of repeated characters, with an end that does not match. */
function adversaries(pattern: string, length: number): string[] {
  const literals = [...pattern.replaceAll(/\\[a-zA-Z]\{?[^}]*\}?|[[\](){}^$*+?|\\]/g, ' ').matchAll(/[^\s]+/g)].map(
    ([text]) => text,
  )
  const pieces = [
    'a',
    '0',
    ' ',
    '\t',
    '.',
    '-',
    '_',
    '@',
    ',',
    '1,',
    'a.',
    'a_',
    '\u200b',
    '预',
    'http://',
    ...literals,
  ]
  return pieces.flatMap((piece) => {
    const run = piece.repeat(Math.ceil(length / piece.length)).slice(0, length)
    return [run, `${run}!`, `${run}\n`, `!${run}`, `${run.slice(0, length / 2)}!${run.slice(0, length / 2)}`]
  })
}

/** The longest time that a text takes, or the time of the first text over the limit. */
function slowest({ pattern, longest }: Pattern): number {
  const expression = new RegExp(pattern, 'u')
  let most = 0
  for (const text of adversaries(pattern, longest)) {
    // A busy machine may delay one measurement, but hardly three in a row.
    const times = [timeOf(expression, text)]
    while (times.length < 3 && (times.at(-1) ?? 0) > PATIENCE) times.push(timeOf(expression, text))
    most = Math.max(most, Math.min(...times))
    if (most > PATIENCE) break
  }
  return most
}

function timeOf(expression: RegExp, text: string): number {
  const start = performance.now()
  expression.test(text)
  return performance.now() - start
}

describe('The patterns of the API reference', () => {
  const folder = new URL('../../openapi/', import.meta.url)
  const found = readdirSync(folder).flatMap((name) =>
    patternsIn(JSON.parse(readFileSync(new URL(name, folder), 'utf8')), BODY),
  )
  const distinct = [...new Map(found.map((one) => [`${one.pattern} ${one.longest}`, one])).values()]

  it('are found', () => expect(distinct.length).toBeGreaterThan(5))

  it.each(distinct)('match texts that provoke backtracking in bounded time: $pattern', (one) =>
    expect(slowest(one)).toBeLessThan(PATIENCE),
  )

  it('would be noticed if they were slow', () => {
    expect(slowest({ pattern: '^(a+)+$', longest: 26 })).toBeGreaterThan(PATIENCE)
    expect(slowest({ pattern: '\\s+$', longest: 16_000 })).toBeGreaterThan(PATIENCE)
  })
})
