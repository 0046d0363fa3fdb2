import fc from 'fast-check'
import { isSchema, type JsonSchema } from '../../src/kernel/http/request/strictSchema.ts'
import { SLOTS } from './filledWorld.ts'
import type { Operation } from './operations.ts'

/** A request that follows the document completely or almost. */
export interface NearlyValid {
  /** The name of the operation. */
  readonly operation: string
  readonly url: string
  readonly body: unknown
  /** A number from which the fuzzer chooses the sender. */
  readonly actor: number
}

/** Ids that exist for most kinds of objects. */
const knownId = fc.integer({ min: 1, max: 9 })

const day = fc.integer({ min: 1, max: 12 }).map((one) => `2026-03-${String(one).padStart(2, '0')}`)
const time = fc
  .tuple(fc.integer({ min: 7, max: 21 }), fc.constantFrom('00', '30', '59:59'))
  .map(([hour, rest]) => `${String(hour).padStart(2, '0')}:${rest}`)
const edgeDays = fc.constantFrom('1900-01-01', '2199-12-31', '2024-02-29', '2027-01-01')
const someDay = fc.oneof({ weight: 6, arbitrary: day }, edgeDays)

const formats: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'local-date': someDay,
  'local-time': fc.oneof(time, fc.constantFrom('00:00', '23:59:59')),
  'local-time-or-midnight': fc.oneof(time, fc.constantFrom('24:00', '00:00')),
  instant: fc
    .tuple(someDay, time, fc.constantFrom('', 'Z', '+08:00', '-14:59', '.123456789Z'))
    .map(([date, at, zone]) => `${date}T${at.length === 5 && zone.startsWith('.') ? `${at}:00` : at}${zone}`),
  email: fc.constantFrom('a@example.com', 'A.B+c@Example.COM', `${'a'.repeat(64)}@example.com`),
  'date-time': fc.constant('2026-03-05T09:00:00+08:00'),
}

const known = new Map<string, fc.Arbitrary<unknown>>()

/** Values for a schema: most are valid, and ids that exist come more often. Some texts break its pattern or length. */
function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  // Cached: many schemas are equal, and making an arbitrary takes longer than using it.
  const key = JSON.stringify(schema)
  const made = known.get(key) ?? arbitraryOf(schema)
  known.set(key, made)
  return made
}

function arbitraryOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const alternatives = schema.anyOf ?? schema.oneOf
  if (Array.isArray(alternatives)) return fc.oneof(...alternatives.filter(isSchema).map(valuesOf))
  if ('const' in schema) return fc.constant(schema.const)
  if (Array.isArray(schema.enum)) return fc.constantFrom<unknown>(...schema.enum)
  const types = [schema.type].flat().map(String)
  return types.length === 1 ? ofType(types[0], schema) : fc.oneof(...types.map((type) => ofType(type, schema)))
}

function ofType(type: string | undefined, schema: JsonSchema): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return integers(schema)
    case 'number':
      return fc.double({ min: Number(schema.minimum ?? -1e6), max: Number(schema.maximum ?? 1e6), noNaN: true })
    case 'string':
      return texts(schema)
    case 'array':
      return fc.array(valuesOf(isSchema(schema.items) ? schema.items : {}), {
        minLength: Number(schema.minItems ?? 0),
        maxLength: Math.min(4, Number(schema.maxItems ?? 4)),
      })
    default:
      return objects(schema)
  }
}

function integers(schema: JsonSchema): fc.Arbitrary<number> {
  const min = Number(schema.minimum ?? Number.MIN_SAFE_INTEGER)
  const max = Number(schema.maximum ?? Number.MAX_SAFE_INTEGER)
  const inside = (one: number) => Math.min(max, Math.max(min, one))
  return fc.oneof(
    { weight: 8, arbitrary: knownId.map(inside) },
    { weight: 1, arbitrary: fc.constantFrom(min, max) },
    { weight: 1, arbitrary: fc.integer({ min, max }) },
  )
}

function texts({ format, pattern, minLength, maxLength, examples }: JsonSchema): fc.Arbitrary<string> {
  const known = formats[String(format)]
  if (known) return known
  const bounds = { minLength: Number(minLength ?? 0), maxLength: Math.min(30, Number(maxLength ?? 30)) }
  const any = [fc.string({ unit: 'grapheme', ...bounds }), fc.string({ unit: 'binary', ...bounds })]
  const given = Array.isArray(examples) && examples.length > 0 ? [fc.constantFrom(...examples.map(String))] : []
  const fitting = typeof pattern === 'string' ? [fc.stringMatching(new RegExp(pattern, 'u'))] : []
  const longest = fc.constant('预'.repeat(Number(maxLength ?? 30)))
  const special = fc.constantFrom('%', '_', '\\', "'; --", '{{ 1 | divided_by: 0 }}', '<b>', '\u202e', '=1+1')
  return fc.oneof(...any, ...given, ...fitting, longest, special)
}

