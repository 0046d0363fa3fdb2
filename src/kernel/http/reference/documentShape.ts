import { STATUS_CODES } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from '../request/strictSchema.ts'
import { isSchema } from '../request/strictSchema.ts'

const prefix = '#/components/schemas/'

/**
 * Moves every schema with a `title` into the components under that name and refers to it, so that nothing is repeated
 * and generated clients get names. If two different schemas have the same title, the second stays in place.
 */
export function nameSchemas(document: JsonSchema): JsonSchema {
  const named = new Map<string, JsonSchema>()
  const walk = (value: unknown, inSchema: boolean): unknown => {
    if (Array.isArray(value)) return value.map((one) => walk(one, inSchema))
    if (!isSchema(value)) return value
    const copy = Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        key === 'example' || key === 'examples' ? member : walk(member, inSchema || key === 'schema'),
      ]),
    )
    const { title } = copy
    if (!inSchema || typeof title !== 'string' || !/^[A-Za-z][\w.-]*$/.test(title) || !isTypeLike(copy)) return copy
    const before = named.get(title)
    if (before && !isDeepStrictEqual(before, copy)) return copy
    named.set(title, copy)
    return { $ref: prefix + title }
  }
  const paths = walk(document.paths, false)
  const components = isSchema(document.components) ? document.components : {}
  const schemas = isSchema(components.schemas) ? components.schemas : {}
  return { ...document, paths, components: { ...components, schemas: { ...schemas, ...Object.fromEntries(named) } } }
}

/** Distinguishes a schema with a title from an object of properties, one of which is called `title`. */
function isTypeLike(value: JsonSchema): boolean {
  return ['type', 'anyOf', 'oneOf', 'allOf', 'enum', 'const'].some((key) => key in value)
}

/** Drops the schemas and security schemes that no operation refers to. */
export function onlyUsed(document: JsonSchema): JsonSchema {
  const components = isSchema(document.components) ? document.components : {}
  const schemas = isSchema(components.schemas) ? components.schemas : {}
  const used = new Set<string>()
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    if (!isSchema(value)) return
    const name =
      typeof value.$ref === 'string' && value.$ref.startsWith(prefix) ? value.$ref.slice(prefix.length) : undefined
    if (name !== undefined && !used.has(name)) {
      used.add(name)
      visit(schemas[name])
    }
    Object.values(value).forEach(visit)
  }
  visit(document.paths)
  visit(components.responses)
  visit(components.parameters)
  const securitySchemes = keep(components.securitySchemes, securityNamesOf(document))
  return { ...document, components: { ...components, securitySchemes, schemas: keep(schemas, used) } }
}

function securityNamesOf(document: JsonSchema): ReadonlySet<string> {
  const requirements = operationsOf(document).flatMap(({ security }) => (Array.isArray(security) ? security : []))
  return new Set(requirements.filter(isSchema).flatMap((requirement) => Object.keys(requirement)))
}

function keep(record: unknown, names: ReadonlySet<string>): JsonSchema {
  return Object.fromEntries(Object.entries(isSchema(record) ? record : {}).filter(([name]) => names.has(name)))
}

function operationsOf(document: JsonSchema): readonly JsonSchema[] {
  const items = Object.values(isSchema(document.paths) ? document.paths : {}).filter(isSchema)
  return items.flatMap((item) => Object.values(item).filter(isSchema))
}

/** Lists the tags that operations use, with their descriptions if known. */
export function listTags(document: JsonSchema, descriptions: Readonly<Record<string, string>>): JsonSchema {
  const used = new Set(operationsOf(document).flatMap((one) => (Array.isArray(one.tags) ? one.tags.map(String) : [])))
  const tags = [...used].sort().map((name) => {
    const description = descriptions[name]
    return description === undefined ? { name } : { name, description }
  })
  return { ...document, tags }
}

/** Sorts paths and schemas by name, and describes answers without a description by their status. */
export function sorted(document: JsonSchema): JsonSchema {
  const components = isSchema(document.components) ? document.components : {}
  return {
    ...document,
    paths: byName(describeAnswers(document.paths)),
    components: { ...components, schemas: byName(components.schemas) },
  }
}

/** A record sorted by name. */
export function byName(record: unknown): JsonSchema {
  if (!isSchema(record)) return {}
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function describeAnswers(paths: unknown): JsonSchema {
  return mapRecord(paths, (operations) => byName(mapRecord(operations, (operation) => describeOperation(operation))))
}

/**
 * Moves `style` and `explode` from a parameter's schema to the parameter, where OpenAPI has them; routes declare only
 * the schema.
 */
function serializationOf(parameter: unknown): unknown {
  if (!isSchema(parameter) || !isSchema(parameter.schema)) return parameter
  const { style, explode, ...schema } = parameter.schema
  return style === undefined ? parameter : { ...parameter, style, explode, schema }
}

function describeOperation(described: unknown): unknown {
  if (!isSchema(described) || !isSchema(described.responses)) return described
  const { parameters } = described
  const operation = Array.isArray(parameters)
    ? { ...described, parameters: parameters.map(serializationOf) }
    : described
  const responses = mapRecord(described.responses, (answer, status) =>
    isSchema(answer) && answer.description === 'Default Response'
      ? { ...answer, description: STATUS_CODES[status] ?? 'Answer' }
      : answer,
  )
  return { ...operation, responses }
}

export function mapRecord(record: unknown, change: (value: unknown, key: string) => unknown): JsonSchema {
  return isSchema(record)
    ? Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]))
    : {}
}
