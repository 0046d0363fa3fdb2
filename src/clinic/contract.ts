import { type Static, type TSchema, Type } from 'typebox'
import { type DomainError, Forbidden, NotFound, Unauthenticated } from '../kernel/errors.ts'
import type { Contract } from '../kernel/http/contract.ts'
import { CODES, sentenceOf, titleOf } from './sentences.ts'

// The answers of the clinic product (seed 统一错误码与格式): one envelope, `{code, message}`; `code` 0 is success.

/** The envelope around a payload. */
export function Answer<const Payload extends TSchema>(message: Payload) {
  return Type.Object({ code: Type.Literal(0), message })
}

/** The answer of an operation that only says what it did. */
export const Detail = Answer(Type.Object({ detail: Type.String() }))

export function answer<Payload>(message: Payload) {
  return { code: 0 as const, message }
}

export function detail(sentence: string) {
  return answer({ detail: sentence })
}

/** The answer to a refused request. */
export const Refusal = Type.Object(
  {
    code: Type.Integer({
      minimum: 97,
      description:
        '97 unknown error, 98 no such path or method, or too many requests, 99 wrong request or refused by a rule, ' +
        '100 registration, 101 log-in, 102 missing right, 103 user, 104 profile, 105 token, 106 not found, 1001 sold ' +
        'out, 1002 registered already, 1003 too many registrations, 1005 numbers are free, 1006 waiting already or ' +
        'too late to cancel, 1008 nothing to convert.',
    }),
    message: Type.Object({
      error: Type.String(),
      msg: Type.Optional(Type.String({ description: 'For people, in Chinese.' })),
      detail: Type.Optional(Type.String({ description: 'Instead of `msg` for the codes 97 and 98.' })),
    }),
  },
  { title: 'ClinicRefusal' },
)

/** Errors that keep their HTTP status, because proxies and rate limiters must understand them. */
const LOUD: readonly number[] = [405, 429, 500, 503]

/** The code of an error in the envelope, and the HTTP status of the answer (page «Settled»). */
function placeOf(error: DomainError, isUnknownPath: boolean): { readonly code: number; readonly http: number } {
  const { code, http } = error.facts ?? {}
  if (typeof code === 'number') return { code, http: typeof http === 'number' ? http : 200 }
  if (error instanceof Unauthenticated) return { code: CODES.token, http: 401 }
  if (error instanceof Forbidden) return { code: CODES.authority, http: 403 }
  if (error.status === 500) return { code: CODES.unknown, http: 500 }
  if (isUnknownPath || LOUD.includes(error.status)) return { code: CODES.http, http: error.status }
  if (error instanceof NotFound) return { code: CODES.notFound, http: 200 }
  return { code: CODES.request, http: 200 }
}

/** The answer to a refused request. */
function refusalOf(error: DomainError, isUnknownPath = false): Static<typeof Refusal> & { readonly http: number } {
  const { code, http } = placeOf(error, isUnknownPath)
  const words = sentenceOf(error)
  const isPlain = code === CODES.unknown || code === CODES.http
  return { http, code, message: { error: titleOf(code), ...(isPlain ? { detail: words } : { msg: words }) } }
}

export const contract: Contract = {
  overlooksUnknownFields: true,
  largestIdsAreUnknown: true,
  refusals: { contentType: 'application/json', schema: Refusal, statuses: [200, 400, 401, 403, 404, ...LOUD] },
  refuse: (error, request, reply) => {
    const { http, ...body } = refusalOf(error, request.is404)
    return reply.code(http).type('application/json; charset=utf-8').serializer(JSON.stringify).send(body)
  },
}
