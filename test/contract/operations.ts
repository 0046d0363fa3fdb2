import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import { expect } from 'vitest'
import type { App } from '../../src/kernel/http/app.ts'
import { describe as describeApi } from '../../src/kernel/http/reference/openapi.ts'
import { isInstant, isLocalDate, isLocalTime, isLocalTimeOrMidnight } from '../../src/kernel/http/request/formats.ts'
import { isSchema, type JsonSchema } from '../../src/kernel/http/request/strictSchema.ts'
import { onServer } from '../support/database.ts'
import { envelopeOf, type RawAnswer } from './envelopes.ts'

/** An operation of the published document; an alias counts as an operation. */
export interface Operation {
  /** For example 'GET /api/v1/venues/{venue_id}'. */
  readonly name: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** Its path in the document; for an alias this is another path. */
  readonly canonicalPath: string
  readonly isAlias: boolean
  /** The product of the operation; undefined for the kernel's own. */
  readonly product: string | undefined
  /** 'public', 'signed-in' or the name of a permission. */
  readonly permission: string
  readonly parameters: readonly Parameter[]
  /** The schema of the body, with every `$ref` resolved. */
  readonly body: JsonSchema | undefined
  readonly bodyRequired: boolean
  /** True if it accepts multipart/form-data: a file, or a form as mail programs send it. */
  readonly takesFile: boolean
  readonly takesIdempotencyKey: boolean
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: JsonSchema
}

/** The published document, with the checks that the tests of this folder need. */
export interface ApiDocument {
  readonly operations: readonly Operation[]
  operation(name: string): Operation
  /** True if a body matches the schema of the operation. */
  takesBody(operation: Operation, body: unknown): boolean
  /** True if a text matches the schema of a parameter, coerced as the server does. */
  takesText(schema: JsonSchema, value: string | readonly string[]): boolean
  /** Fails unless the document shows this answer for the operation and the status. */
  expectDocumented(operation: Operation, answer: RawAnswer): void
}

