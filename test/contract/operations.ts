import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import { expect } from 'vitest'
import type { App } from '../../src/kernel/http/app.ts'
import { isInstant, isLocalDate, isLocalTime, isLocalTimeOrMidnight } from '../../src/kernel/http/formats.ts'
import { describe as describeApi } from '../../src/kernel/http/openapi.ts'
import { isSchema, type JsonSchema } from '../../src/kernel/http/strictSchema.ts'

/** One operation of the published document, an alias counting as one of its own. */
export interface Operation {
  /** As 'GET /api/v1/venues/{venue_id}'. */
  readonly name: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly isAlias: boolean
  /** 'public', 'signed-in' or the name of a permission. */
  readonly permission: string
  readonly parameters: readonly Parameter[]
  /** With every `$ref` replaced by what it stands for. */
  readonly body: JsonSchema | undefined
  readonly bodyRequired: boolean
  readonly takesIdempotencyKey: boolean
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: JsonSchema
}

/** What came back, before anybody has looked at it. */
export interface RawAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** The published document with what the tests of this folder ask of it. */
export interface ApiDocument {
  readonly operations: readonly Operation[]
  operation(name: string): Operation
  /** True when a body is what the document asks of the operation. */
  takesBody(operation: Operation, body: unknown): boolean
  /** True when the text is what the document asks of a parameter, which is coerced as the server coerces it. */
  takesText(schema: JsonSchema, value: string | readonly string[]): boolean
  /** Fails unless the answer is one that the document shows for the operation and the status. */
  expectDocumented(operation: Operation, answer: RawAnswer): void
}

/** Reads the document that the program publishes of itself. */
export function readDocument(app: App): ApiDocument {
  const document = describeApi(app)
  const operations = entries(document.paths).flatMap(([path, item]) =>
    entries(item).map(([method, operation]) => readOperation(document, path, method, operation)),
  )
  const ajv = createAjv(false)
  ajv.addSchema({ ...document, $id: 'openapi' })
  const coercing = createAjv('array')
  const texts = new Map<string, ValidateFunction>()
  const bodies = new Map<string, ValidateFunction>()
  const answers = new Map<string, ValidateFunction | 'empty' | undefined>()

  return {
    operations,
    operation(name) {
      const found = operations.find((one) => one.name === name)
      if (!found) throw new Error(`the document has no ${name}`)
      return found
    },
    takesBody(operation, body) {
      if (!operation.body) return true
      const check = remembered(bodies, operation.name, () => ajv.compile(operation.body ?? {}))
      return check(body)
    },
    takesText(schema, value) {
      const check = remembered(texts, JSON.stringify(schema), () =>
        coercing.compile({ type: 'object', properties: { value: schema } }),
      )
      return check({ value: structuredClone(value) })
    },
    expectDocumented(operation, answer) {
      const { statusCode: status } = answer
      const key = `${operation.name} ${status}`
      const type = String(answer.headers['content-type'] ?? 'application/json').split(';')[0] ?? ''
      if (!type.endsWith('json')) {
        // Files: that they are of a type the document shows is all that can be said.
        return expect(otherTypes(document, operation, status), key).toContain(type)
      }
      const check = remembered(answers, key, () => answerCheck(ajv, document, operation, status))
      if (check === undefined) throw new Error(`${operation.name} answers ${status}, which the document does not show`)
      if (check === 'empty') return expect(answer.body, key).toBe('')
      const body: unknown = JSON.parse(answer.body)
      if (!check(body)) {
        throw new Error(`${key} is not what the document shows: ${ajv.errorsText(check.errors)}\n${answer.body}`)
      }
    },
  }
}

function readOperation(document: JsonSchema, path: string, method: string, operation: JsonSchema): Operation {
  const parameters = list(operation.parameters).map(
    (one): Parameter => ({
      name: String(one.name),
      in: String(one.in),
      required: one.required === true,
      schema: inlined(document, one.schema),
    }),
  )
  const content = member(operation.requestBody, 'content')
  // Files come as forms, which have tests of their own.
  const schema = member(content, 'application/json')?.schema
  return {
    name: `${method.toUpperCase()} ${path}`,
    method: methodOf(method),
    path,
    isAlias: operation['x-alias-of'] !== undefined,
    permission: typeof operation['x-permission'] === 'string' ? operation['x-permission'] : 'public',
    parameters,
    body: schema === undefined ? undefined : inlined(document, schema),
    bodyRequired: member(operation, 'requestBody')?.required === true,
    takesIdempotencyKey: parameters.some(({ name }) => name === 'Idempotency-Key'),
  }
}