function objects(schema: JsonSchema): fc.Arbitrary<unknown> {
  const properties = isSchema(schema.properties) ? schema.properties : {}
  const required = new Set(Array.isArray(schema.required) ? schema.required : [])
  const model = Object.fromEntries(
    Object.entries(properties).map(([name, one]) => [name, namedValues(name, isSchema(one) ? one : {})]),
  )
  return fc.record(model, { requiredKeys: Object.keys(model).filter((name) => required.has(name)) })
}

/**
 * Requests to any of these operations; one body in ten has a wrong member. Destructive operations are rare, and
 * aliases, which have the same handler, are four times rarer than their originals.
 */
export function requestsTo(operations: readonly Operation[]): fc.Arbitrary<NearlyValid> {
  return fc.oneof(
    ...operations.map((one) => ({ weight: weightOf(one) * (one.isAlias ? 1 : 4), arbitrary: requestTo(one) })),
  )
}

/**
 * Relative frequency of an operation. Booking comes most often; operations that could end or forbid all bookings are
 * rare.
 */
function weightOf({ method, path }: Operation): number {
  if (method === 'GET') return 16
  if (method === 'DELETE' && !path.endsWith('/reservations/{id}')) return 2
  if (/\/status|\/maintenance|opening-hours|\/rules/.test(path)) return 1
  if (/\/users\/(?:\{user_id\}|me)/.test(path)) return 4
  if (path.endsWith('/reservations')) return 300
  return /reservations|waiting-list/.test(path) ? 40 : 16
}

function requestTo(operation: Operation): fc.Arbitrary<NearlyValid> {
  const parameters = operation.parameters.map(({ in: place, name, schema, required }) =>
    // Never sent: `fields` leaves members out of the answer, but the document shows the whole answer.
    name === 'fields' && place === 'query'
      ? fc.constant(undefined)
      : place === 'path' || required
        ? name === 'user_id'
          ? valuesOf(schema)
          : namedValues(name, schema)
        : fc.option(namedValues(name, schema), { freq: 2, nil: undefined }),
  )
  return fc
    .record({
      parameters: fc.tuple(...parameters),
      body: operation.body ? bodies(operation.body) : fc.constant(undefined),
      actor: fc.nat({ max: 1000 }),
    })
    .map(({ parameters, body, actor }) => ({
      operation: operation.name,
      url: urlOf(operation, parameters),
      body,
      actor,
    }))
}

/** Values of a member or parameter; in nine of ten cases the usual ones for its name, if there are any. */
function namedValues(name: string, schema: JsonSchema): fc.Arbitrary<unknown> {
  const values = valuesOf(schema)
  const usual = usualValues[name]
  return usual ? fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: values }) : values
}

const someSlot = fc.integer({ min: 1, max: SLOTS })
const usualValues: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  slot_id: someSlot,
  time_slot_id: someSlot,
  party_size: fc.constant(1),
  // Left out of the JSON: then the reservation is for the caller.
  user_id: fc.constant(undefined),
}

function bodies(schema: JsonSchema): fc.Arbitrary<unknown> {
  const good = valuesOf(schema)
  const spoilt = fc
    .tuple(good, fc.nat({ max: 20 }), fc.constantFrom<unknown>(null, '', -1, 1e9, [], {}, true))
    .map(([body, at, wrong]) => {
      const names = isSchema(body) ? Object.keys(body) : []
      const name = names[at % Math.max(1, names.length)]
      return isSchema(body) && name !== undefined ? { ...body, [name]: wrong } : wrong
    })
  return fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: spoilt })
}

function urlOf({ path, parameters }: Operation, values: readonly unknown[]): string {
  const query: string[] = []
  let url = path
  for (const [index, { name, in: place }] of parameters.entries()) {
    const value = values[index]
    if (value === undefined || value === null) continue
    const text = encodeURIComponent(String(value).toWellFormed())
    if (place === 'path') url = url.replace(`{${name}}`, text)
    else if (place === 'query') query.push(`${name}=${text}`)
  }
  return query.length === 0 ? url : `${url}?${query.join('&')}`
}
