import { afterAll, describe, expect, it } from 'vitest'
import { isSchema, type JsonSchema } from '../../src/kernel/http/request/strictSchema.ts'
import { openWorld } from '../support/world.ts'
import { envelopeOf } from './envelopes.ts'
import { readDocument } from './operations.ts'

const world = await openWorld()
afterAll(() => world.close())

/** Formats that limit the length of a text by themselves. */
const shortFormats = new Set(['local-date', 'local-time', 'local-time-or-midnight', 'uuid'])
/** True if the pattern is anchored at both ends and has no unbounded repetition. */
const isShortPattern = (pattern: string) => /^\^.*\$$/.test(pattern) && !/[*+]|\{\d+,\}/.test(pattern)

/** True for a map with a bounded number of members of one bounded type. */
const isMap = (schema: JsonSchema) => 'maxProperties' in schema && isSchema(schema.additionalProperties)

/** Conditions limit their parts and levels themselves (kernel/notifications/people/conditions.ts). */
const isCondition = (at: string) => at.endsWith('/condition')

/**
 * Lists where a schema accepts texts or lists of any length, or numbers of any size; unless `open`, also members of any
 * name.
 */
function unbounded(schema: JsonSchema, at: string, open = false): string[] {
  const types = [schema.type].flat()
  const isChosen = 'enum' in schema || 'const' in schema
  const isShort =
    'maxLength' in schema || shortFormats.has(String(schema.format)) || isShortPattern(String(schema.pattern))
  const own = [
    types.includes('string') && !isChosen && !isShort && `${at}: a text of any length`,
    types.includes('array') && !('maxItems' in schema) && `${at}: a list of any length`,
    (types.includes('integer') || types.includes('number')) &&
      !isChosen &&
      !('minimum' in schema && 'maximum' in schema) &&
      `${at}: a number of any size`,
    types.includes('object') && schema.additionalProperties !== false && !isMap(schema) && !open && `${at}: any member`,
    !('type' in schema) && !isChosen && !('anyOf' in schema) && !('oneOf' in schema) && `${at}: anything`,
  ].filter((one) => one !== false)
  const properties = isSchema(schema.properties) ? Object.entries(schema.properties) : []
  const branches = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((all) => (Array.isArray(all) ? all : []))
  const parts: [string, unknown][] = [
    ...properties.map(([name, one]): [string, unknown] => [`${at}/${name}`, one]),
    [`${at}[]`, schema.items],
    [`${at}{}`, schema.additionalProperties],
    ...branches.map((one): [string, unknown] => [at, one]),
  ]
  return [
    ...own,
    ...parts.flatMap(([where, part]) => (isSchema(part) && !isCondition(where) ? unbounded(part, where, open) : [])),
  ]
}

describe('The API reference', () => {
  it('bounds every text, list, number and object of every request body, query and path', () => {
    const { operations } = readDocument(world.app)
    const found = operations.flatMap(({ name, body, parameters, product }) => [
      // Some products overlook unknown members; the size limit of the whole body bounds them.
      ...(body ? unbounded(body, `${name} body`, envelopeOf({ product }).overlooksUnknown) : []),
      ...parameters.flatMap((one) => unbounded(one.schema, `${name} ${one.in} ${one.name}`)),
    ])
    expect(operations.length).toBeGreaterThan(200)
    expect(found).toEqual([])
  })

  it('would notice a value without bounds', () => {
    const closed = { type: 'object', additionalProperties: false }
    expect(unbounded({ ...closed, properties: { a: { type: 'string', format: 'email' } } }, '')).toHaveLength(1)
    expect(unbounded({ type: 'array', items: { type: 'string', maxLength: 3 } }, '')).toHaveLength(1)
    expect(unbounded({ type: 'integer', minimum: 1 }, '')).toHaveLength(1)
    expect(unbounded({ type: 'string', pattern: '^[0-9]+$' }, '')).toHaveLength(1)
    expect(unbounded({ type: 'object' }, '')).toHaveLength(1)
    expect(unbounded({}, '')).toHaveLength(1)
  })
})
