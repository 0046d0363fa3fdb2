import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import type { FieldError } from '../../errors.ts'
import { Invalid } from '../../errors.ts'
import { isInstant, isLocalDate, isLocalTime, isLocalTimeOrMidnight } from './formats.ts'
import { pointerStep } from './inspection.ts'
import type { JsonSchema } from './strictSchema.ts'
import { isSchema, strict } from './strictSchema.ts'

const maxErrors = 20
/**
 * Largest body, in characters of JSON, for which all errors are collected. Larger ones get only the first error, to
 * bound the cost of hostile bodies.
 */
const thoroughUpTo = 20_000

/**
 * Compiles the schemas of requests. Bodies are not coerced, and unknown members are refused. Query, path and headers
 * are text, so they are coerced ("7" to 7, a single value to a list). Unknown query parameters are removed. A refusal
 * is an Invalid `validation` with field errors. With `overlooksUnknownFields`, unknown members of a body are accepted.
 * With `emptyIsAbsent`, an empty text in place of an optional id, time or choice is removed from a body, because forms
 * send it for fields left open.
 */
export function createValidatorCompiler({
  overlooksUnknownFields = false,
  emptyIsAbsent = false,
} = {}): FastifySchemaCompiler<JsonSchema> {
  const strictly = { body: createAjv(false), others: createAjv('array') }
  // A canonical path and its aliases share their schemas, and so their compiled validators.
  const parts = new Map<string, WeakMap<object, Validator>>()
  return ({ schema, httpPart = 'body' }) => {
    const isBody = httpPart === 'body'
    const which = isBody ? 'body' : 'others'
    const known = parts.get(httpPart) ?? new WeakMap<object, Validator>()
    parts.set(httpPart, known)
    const before = known.get(schema)
    if (before) return before
    const rules = strict(schema, { closed: isBody && !overlooksUnknownFields })
    // Compiled at the first request: compiling all schemas would take a quarter of the program's start.
    let quick: ValidateFunction | undefined
    const part = httpPart === 'querystring' ? 'query' : partOf(httpPart)
    let thorough: ValidateFunction | undefined
    const named = httpPart === 'querystring' ? namesIn(schema) : undefined
    const leftOpen = isBody && emptyIsAbsent ? optionalChoices(schema) : []
    const validate: Validator = (input) => {
      if (named) forgetOthers(input, named)
      for (const name of leftOpen) if (isSchema(input) && input[name] === '') Reflect.deleteProperty(input, name)
      quick ??= strictly[which].quick.compile(rules)
      if (quick(input)) {
        const infinite = isBody ? [] : infiniteNumbers(input, part)
        return infinite.length === 0 ? { value: input } : { error: refusal(infinite) }
      }
      let errors = quick.errors ?? []
      if (JSON.stringify(input).length <= thoroughUpTo) {
        thorough ??= strictly[which].thorough.compile(rules)
        if (!thorough(input)) errors = thorough.errors ?? errors
      }
      return { error: refusal(fieldErrors(errors, part)) }
    }
    known.set(schema, validate)
    return validate
  }
}

type Validator = (input: unknown) => { readonly value: unknown } | { readonly error: Invalid }

/** Names of the members of a schema, including those of its alternatives. */
function namesIn(schema: unknown): ReadonlySet<string> {
  if (!isSchema(schema)) return new Set()
  const { properties, allOf, anyOf, oneOf } = schema
  const parts = [allOf, anyOf, oneOf].flat().flatMap((part) => [...namesIn(part)])
  return new Set([...(isSchema(properties) ? Object.keys(properties) : []), ...parts])
}

/** The optional members of an object that are not free text: an empty text cannot be valid there. */
function optionalChoices({ properties, required = [] }: JsonSchema): string[] {
  if (!isSchema(properties) || !Array.isArray(required)) return []
  return Object.entries(properties).flatMap(([name, member]) => {
    if (required.includes(name) || !isSchema(member)) return []
    const isText = [member.type].flat().includes('string') && !('format' in member) && !('enum' in member)
    return isText ? [] : [name]
  })
}

function forgetOthers(query: unknown, named: ReadonlySet<string>): void {
  if (!isSchema(query)) return
  for (const name of Object.keys(query)) if (!named.has(name)) Reflect.deleteProperty(query, name)
}

function refusal(errors: readonly FieldError[]): Invalid {
  return new Invalid('validation', 'The request is not valid.', { errors })
}

