import type { FastifyRequest } from 'fastify'
import type { Actor } from '../../identity/actor.ts'
import { signedIn } from './authorise.ts'
import { addressOf } from './limits.ts'

/** The signed-in caller of a use case, with the address and request id for the operation log. */
export interface Caller extends Actor {
  readonly address: string
  readonly requestId: string
}

/** The caller of a route that is not public. @throws Unauthenticated if nobody is signed in. */
export function callerOf(request: FastifyRequest): Caller {
  return { ...signedIn(request), address: addressOf(request), requestId: request.id }
}