function methodOf(method: string): Operation['method'] {
  const known = (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).find((one) => one === method.toUpperCase())
  if (!known) throw new Error(`the tests know no method ${method}`)
  return known
}

function answerCheck(ajv: Ajv2020, document: JsonSchema, operation: Operation, status: number) {
  const item = member(member(document, 'paths'), operation.path)
  const shown = member(member(member(item, operation.method.toLowerCase()), 'responses'), String(status))
  if (!shown) return undefined
  const [first] = entries(shown.content)
  if (!first || member(first[1], 'schema')?.type === 'null') return 'empty'
  const steps = ['paths', operation.path, operation.method.toLowerCase(), 'responses', String(status), 'content']
  const pointer = [...steps, first[0], 'schema'].map((step) =>
    encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1')),
  )
  return ajv.compile({ $ref: `openapi#/${pointer.join('/')}` })
}

function otherTypes(document: JsonSchema, operation: Operation, status: number): readonly string[] {
  const item = member(member(document, 'paths'), operation.path)
  const shown = member(member(member(item, operation.method.toLowerCase()), 'responses'), String(status))
  return entries(shown?.content).map(([type]) => type.split(';')[0] ?? '')
}

function createAjv(coerceTypes: false | 'array'): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, coerceTypes, allErrors: false })
  ajvFormats.default(ajv)
  ajv.addFormat('local-date', isLocalDate)
  ajv.addFormat('local-time', isLocalTime)
  ajv.addFormat('local-time-or-midnight', isLocalTimeOrMidnight)
  ajv.addFormat('instant', isInstant)
  return ajv
}

/** A schema with every reference replaced by what it refers to; the document has no circles. */
function inlined(document: JsonSchema, value: unknown): JsonSchema {
  const look = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(look)
    if (!isSchema(value)) return value
    if (typeof value.$ref === 'string') return look(followed(document, value.$ref))
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, look(one)]))
  }
  const result = look(value)
  return isSchema(result) ? result : {}
}

function followed(document: JsonSchema, reference: string): unknown {
  return reference
    .split('/')
    .slice(1)
    .reduce<JsonSchema | undefined>((at, step) => member(at, step), document)
}

function member(value: unknown, name: string): JsonSchema | undefined {
  const found = isSchema(value) ? value[name] : undefined
  return isSchema(found) ? found : undefined
}

function entries(value: unknown): [string, JsonSchema][] {
  return isSchema(value) ? Object.entries(value).flatMap(([key, one]) => (isSchema(one) ? [[key, one]] : [])) : []
}

function list(value: unknown): JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : []
}

function remembered<Value>(known: Map<string, Value>, key: string, make: () => Value): Value {
  const before = known.get(key)
  if (before !== undefined || known.has(key)) return before as Value
  const made = make()
  known.set(key, made)
  return made
}

/** What must never leave the server: SQL, stack traces, paths of its files. */
const leaks =
  /\b(?:SELECT\b.+\bFROM|INSERT INTO|UPDATE .+ SET|DELETE FROM|relation "|syntax error|constraint ")|\bat \S+ \(|node_modules|\.ts:\d+/i

/** Fails unless an answer is no fault of the server's and, as a refusal, a problem document that tells nothing of its insides. */
export function expectDecent(answer: RawAnswer, what: string): void {
  const { statusCode: status, headers, body } = answer
  if (status >= 500 || leaks.test(body)) throw new Error(`${what}: ${status} ${body.slice(0, 500)}`)
  if (status < 400) return
  const problem: unknown = String(headers['content-type']).startsWith('application/problem+json')
    ? JSON.parse(body)
    : `${String(headers['content-type'])}: ${body}`
  const isWhole =
    isSchema(problem) &&
    problem.type === 'about:blank' &&
    problem.status === status &&
    typeof problem.title === 'string' &&
    problem.title !== '' &&
    typeof problem.detail === 'string' &&
    problem.detail !== '' &&
    typeof problem.code === 'string' &&
    /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(problem.code) &&
    problem.request_id === headers['x-request-id']
  if (!isWhole) throw new Error(`${what}: ${status} is no problem document: ${body.slice(0, 500)}`)
}
