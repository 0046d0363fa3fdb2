import type { FastifyRequest } from 'fastify'
import type { Actor } from '../../identity/actor.ts'
import '../fastifyTypes.ts'
import { Forbidden, Unauthenticated } from '../../errors.ts'

/** Finds the actor of an access token. @throws Unauthenticated for a token that is not valid. */
export type Authenticate = (token: string) => Promise<Actor>

/**
 * Authenticates a request by its `Authorization: Bearer` header alone. A bad token is stored, not thrown: `authorise`
 * decides whether it matters, after the rate limit has counted the call.
 */
export function identify(authenticate: Authenticate): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    // Health checks need no user and must not depend on the database.
    if (request.routeOptions.config.limit === 'none') return
    const token = bearerToken(request)
    if (token === undefined) return
    try {
      const actor = await authenticate(token)
      if (actor.scope === 'full' || request.routeOptions.config.allowsPasswordChange) request.actor = actor
      else request.tokenError = new Forbidden('password_change_required', 'The password must be changed first.')
    } catch (error) {
      request.tokenError = error
    }
  }
}

function bearerToken({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +([\w.~+/=-]+) *$/i.exec(headers.authorization ?? '')?.[1]
}

/**
 * Lets a call pass if the route's permission allows it. Runs before the body is read. On public routes a bad token
 * counts as none.
 * @throws Unauthenticated without a valid token; Forbidden without the permission.
 */
export async function authorise(request: FastifyRequest): Promise<void> {
  const { permission } = request.routeOptions.config
  if (permission === 'public' || isAnsweredByKernel(request)) {
    if (request.tokenError !== undefined && !isRefusal(request.tokenError)) throw request.tokenError
    return
  }
  const actor = signedIn(request)
  if (permission === 'signed-in' || (permission !== undefined && actor.permissions.has(permission))) return
  throw new Forbidden(
    'forbidden',
    'This needs a permission you do not have.',
    permission ? { facts: { permission } } : {},
  )
}

/** Unknown paths (404 for every caller) and CORS preflights. */
function isAnsweredByKernel(request: FastifyRequest): boolean {
  return request.is404 || request.method === 'OPTIONS'
}

function isRefusal(error: unknown): boolean {
  return error instanceof Unauthenticated || error instanceof Forbidden
}

/**
 * The actor of a request.
 * @throws Unauthenticated if there is no token, or the reason why the given one is not valid.
 */
export function signedIn(request: FastifyRequest): Actor {
  if (request.actor) return request.actor
  if (request.tokenError !== undefined) throw request.tokenError
  throw new Unauthenticated('unauthenticated', 'Sign in first.')
}
