import type { Actor } from '../actor.ts'
import { expired } from './tokens.ts'

interface Known {
  readonly actor: Actor
  readonly expiresAt: Date
  /** From when on it is to be loaded again, as its end moves on while it is used; undefined: the end stays where it is. */
  readonly slidesAt?: Date | undefined
}

const MOST_TOKENS = 50_000

type Load = (token: string) => Promise<Known>

/** What one process remembers of tokens it has checked. */
export interface SessionCache {
  /**
   * The actor of a token: remembered, or loaded and then remembered. Throws what `load` throws; refusals are not remembered. Without `inUse`
   * what is remembered is good to its end, and is not loaded for that to move on.
   */
  get(token: string, now: Date, load: Load, inUse?: boolean): Promise<Actor>
  /** Forgets a person. */
  forget(userId: number): void
  /** Empties the memory; while it is off nothing is remembered and every call loads. */
  turn(on: boolean): void
  readonly size: number
}

/**
 * Remembers up to `most` tokens, those used last. A load that began before its user was forgotten, or before the memory was emptied, saw
 * the world as it was then: `generation` counts these moments, and such a load leaves nothing behind.
 */
export function createSessionCache(most = MOST_TOKENS): SessionCache {
  const known = new Map<string, Known>()
  const tokensOf = new Map<number, Set<string>>()
  let remembering = false
  /** Counts every `forget`; by user would keep a number for everybody who ever logged out. */
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
        // Also when it looks over: another process may have moved its end.
        drop(token, entry.actor.userId)
      } else if (entry) {
        if (entry.expiresAt <= now) {
          drop(token, entry.actor.userId)
          throw expired()
        }
        // A Map keeps the order of insertion: what is used goes to the end.
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
