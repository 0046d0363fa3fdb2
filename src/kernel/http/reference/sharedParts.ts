import { STATUS_CODES } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from '../request/strictSchema.ts'
import { isSchema } from '../request/strictSchema.ts'
import { byName, mapRecord } from './documentShape.ts'
import { standardAnswers } from './operation.ts'

/** Number of operations that must share a parameter before it gets a name. */
const enough = 3

/**
 * Moves answers with standard descriptions (errors, 304) and parameters that several operations share into the
 * components, and refers to them. Schemas must be named already, see `nameSchemas`.
 */
export function nameSharedParts(document: JsonSchema): JsonSchema {
  const responses = new Map<string, JsonSchema>()
  const parameters = commonParameters(document.paths)
  const paths = mapOperations(document.paths, (operation) => ({
    ...operation,
    ...(Array.isArray(operation.parameters) && {
      parameters: operation.parameters.map((one) => referenceTo('parameters', parameters, parameterName(one), one)),
    }),
    responses: mapRecord(operation.responses, (answer, status) => {
      const name = answerName(answer, status)
      if (name !== undefined && isSchema(answer) && !responses.has(name)) responses.set(name, answer)
      return referenceTo('responses', responses, name, answer)
    }),
  }))
  const components = isSchema(document.components) ? document.components : {}
  const shared = {
    parameters: byName(Object.fromEntries(parameters)),
    responses: byName(Object.fromEntries(responses)),
  }
  return { ...document, paths, components: { ...components, ...shared } }
}

/** A reference to the component of this name, or the value itself if it differs from the component. */
function referenceTo(
  kind: string,
  known: ReadonlyMap<string, JsonSchema>,
  name: string | undefined,
  value: unknown,
): unknown {
  return name !== undefined && isDeepStrictEqual(known.get(name), value)
    ? { $ref: `#/components/${kind}/${name}` }
    : value
}

/**
 * The name of an answer: `NotFound`, `RoomRefusalTooManyRequests`. It is the phrase of the status, prefixed by the
 * schema of the error unless that is a problem document. Answers with descriptions of their own have no name.
 */
function answerName(answer: unknown, status: string): string | undefined {
  if (!isSchema(answer) || answer.description !== standardAnswers[Number(status)]) return undefined
  const [content] = isSchema(answer.content) ? Object.values(answer.content) : []
  const schema = isSchema(content) && isSchema(content.schema) ? content.schema : {}
  const form = typeof schema.$ref === 'string' ? (schema.$ref.split('/').at(-1) ?? '') : ''
  return (form === 'Problem' ? '' : form) + pascalCase(STATUS_CODES[status] ?? status)
}

/** Finds the shared parameters: for each name the variant that more than half of its uses have, if there is one. */
function commonParameters(paths: unknown): Map<string, JsonSchema> {
  const counts = new Map<string, { readonly parameter: JsonSchema; count: number }>()
  const totals = new Map<string, number>()
  mapOperations(paths, (operation) => {
    for (const parameter of Array.isArray(operation.parameters) ? operation.parameters.filter(isSchema) : []) {
      const key = JSON.stringify(parameter)
      const known = counts.get(key) ?? { parameter, count: 0 }
      known.count += 1
      counts.set(key, known)
      const name = parameterName(parameter)
      totals.set(name, (totals.get(name) ?? 0) + 1)
    }
    return operation
  })
  const common = [...counts.values()].flatMap(({ parameter, count }) => {
    const name = parameterName(parameter)
    return count >= enough && count > (totals.get(name) ?? 0) / 2 ? [[name, parameter] as const] : []
  })
  return new Map(common)
}

function parameterName(parameter: unknown): string {
  return isSchema(parameter) ? pascalCase(String(parameter.name)) : ''
}

function pascalCase(words: string): string {
  return words.replace(/(?:^|[^A-Za-z0-9]+)(\w?)/g, (_, next: string) => next.toUpperCase())
}

function mapOperations(paths: unknown, change: (operation: JsonSchema) => JsonSchema): JsonSchema {
  return mapRecord(paths, (item) =>
    mapRecord(item, (operation) => (isSchema(operation) ? change(operation) : operation)),
  )
}
