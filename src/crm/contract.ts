import { type Static, type TSchema, Type } from 'typebox'
import type { DomainError, FieldError } from '../kernel/errors.ts'
import type { Contract } from '../kernel/http/contract.ts'
import { Instant, pageOf } from '../kernel/http/schemas.ts'

// The answers of the CRM product (seed 4.1): one envelope, whose `code` is the HTTP status.

const code = Type.Literal(200)
const message = Type.String({ examples: ['success'] })

/** The answer of an operation that only says what it did. */
export const Done = Type.Object({ code, message, timestamp: Instant }, { title: 'CrmDone' })

/** The answer with data. */
export function Answer<const Payload extends TSchema>(data: Payload) {
  return Type.Object({ code, message, data, timestamp: Instant })
}

/** The answer of a list: one page. */
export function PageAnswer<Item extends TSchema>(item: Item) {
  return Answer(pageOf(item))
}

/** The envelope around data. The timestamp is the real time, whatever the clock of the rules says. */
export function answer<Payload>(data: Payload, sentence = 'success') {
  return { code: 200 as const, message: sentence, data, timestamp: new Date().toISOString() }
}

export function done(sentence = 'success') {
  return { code: 200 as const, message: sentence, timestamp: new Date().toISOString() }
}

/** The answer to a refused request. */
const Refusal = Type.Object(
  {
    code: Type.Integer({
      minimum: 400,
      maximum: 599,
      description:
        'The HTTP status: 401 not logged in, 403 not allowed, 404 no such thing, 409 its state or another row forbids ' +
        'it, 422 wrong fields, 429 too many requests, 503 not available now.',
    }),
    message: Type.String(),
    reason: Type.String({ description: 'A stable code of the error, for programs.', examples: ['validation'] }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          field: Type.String({ examples: ['carousel_items[0].title'] }),
          message: Type.String(),
        }),
      ),
    ),
    timestamp: Instant,
  },
  { title: 'CrmRefusal' },
)

/** The name of a field as clients know it: `/carousel_items/0/title` is `carousel_items[0].title`. */
function fieldOf({ path }: FieldError): string {
  return path
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((name, step) => (/^\d+$/.test(step) ? `${name}[${step}]` : name === '' ? step : `${name}.${step}`), '')
}

/** Wrong fields are 422; other errors keep their status. */
function statusOf({ code: name, status, errors = [] }: DomainError): number {
  return name === 'validation' || (status === 400 && errors.length > 0) ? 422 : status
}

function refusalOf(error: DomainError): Static<typeof Refusal> {
  const { errors = [] } = error
  return {
    code: statusOf(error),
    message: error.message,
    reason: error.code,
    ...(errors.length > 0 && { errors: errors.map((one) => ({ field: fieldOf(one), message: one.message })) }),
    timestamp: new Date().toISOString(),
  }
}

export const contract: Contract = {
  emptyParametersAreAbsent: true,
  refusals: {
    contentType: 'application/json',
    schema: Refusal,
    statuses: [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503],
  },
  refuse: (error, _request, reply) => {
    const body = refusalOf(error)
    return reply.code(body.code).type('application/json; charset=utf-8').serializer(JSON.stringify).send(body)
  },
}
