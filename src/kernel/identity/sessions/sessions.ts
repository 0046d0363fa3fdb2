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
   * Whoever a token stands for. A token that this process knows costs no round trip.
   * @throws Unauthenticated when it is not ours, over, revoked, or its user is not active; Unavailable when the database can't be asked.
   */
  authenticate(token: string): Promise<Actor>
  /** The same without being a use: the end of a sliding session stays where it is. Throws like `authenticate`. */
  recheck(token: string): Promise<Actor>
  /** Stops listening. */
  close(): Promise<void>
}

/**
 * Starts recognising people in this process. Tokens it has seen stay in memory until NOTIFY says that something about their user changed;
 * while notifications don't arrive, the database is asked for every request.
 */
export async function createIdentity(
  kernel: Kernel,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
): Promise<Identity> {
  const { config, clock, accessTokens: tokens, sessions: cache } = kernel

  const find = async (token: string): Promise<Found> => {
    const now = clock.now()
    const claims = await tokens.verify(token, now)
    const session = await kernel.attempt((db) => findSession(db, claims.sessionId, claims.userId, now))
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
    // Whatever was said in between went unheard.
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

/** How a session goes on: when it is over, from when on using it moves that, and until when at most. */
interface Course {
  readonly expiresAt: Date
  readonly slidesAt?: Date | undefined
  readonly endsAt: Date | null
}

/** A session as it was found. */
interface Found extends Course {
  readonly actor: Actor
}

function courseOf({ config }: Kernel, expiresAt: Date, endsAt: Date | null): Course {
  if (endsAt === null || expiresAt >= endsAt) return { expiresAt, endsAt }
  return { expiresAt, endsAt, slidesAt: new Date(expiresAt.getTime() - config.jwtTtlMinutes * 30_000) }
}

/**
 * Moves the end of a sliding session on once less than half of JWT_TTL_MINUTES is left of it: at most one write a session and half
 * window, over all processes.
 */
async function slide(kernel: Kernel, found: Found, now: Date): Promise<Found> {
  const { actor, expiresAt, endsAt, slidesAt } = found
  if (endsAt === null || slidesAt === undefined || now < slidesAt) return found
  const moved = new Date(Math.min(now.getTime() + kernel.config.jwtTtlMinutes * 60_000, endsAt.getTime()))
  await kernel.attempt((db) => slideSession(db, actor.sessionId, expiresAt, moved))
  return { actor, ...courseOf(kernel, moved, endsAt) }
}

/**
 * Runs `work` in a transaction after whose commit everything processes remember of a person's sessions, roles and rights is void: here at
 * once, elsewhere as soon as NOTIFY gets there.
 */
export async function revoking<T>(kernel: Kernel, userId: number, work: (tx: Transaction) => Promise<T>): Promise<T> {
  try {
    return await kernel.transaction(async (tx) => {
      const result = await work(tx)
      await announceRevocation(tx, userId)
      return result
    })
  } finally {
    // Also when it failed: a lost connection may hide a commit.
    kernel.sessions.forget(userId)
  }
}