/**
 * Numbers that are not finite: AJV coerces 'Infinity' and '1e400' to a number and does not check it against a maximum.
 */
function infiniteNumbers(input: unknown, part: FieldError['in']): FieldError[] {
  return Object.entries(input ?? {})
    .filter(([, value]) => [value].flat().some((one) => typeof one === 'number' && !Number.isFinite(one)))
    .map(([name]) => ({ in: part, path: `/${pointerStep(name)}`, message: 'must be a number' }))
}

function partOf(httpPart: string): FieldError['in'] {
  return httpPart === 'params' || httpPart === 'headers' ? httpPart : 'body'
}

function createAjv(coerceTypes: boolean | 'array'): { quick: Ajv2020; thorough: Ajv2020 } {
  const options = { coerceTypes, useDefaults: true, strict: true, strictTypes: false, strictRequired: false } as const
  return { quick: withWords(new Ajv2020(options)), thorough: withWords(new Ajv2020({ ...options, allErrors: true })) }
}

function withWords(ajv: Ajv2020): Ajv2020 {
  ajvFormats.default(ajv)
  ajv.addFormat('local-date', isLocalDate)
  ajv.addFormat('local-time', isLocalTime)
  ajv.addFormat('local-time-or-midnight', isLocalTimeOrMidnight)
  ajv.addFormat('instant', isInstant)
  ajv.addVocabulary(['example', 'x-examples'])
  return ajv
}

/**
 * AJV's errors, at most one per field. If no alternative fits, only that is reported, not the errors of each
 * alternative.
 */
function fieldErrors(errors: readonly ErrorObject[], part: FieldError['in']): FieldError[] {
  const alternatives = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
  const told = new Map<string, FieldError>()
  for (const error of errors) {
    const branch = alternatives.some(
      (parent) => error !== parent && error.schemaPath.startsWith(`${parent.schemaPath}/`),
    )
    if (branch || told.size >= maxErrors) continue
    const path = pathOf(error)
    if (!told.has(path)) told.set(path, { in: part, path, message: messageOf(error, errors) })
  }
  return [...told.values()]
}

function pathOf({ instancePath, params }: ErrorObject): string {
  const name: unknown = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty
  return typeof name === 'string' ? `${instancePath}/${pointerStep(name)}` : instancePath
}

function messageOf(error: ErrorObject, all: readonly ErrorObject[]): string {
  switch (error.keyword) {
    case 'required':
      return 'is required'
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return 'is not a known field'
    case 'enum':
      return `must be one of ${JSON.stringify(error.params.allowedValues)}`
    case 'const':
      return `must be ${JSON.stringify(error.params.allowedValue)}`
    case 'format':
      return formatMessages[String(error.params.format)] ?? `must be a valid ${String(error.params.format)}`
    case 'anyOf':
    case 'oneOf':
      return alternativesMessage(error, all)
    case 'minLength':
      return error.params.limit === 1 ? 'must not be blank' : inWords(error)
    case 'pattern':
      return error.params.pattern === notBlank ? 'must not be blank' : 'does not have the required form'
    default:
      return inWords(error)
  }
}

function inWords({ message }: ErrorObject): string {
  return message?.replace('must NOT', 'must not') ?? 'is not valid'
}

/** Matches a text with at least one visible character. */
export const notBlank = '[^\\s\\u200B-\\u200F\\u2060\\uFEFF]'

const formatMessages: Readonly<Record<string, string>> = {
  'local-date': 'must be a date that exists, as YYYY-MM-DD',
  'local-time': 'must be a time of day, as HH:MM',
  'local-time-or-midnight': 'must be a time of day, as HH:MM, up to 24:00',
  instant: 'must be a time, as YYYY-MM-DDTHH:MM:SS with or without an offset',
}

function alternativesMessage(error: ErrorObject, all: readonly ErrorObject[]): string {
  const branches = all.filter(({ schemaPath }) => schemaPath.startsWith(`${error.schemaPath}/`))
  const constants = branches
    .filter(({ keyword }) => keyword === 'const')
    .map(({ params }) => JSON.stringify(params.allowedValue))
  if (constants.length === branches.length && constants.length > 0) return `must be one of ${constants.join(', ')}`
  const reasons = new Set(branches.map((branch) => messageOf(branch, [])))
  return [...reasons].slice(0, 3).join(' or ') || 'has none of the allowed forms'
}
