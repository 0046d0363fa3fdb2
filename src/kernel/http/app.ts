import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  HTTPMethods,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
  RouteGenericInterface,
} from 'fastify'

/** A Fastify application with TypeBox schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Permission to call a route: everybody (`public`), any signed-in user, or holders of a permission. */
export type Permission = 'public' | 'signed-in' | (string & {})

type Request<S extends FastifySchema> = FastifyRequest<
  RouteGenericInterface,
  RawServerDefault,
  RawRequestDefaultExpression,
  S,
  TypeBoxTypeProvider
>

/** Declaration of one operation. */
export interface Route<S extends FastifySchema> {
  readonly method: HTTPMethods
  /** The canonical path first, then its aliases, with the same handler. Parameters are written in braces: `{name}`. */
  readonly paths: readonly [string, ...string[]]
  readonly permission: Permission
  /**
   * Name of the method in generated clients, if the one derived from method and path does not read well (see
   * `operationIdOf`).
   */
  readonly operationId?: string | undefined
  /** One line for the API reference. */
  readonly summary: string
  readonly description?: string
  readonly tag: string
  readonly schema: S
  /**
   * True for POSTs that create a booking, payment, message or campaign: they honour the Idempotency-Key header (see
   * `idempotent`).
   */
  readonly idempotent?: boolean
  /** Name of a rate limit other than the general one. */
  readonly limit?: 'login' | 'register' | 'message' | 'none'
  /** Whether users may call it whose password is too old (changing it, logging out). */
  readonly allowsPasswordChange?: boolean
  /**
   * The status of a success is the only 2xx that `schema.response` declares, otherwise 200; `reply.code()` overrides
   * it.
   */
  readonly handler: (request: Request<S>, reply: FastifyReply) => unknown
}
