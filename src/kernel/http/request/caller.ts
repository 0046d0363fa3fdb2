import type { FastifyRequest } from 'fastify'
import type { Actor } from '../../identity/actor.ts'
import { signedIn } from './authorise.ts'
import { addressOf } from './limits.ts'

/** Who asks, and from where: what a use case needs for its decision and for the operation log. */
export interface Caller extends Actor {
  readonly address: string
  readonly requestId: string
}

/** The caller of a route that is not public. @throws Unauthenticated when nobody is signed in. */
export function callerOf(request: FastifyRequest): Caller {
  return { ...signedIn(request), address: addressOf(request), requestId: request.id }
}
