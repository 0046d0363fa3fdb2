import type { Actor } from '../identity/actor.ts'
import type { Permission } from './app.ts'
import type { Contract } from './contract.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. Without it the start fails. */
    permission?: Permission
    /** Which rate limit counts its calls: `general` unless said. */
    limit?: 'general' | 'login' | 'message' | 'none'
    /** The part whose scope it was registered in; absent for the kernel's own. */
    product?: string
    /** How its refusals are answered: as problem documents unless a part says otherwise. */
    contract?: Contract
    /** The canonical `METHOD /path` of the operation: the same for the canonical path and its aliases. */
    operation?: string
    /** The other paths that answer the same, on the canonical one. */
    aliases?: readonly string[]
    idempotent?: boolean
    allowsPasswordChange?: boolean
    /** Takes one file as multipart/form-data. */
    takesFile?: boolean
  }

  interface FastifyRequest {
    /** Whoever sent a good bearer token, else null. Routes that need somebody use `signedIn(request)`. */
    actor: Actor | null
    /** Why a token that was sent is no good; thrown by `authorise` where somebody must be signed in. */
    tokenError: unknown
    /** How to refuse when the route can't say: set for wrong methods on a product's path. */
    contract: Contract | null
  }
}
