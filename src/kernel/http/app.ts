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

/** A Fastify application whose schemas are TypeBox. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Who may call a route: everybody, whoever is signed in, or holders of a permission. */
export type Permission = 'public' | 'signed-in' | (string & {})

type Request<S extends FastifySchema> = FastifyRequest<
  RouteGenericInterface,
  RawServerDefault,
  RawRequestDefaultExpression,
  S,
  TypeBoxTypeProvider
>

/** What a feature says of one operation. */
export interface Route<S extends FastifySchema> {
  readonly method: HTTPMethods
  /** The canonical path first, then its aliases: the same handler answers them all. Parameters in braces become `:name`. */
  readonly paths: readonly [string, ...string[]]
  readonly permission: Permission
  /** Its name as a method of generated clients, where the one derived from method and path does not read well (see `operationIdOf`). */
  readonly operationId?: string | undefined
  /** One line for the API reference. */
  readonly summary: string
  readonly description?: string
  readonly tag: string
  readonly schema: S
  /** True for POSTs that create a booking, payment, message or campaign: honours the Idempotency-Key header (see `idempotent`). */
  readonly idempotent?: boolean
  /** Name of a rate limit other than the general one. */
  readonly limit?: 'login' | 'message' | 'none'
  /** True where somebody whose password is too old may still go (changing it, logging out). */
  readonly allowsPasswordChange?: boolean
  /** The status of a success is the one 2xx that `schema.response` declares, 200 without one; `reply.code()` overrides it. */
  readonly handler: (request: Request<S>, reply: FastifyReply) => unknown
}
