import { STATUS_CODES } from 'node:http'
import { Type } from 'typebox'
import type { DomainError } from '../../errors.ts'
import type { Contract, Refusals } from '../contract.ts'

/** A problem document (RFC 9457). Further members hold facts about the error, which depend on `code`. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Always `about:blank`: `code` distinguishes problems.' }),
    title: Type.String({ description: 'The phrase of the HTTP status.' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'A sentence for people.' }),
    code: Type.String({ description: 'Stable, for clients to act on.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          in: Type.Enum(['body', 'query', 'params', 'headers']),
          path: Type.String({ description: 'JSON pointer into that part of the request.' }),
          message: Type.String(),
        }),
        { description: 'The invalid fields of the request.' },
      ),
    ),
    request_id: Type.String({ description: 'The X-Request-Id of the answer, also found in the log.' }),
  },
  { title: 'Problem', additionalProperties: true },
)

export const problemContentType = 'application/problem+json'

/** The problem document of a domain error. Facts never override the standard members. */
function problemOf(error: DomainError, requestId: string): Record<string, unknown> {
  return {
    ...error.facts,
    type: 'about:blank',
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.errors && { errors: error.errors }),
    request_id: requestId,
  }
}

/** The contract of the kernel's own routes, and of unknown paths under no part's path root. */
export const problemContract: Contract = {
  refuse: (error, request, reply) =>
    reply.code(error.status).type(problemContentType).serializer(JSON.stringify).send(problemOf(error, request.id)),
}

/** The contract of parts that answer plain objects, and problem documents with real statuses for errors. */
export const plainContract: Contract = { ...problemContract, sparseAnswers: true }

/** Documents an error of one operation that the API reference would not show by itself. */
export function problemAnswer(description: string) {
  return { description, content: { [problemContentType]: { schema: Problem } } }
}

/** Problem documents in the API reference. */
export const problemRefusals: Refusals = {
  contentType: problemContentType,
  schema: Problem,
  statuses: [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503],
}
