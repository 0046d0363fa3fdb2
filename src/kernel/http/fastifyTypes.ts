import type { Actor } from '../identity/actor.ts'
import type { Permission } from './app.ts'
import type { Contract } from './contract.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The permission required to call the route. The start fails if it is missing. */
    permission?: Permission
    /** The rate limit that counts its calls; default `general`. */
    limit?: 'general' | 'login' | 'register' | 'message' | 'none'
    /** The part in whose scope the route was registered; absent for the kernel's own routes. */
    product?: string
    /** The contract of its errors; default: problem documents. */
    contract?: Contract
    /** The canonical `METHOD /path` of the operation: the same for the canonical path and its aliases. */
    operation?: string
    /** The other paths of the operation; set on the canonical route only. */
    aliases?: readonly string[]
    idempotent?: boolean
    allowsPasswordChange?: boolean
    /** The route takes one file as multipart/form-data. */
    takesFile?: boolean
  }

  interface FastifyRequest {
    /** The user of a valid bearer token, else null. Routes that require one use `signedIn(request)`. */
    actor: Actor | null
    /** Why the given token is not valid. `authorise` throws it on routes that require a signed-in user. */
    tokenError: unknown
    /** The contract for errors of a request without a route: set for wrong methods on a product's path. */
    contract: Contract | null
  }
}
