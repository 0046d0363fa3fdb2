import type { FastifySchema, RouteOptions } from 'fastify'
import { problemRefusals } from '../answer/problem.ts'
import { sparseNames, sparseParameter } from '../answer/sparse.ts'
import type { Refusals } from '../contract.ts'
import type { JsonSchema } from '../request/strictSchema.ts'
import { isSchema, strict } from '../request/strictSchema.ts'

/**
 * The schema of a route as the API reference shows it: what validation really accepts, the errors that every route can
 * answer, and the permission. Serialization never uses this copy.
 */
export function describeRoute(schema: FastifySchema, route: RouteOptions): FastifySchema {
  const config = route.config ?? {}
  const needsActor = config.permission !== 'public'
  return {
    ...schema,
    ...(isSchema(schema.body) && { body: strict(schema.body, { closed: !config.contract?.overlooksUnknownFields }) }),
    ...(config.takesFile && { consumes: ['multipart/form-data'], body: uploadForm }),
    ...queryOf(schema, route),
    ...(isSchema(schema.params) && { params: strict(schema.params, { closed: false }) }),
    ...headersOf(schema, config.idempotent ?? false),
    response: answersOf(schema, route),
    security: needsActor ? [{ bearer: [] }, { password: [] }] : [],
    ...(needsActor && { 'x-permission': config.permission }),
    ...(config.product !== undefined && { 'x-product': config.product }),
    ...(config.aliases !== undefined && { 'x-aliases': config.aliases }),
  }
}

/** The form of a route that takes one file. */
const uploadForm: JsonSchema = {
  type: 'object',
  properties: {
    file: { type: 'string', format: 'binary', description: 'JPEG, PNG or WebP, at most 10 MB and 50 megapixels.' },
  },
  required: ['file'],
}

function queryOf(schema: FastifySchema, route: RouteOptions): { querystring?: JsonSchema } {
  const declared = isSchema(schema.querystring)
    ? withoutDefaultsRequired(strict(schema.querystring, { closed: false }))
    : undefined
  const names = sparseNames(route.method, schema, route.config)
  if (names.length === 0) return declared ? { querystring: declared } : {}
  const properties = isSchema(declared?.properties) ? declared.properties : {}
  return { querystring: { type: 'object', ...declared, properties: { ...properties, fields: sparseParameter(names) } } }
}

/** A parameter with a default is not required, although handlers always get it. */
function withoutDefaultsRequired(schema: JsonSchema): JsonSchema {
  const { properties, required } = schema
  if (!isSchema(properties) || !Array.isArray(required)) return schema
  const needed = required.filter((name) => {
    const property = properties[String(name)]
    return !(isSchema(property) && 'default' in property)
  })
  return { ...schema, required: needed }
}

function headersOf(schema: FastifySchema, idempotent: boolean): { headers?: JsonSchema } {
  const declared = isSchema(schema.headers) ? schema.headers : undefined
  if (!idempotent) return declared ? { headers: declared } : {}
  const key = {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    description: 'A repeat with the same key within 24 hours gets the first answer again.',
  }
  const properties = isSchema(declared?.properties) ? declared.properties : {}
  return { headers: { type: 'object', ...declared, properties: { ...properties, 'Idempotency-Key': key } } }
}

function successesOf(schema: FastifySchema, route: RouteOptions): JsonSchema {
  const declared = isSchema(schema.response) ? schema.response : {}
  const hasSuccess = Object.keys(declared).some((status) => /^[123]/.test(status))
  const successes = hasSuccess ? declared : { 200: { type: 'null', description: 'Done' }, ...declared }
  return isTagged(route, successes[200])
    ? { 304: { type: 'null', description: standardAnswers[304] }, ...successes }
    : successes
}

/** Whether answers have an ETag: all answers to GET except streams. Schemas do not tell which answers are streams. */
function isTagged({ method }: RouteOptions, success: unknown): boolean {
  return method === 'GET' && isSchema(success)
}

/** Descriptions in the API reference of answers that many operations have, by status. */
export const standardAnswers: Readonly<Record<number, string>> = {
  304: 'Not changed since the version that `If-None-Match` names',
  400: 'The request is not valid',
  401: 'Nobody is signed in, or the token is no longer valid',
  403: 'Not allowed',
  404: 'There is no such thing, or it belongs to somebody else',
  409: 'Not possible in the current state',
  413: 'The body is too large',
  415: 'The content type is not supported here',
  422: 'The Idempotency-Key was already used for another request',
  429: 'Too many requests; Retry-After says when to try again',
  500: 'An error of the server; the request id helps to find it',
  503: 'A required service cannot be reached; Retry-After says when to try again',
}

/** Successes and errors by status. If a product refuses with status 200, that answer is either of the two. */
function answersOf(schema: FastifySchema, route: RouteOptions): JsonSchema {
  const refusals = route.config?.contract?.refusals ?? problemRefusals
  const successes = successesOf(schema, route)
  const success = successes[200]
  const answers = { ...refusalsOf(schema, route, refusals), ...successes }
  if (!refusals.statuses.includes(200) || !isSchema(success)) return answers
  const { contentType, schema: refusal } = refusals
  const { description, content, headers, ...plain } = success
  const contents = isSchema(content) ? content : { [contentType]: { schema: plain } }
  const json = contents[contentType]
  const either = isSchema(json) ? { anyOf: [json.schema, refusal] } : refusal
  return {
    ...answers,
    200: {
      description: typeof description === 'string' ? description : 'Done or refused, according to `code`',
      ...(headers !== undefined && { headers }),
      content: { ...contents, [contentType]: { schema: either } },
    },
  }
}

function refusalsOf(schema: FastifySchema, route: RouteOptions, refusals: Refusals): JsonSchema {
  const config = route.config ?? {}
  const { contentType, schema: refusal, statuses } = refusals
  const needsActor = config.permission !== 'public'
  // The body is parsed before it is known whether the operation takes one.
  const hasBody = route.method !== 'GET'
  const possible: Readonly<Record<number, boolean>> = {
    200: false,
    // A log-in answers 401 to a wrong password.
    401: needsActor || config.limit === 'login',
    // A log-in answers 403 if the password must be changed first.
    403: needsActor || config.limit === 'login',
    404: route.url.includes(':') || holdsIds(schema.body),
    409: route.method !== 'GET',
    413: hasBody,
    415: hasBody,
    422: config.idempotent ?? false,
    429: config.limit !== 'none',
  }
  const declared = isSchema(schema.response) ? schema.response : {}
  const answers = statuses
    .filter((status) => (possible[status] ?? true) && !(status in declared))
    .map((status) => [
      status,
      { description: standardAnswers[status] ?? 'Refused', content: { [contentType]: { schema: { ...refusal } } } },
    ])
  return Object.fromEntries(answers)
}

/** Whether a body contains an id (in the form of `Id`), which may refer to something that does not exist. */
function holdsIds(body: unknown): boolean {
  if (Array.isArray(body)) return body.some(holdsIds)
  if (!isSchema(body)) return false
  return (body.minimum === 1 && body.maximum === Number.MAX_SAFE_INTEGER) || Object.values(body).some(holdsIds)
}
