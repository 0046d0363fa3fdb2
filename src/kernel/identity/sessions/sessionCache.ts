import type { Actor } from '../actor.ts'
import { expired } from './tokens.ts'

interface Known {
  readonly actor: Actor
  readonly expiresAt: Date
  /** Time from which the session is loaded again, because use moves its end; undefined if the end is fixed. */
  readonly slidesAt?: Date | undefined
}

const MOST_TOKENS = 50_000

type Load = (token: string) => Promise<Known>

/** A process's cache of checked tokens. */
export interface SessionCache {
  /**
   * The actor of a token, cached or loaded. Throws what `load` throws; refusals are not cached. With `inUse` false, a
   * cached session is valid until its end and is not loaded in order to move the end.
   */
  get(token: string, now: Date, load: Load, inUse?: boolean): Promise<Actor>
  /** Drops all tokens of a person. */
  forget(userId: number): void
  /** Empties the cache and switches it on or off; while it is off, every call loads. */
  turn(on: boolean): void
  readonly size: number
}

/**
 * Caches up to `most` tokens, least recently used first out. A load that began before a `forget` or `turn` may have
 * read old data: `generation` counts these calls, and the result of such a load is not cached.
 */
export function createSessionCache(most = MOST_TOKENS): SessionCache {
  const known = new Map<string, Known>()
  const tokensOf = new Map<number, Set<string>>()
  let remembering = false
  /** Counts all calls of `forget`: a count per user would keep an entry for everybody who ever logged out. */
  let generation = 0

  const drop = (token: string, userId: number): void => {
    known.delete(token)
    const tokens = tokensOf.get(userId)
    tokens?.delete(token)
    if (tokens?.size === 0) tokensOf.delete(userId)
  }

  const remember = (token: string, entry: Known): void => {
    const before = known.get(token)
    if (before) drop(token, before.actor.userId)
    known.set(token, entry)
    const tokens = tokensOf.get(entry.actor.userId)
    if (tokens) tokens.add(token)
    else tokensOf.set(entry.actor.userId, new Set([token]))
    if (known.size <= most) return
    for (const [oldest, { actor }] of known) {
      drop(oldest, actor.userId)
      return
    }
  }

  return {
    async get(token, now, load, inUse = true) {
      const entry = known.get(token)
      if (entry?.slidesAt !== undefined && (inUse ? entry.slidesAt : entry.expiresAt) <= now) {
        // Even if it looks expired: another process may have moved its end.
        drop(token, entry.actor.userId)
      } else if (entry) {
        if (entry.expiresAt <= now) {
          drop(token, entry.actor.userId)
          throw expired()
        }
        // A Map keeps the order of insertion: used entries move to the end.
        known.delete(token)
        known.set(token, entry)
        return entry.actor
      }
      const before = generation
      const loaded = await load(token)
      if (remembering && generation === before) remember(token, loaded)
      return loaded.actor
    },
    forget(userId) {
      generation += 1
      for (const token of tokensOf.get(userId) ?? []) known.delete(token)
      tokensOf.delete(userId)
    },
    turn(on) {
      generation += 1
      remembering = on
      known.clear()
      tokensOf.clear()
    },
    get size() {
      return known.size
    },
  }
}
