import type { FastifyRequest } from 'fastify'
import type { Actor } from '../identity/actor.ts'
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

/** The first part of every operation log entry: who (null: the system itself) and from where. */
export interface Origin {
  readonly actorId: number | null
  readonly address?: string
  readonly requestId?: string
}

/** What the system does by itself. */
export const SYSTEM: Origin = { actorId: null }

/** The origin of what a caller causes. */
export function by(caller: Caller): Origin {
  return { actorId: caller.userId, address: caller.address, requestId: caller.requestId }
}
