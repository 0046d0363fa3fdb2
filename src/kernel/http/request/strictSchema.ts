/** A JSON schema as plain JSON. */
export type JsonSchema = Readonly<Record<string, unknown>>

const schemaMaps = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
const schemaLists = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems'])
const singleSchemas = new Set([
  'items',
  'additionalProperties',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
])
/** Keywords whose branches apply to the same object as the schema that contains them. */
const samePlace = new Set(['anyOf', 'oneOf', 'allOf', 'not', 'if', 'then', 'else'])

interface Strictness {
  /** True for bodies: objects accept no members that the schema does not name. */
  readonly closed: boolean
}

/**
 * A copy of a request schema with the rules that always apply: integers stay below 2^53, and with `closed` objects
 * accept only named members (unless `additionalProperties` is stated). Tuples get their JSON Schema 2020-12 form.
 * Validation and the API reference both use this copy, so that they agree.
 */
export function strict(schema: object, { closed }: Strictness): JsonSchema {
  return tighten({ ...schema }, closed, closed)
}

function tighten(schema: JsonSchema, closeHere: boolean, closed: boolean): JsonSchema {
  const isIntersection = Array.isArray(schema.allOf)
  const branchesClose = closeHere && !isIntersection
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    const close = samePlace.has(key) ? branchesClose && key !== 'not' && key !== 'if' : closed
    if (schemaMaps.has(key) && isSchema(value))
      copy[key] = mapValues(value, (member) => tightenAny(member, close, closed))
    else if (schemaLists.has(key) && Array.isArray(value))
      copy[key] = value.map((one) => tightenAny(one, close, closed))
    else if (key === 'items' && Array.isArray(value))
      copy.prefixItems = value.map((one) => tightenAny(one, close, closed))
    else if (key === 'additionalItems') copy.items = value
    else if (singleSchemas.has(key)) copy[key] = tightenAny(value, close, closed)
    else copy[key] = value
  }
  if (hasType(schema, 'integer')) boundInteger(copy)
  if (closeHere) close(copy, isIntersection)
  return copy
}

function tightenAny(value: unknown, closeHere: boolean, closed: boolean): unknown {
  return isSchema(value) ? tighten(value, closeHere, closed) : value
}

function close(schema: Record<string, unknown>, isIntersection: boolean): void {
  if ('additionalProperties' in schema || 'unevaluatedProperties' in schema) return
  if (isIntersection) {
    if (describesObject(schema)) schema.unevaluatedProperties = false
  } else if ('properties' in schema || 'patternProperties' in schema) {
    schema.additionalProperties = false
  }
}

/** Whether a branch of an intersection, at any depth, names members. */
function describesObject(schema: JsonSchema): boolean {
  if ('properties' in schema) return true
  return [schema.allOf, schema.anyOf, schema.oneOf].some(
    (branches) => Array.isArray(branches) && branches.some((branch) => isSchema(branch) && describesObject(branch)),
  )
}

function boundInteger(schema: Record<string, unknown>): void {
  if (!('minimum' in schema || 'exclusiveMinimum' in schema)) schema.minimum = Number.MIN_SAFE_INTEGER
  if (!('maximum' in schema || 'exclusiveMaximum' in schema)) schema.maximum = Number.MAX_SAFE_INTEGER
}

function hasType(schema: JsonSchema, type: string): boolean {
  return schema.type === type || (Array.isArray(schema.type) && schema.type.includes(type))
}

/** True for a schema that is an object; `true` and `false` are schemas too, but have no content. */
export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mapValues(record: JsonSchema, change: (value: unknown) => unknown): JsonSchema {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
