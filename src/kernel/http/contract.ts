import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type { DomainError } from '../errors.ts'

/** The form of a part's errors in the API reference. */
export interface Refusals {
  readonly contentType: string
  readonly schema: TSchema
  /** The HTTP statuses of the part's errors. If 200 is among them, clients tell success and error apart by the body. */
  readonly statuses: readonly number[]
}

/** A part's wire format: the form of its error answers, and how strictly requests are read. Nothing else knows it. */
export interface Contract {
  /** Sends the answer for a domain error in the part's envelope. `requestId` is also in the X-Request-Id header. */
  refuse(error: DomainError, request: FastifyRequest, reply: FastifyReply): unknown
  /** Whether `?fields=a,b` selects members of a GET's answer. For plain objects, not for envelopes. */
  readonly sparseAnswers?: boolean
  /** The form of its errors in the API reference; default: problem documents. */
  readonly refusals?: Refusals
  /** Whether unknown members of a body are ignored instead of refused: for clients that send whole rows back. */
  readonly overlooksUnknownFields?: boolean
  /**
   * Whether an empty query parameter (`?status=`) counts as absent, whatever its type. In a body, so does an empty text
   * in place of an optional id, time or choice.
   */
  readonly emptyParametersAreAbsent?: boolean
  /** Whether a too large id in a path or body is treated as an unknown id instead of an invalid request. */
  readonly largestIdsAreUnknown?: boolean
}