/** Reads the document that the program publishes. */
export function readDocument(app: App): ApiDocument {
  const document = describeApi(app)
  const operations = entries(document.paths).flatMap(([path, item]) =>
    entries(item).flatMap(([method, operation]) =>
      [path, ...aliasesOf(operation)].map((one) =>
        readOperation(document, { path: one, canonicalPath: path, method }, operation),
      ),
    ),
  )
  operations.sort((a, b) => compare(a.path, b.path) || compare(a.method, b.method))
  const ajv = createAjv(false)
  const coercing = createAjv('array')
  const texts = new Map<string, ValidateFunction>()
  const bodies = new Map<string, ValidateFunction>()
  const answers = new Map<string, ValidateFunction | 'empty' | undefined>()
  const schemas = new Map<string, ValidateFunction>()
  // Cached: refusals and aliases have the same answers again and again.
  const compiled = (schema: JsonSchema) =>
    remembered(schemas, JSON.stringify(schema), () => ajv.compile(inlined(document, schema)))

  return {
    operations,
    operation(name) {
      const found = operations.find((one) => one.name === name)
      if (!found) throw new Error(`the document has no ${name}`)
      return found
    },
    takesBody(operation, body) {
      if (!operation.body) return true
      const { body: schema } = operation
      const check = remembered(bodies, operation.name, () => compiled(schema))
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
      const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? ''
      if (type !== '' && !type.endsWith('json')) {
        // Files: only their content type can be checked against the document.
        const shown = otherTypes(document, operation, status)
        return expect(shown.includes(type) || shown.includes(type.replace(/\/.*/, '/*')), `${key} as ${type}`).toBe(
          true,
        )
      }
      const check = remembered(answers, key, () => answerCheck(document, operation, status, { type, compiled }))
      if (check === undefined) throw new Error(`${operation.name} answers ${status}, which the document does not show`)
      if (check === 'empty') return expect(answer.body, key).toBe('')
      const body: unknown = JSON.parse(answer.body)
      if (!check(body)) {
        throw new Error(`${key} is not what the document shows: ${ajv.errorsText(check.errors)}\n${answer.body}`)
      }
    },
  }
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

function aliasesOf(operation: JsonSchema): string[] {
  const aliases = operation['x-aliases']
  return Array.isArray(aliases) ? aliases.map(String) : []
}

function readOperation(
  document: JsonSchema,
  { path, canonicalPath, method }: Pick<Operation, 'path' | 'canonicalPath'> & { readonly method: string },
  operation: JsonSchema,
): Operation {
  const parameters = list(operation.parameters).map((parameter): Parameter => {
    const one = resolved(document, parameter)
    return {
      name: String(one.name),
      in: String(one.in),
      required: one.required === true,
      schema: inlined(document, one.schema),
    }
  })
  const content = member(operation.requestBody, 'content')
  // Files are uploaded as forms, which have tests of their own.
  const schema = member(content, 'application/json')?.schema
  return {
    name: `${method.toUpperCase()} ${path}`,
    method: methodOf(method),
    path,
    canonicalPath,
    isAlias: path !== canonicalPath,
    product: typeof operation['x-product'] === 'string' ? operation['x-product'] : undefined,
    permission: typeof operation['x-permission'] === 'string' ? operation['x-permission'] : 'public',
    parameters,
    body: schema === undefined ? undefined : inlined(document, schema),
    bodyRequired: member(operation, 'requestBody')?.required === true,
    takesFile: member(content, 'multipart/form-data') !== undefined,
    takesIdempotencyKey: parameters.some(({ name }) => name === 'Idempotency-Key'),
  }
}

function methodOf(method: string): Operation['method'] {
  const known = (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).find((one) => one === method.toUpperCase())
  if (!known) throw new Error(`the tests know no method ${method}`)
  return known
}

function answerShown(document: JsonSchema, operation: Operation, status: number): JsonSchema | undefined {
  const item = member(member(document, 'paths'), operation.canonicalPath)
  const shown = member(member(member(item, operation.method.toLowerCase()), 'responses'), String(status))
  return shown && resolved(document, shown)
}

function answerCheck(
  document: JsonSchema,
  operation: Operation,
  status: number,
  { type, compiled }: { readonly type: string; readonly compiled: (schema: JsonSchema) => ValidateFunction },
): ValidateFunction | 'empty' | undefined {
  const shown = answerShown(document, operation, status)
  if (!shown) return undefined
  const contents = entries(shown.content)
  const ofType = contents.find(([one]) => one.split(';')[0] === type) ?? contents[0]
  const schema = member(ofType?.[1], 'schema')
  return schema === undefined || schema.type === 'null' ? 'empty' : compiled(schema)
}

function otherTypes(document: JsonSchema, operation: Operation, status: number): readonly string[] {
  const shown = answerShown(document, operation, status)
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

/** Resolves every reference in a schema; the document has no cycles. */
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

/** A parameter or an answer of an operation, which may be a reference into the components. */
function resolved(document: JsonSchema, value: JsonSchema): JsonSchema {
  const found = typeof value.$ref === 'string' ? followed(document, value.$ref) : value
  return isSchema(found) ? found : {}
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

/**
 * Members of a body that a form may leave open as an empty text, if the product reads that as absent: the optional ones
 * that are no free text.
 */
export function leftOpen({ product, body }: Pick<Operation, 'product' | 'body'>): string[] {
  if (!envelopeOf({ product }).emptyIsAbsent) return []
  const { properties, required } = body ?? {}
  return entries(properties).flatMap(([name, { type, format, enum: choices }]) => {
    const isText = [type].flat().includes('string') && format === undefined && choices === undefined
    return isText || [required].flat().includes(name) ? [] : [name]
  })
}

/** Internals that must never leave the server: SQL, stack traces, paths of its files. */
const leaks =
  /\b(?:SELECT\b.+\bFROM|INSERT INTO|UPDATE .+ SET|DELETE FROM|relation "|syntax error|constraint ")|\bat \S+ \(|node_modules|\.ts:\d+/i

/** The status that an answer claims, in the words of its product. */
export function codeOf(operation: Pick<Operation, 'product'>, answer: RawAnswer): number {
  return envelopeOf(operation).codeOf(answer)
}

/**
 * The status of an answer in HTTP terms, for any product. Real faults of products that answer HTTP 200 are found by the
 * world's check for faults.
 */
export function statusOf(operation: Pick<Operation, 'product'>, answer: RawAnswer): number {
  return envelopeOf(operation).statusOf(answer)
}

/** Fails if an answer is a server fault, or a refusal that is not in its product's form or reveals internals. */
export function expectDecent(answer: RawAnswer, what: string, operation?: Pick<Operation, 'product'>): void {
  const { statusCode: status, body } = answer
  if (status >= 500 || leaks.test(body)) throw new Error(`${what}: ${status} ${body.slice(0, 500)}`)
  if (!envelopeOf(operation ?? {}).isSound(answer))
    throw new Error(`${what}: ${status} is not in the form it must have: ${body.slice(0, 500)}`)
}

/**
 * Selects the attempts to make. Validation is the same over either database: all are made on a server, and a third of
 * them, in rotation, on the embedded one.
 */
export function shareOf<T>(attempts: readonly T[], turn: number): readonly T[] {
  return onServer ? attempts : attempts.filter((_, index) => (index + turn) % 3 === 0)
}
