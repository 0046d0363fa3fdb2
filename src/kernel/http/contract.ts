import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type { DomainError } from '../errors.ts'

/** What a part's refusals look like in the API reference. */
export interface Refusals {
  readonly contentType: string
  readonly schema: TSchema
  /** The HTTP statuses it uses for refusals. With 200 among them, a success and a refusal are told apart by what they hold. */
  readonly statuses: readonly number[]
}

/** The only thing that knows a part's wire: how a refusal is answered, and how strictly requests are read. */
export interface Contract {
  /** Sends the answer for a domain error in the part's envelope. `requestId` is also in the X-Request-Id header. */
  refuse(error: DomainError, request: FastifyRequest, reply: FastifyReply): unknown
  /** True where `?fields=a,b` leaves the rest out of a GET’s answer: for plain objects, not for envelopes. */
  readonly sparseAnswers?: boolean
  /** What its refusals look like in the API reference; problem documents unless said. */
  readonly refusals?: Refusals
  /** True where members of a body that no schema names are overlooked instead of refused: for clients that send whole rows back. */
  readonly overlooksUnknownFields?: boolean
  /**
   * True where an empty query parameter (`?status=`) is one that was not sent, whatever its type; in a body an empty text for an optional id,
   * time or choice.
   */
  readonly emptyParametersAreAbsent?: boolean
  /** True where an id in a path or a body that is too large to be one is an id that nothing has, and not a fault of the request. */
  readonly largestIdsAreUnknown?: boolean
}
