import type { OpenDatabase, Transaction } from '../../database/database.ts'
import type { Kernel } from '../../kernel.ts'
import { hashCost, prepareDummy } from '../accounts/passwords.ts'
import type { Actor } from '../actor.ts'
import { ADMIN, permissionsOf } from '../roles.ts'
import { announceRevocation, findSession, SESSIONS_CHANNEL, slideSession } from './sessionStore.ts'
import { notGood } from './tokens.ts'

/** Turns access tokens into actors. */
export interface Identity {
  /**
   * The actor of a token. A token that this process has cached needs no query.
   * @throws Unauthenticated if it is not ours, expired or revoked, or its user is not active; Unavailable if the
   * database cannot be reached.
   */
  authenticate(token: string): Promise<Actor>
  /** Like `authenticate`, but does not count as use: the end of a sliding session stays where it is. */
  recheck(token: string): Promise<Actor>
  /** Stops listening. */
  close(): Promise<void>
}

/**
 * Starts authentication in this process. Tokens are cached until NOTIFY reports a change of their user. While this
 * process does not receive notifications, it asks the database for every request.
 */
export async function createIdentity(
  kernel: Kernel,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
): Promise<Identity> {
  const { config, clock, accessTokens: tokens, sessions: cache } = kernel

  const find = async (token: string): Promise<Found> => {
    const now = clock.now()
    const claims = await tokens.verify(token, now)
    const session = await kernel.withRetries((db) => findSession(db, claims.sessionId, claims.userId, now))
    if (!session) throw notGood()
    const actor: Actor = {
      userId: session.user_id,
      sessionId: claims.sessionId,
      roles: new Set(session.roles),
      permissions: permissionsOf(kernel.roles, session.roles),
      isAdmin: session.roles.includes(ADMIN),
      scope: session.scope,
    }
    return { actor, ...courseOf(kernel, session.expires_at, session.ends_at) }
  }
  const use = async (token: string) => slide(kernel, await find(token), clock.now())

  const { listenState } = database
  const stopWatching = [
    listenState.onLost(() => cache.turn(false)),
    // Notifications sent in between were missed, so this empties the cache.
    listenState.onListening(() => cache.turn(true)),
  ]
  const stopListening = await database.listen(SESSIONS_CHANNEL, (payload) => cache.forget(Number(payload)))
  cache.turn(listenState.listening)
  await prepareDummy(hashCost(config))

  return {
    authenticate: (token) => cache.get(token, clock.now(), use),
    recheck: (token) => cache.get(token, clock.now(), find, false),
    async close() {
      cache.turn(false)
      for (const stop of stopWatching) stop()
      await stopListening()
    },
  }
}

/** Times of a session: its end, the time from which use moves the end, and the latest possible end. */
interface Course {
  readonly expiresAt: Date
  readonly slidesAt?: Date | undefined
  readonly endsAt: Date | null
}

/** A session as it was loaded. */
interface Found extends Course {
  readonly actor: Actor
}

function courseOf({ config }: Kernel, expiresAt: Date, endsAt: Date | null): Course {
  if (endsAt === null || expiresAt >= endsAt) return { expiresAt, endsAt }
  return { expiresAt, endsAt, slidesAt: new Date(expiresAt.getTime() - config.jwtTtlMinutes * 30_000) }
}

/**
 * Moves the end of a sliding session once less than half of JWT_TTL_MINUTES is left: at most one write per session and
 * half period, over all processes.
 */
async function slide(kernel: Kernel, found: Found, now: Date): Promise<Found> {
  const { actor, expiresAt, endsAt, slidesAt } = found
  if (endsAt === null || slidesAt === undefined || now < slidesAt) return found
  const moved = new Date(Math.min(now.getTime() + kernel.config.jwtTtlMinutes * 60_000, endsAt.getTime()))
  await kernel.withRetries((db) => slideSession(db, actor.sessionId, expiresAt, moved))
  return { actor, ...courseOf(kernel, moved, endsAt) }
}

/**
 * Runs `work` in a transaction after which all cached sessions, roles and rights of a person are void: in this process
 * at once, in the others when NOTIFY arrives.
 */
export async function revoking<T>(kernel: Kernel, userId: number, work: (tx: Transaction) => Promise<T>): Promise<T> {
  try {
    return await kernel.transaction(async (tx) => {
      const result = await work(tx)
      await announceRevocation(tx, userId)
      return result
    })
  } finally {
    // Even on failure: if the connection was lost, the commit may have happened.
    kernel.sessions.forget(userId)
  }
}
