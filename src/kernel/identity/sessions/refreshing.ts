import { randomUUID } from 'node:crypto'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import type { Visitor } from '../logIn/visitor.ts'
import { endSession, insertSession, sessionStart } from './sessionStore.ts'
import { revoking } from './sessions.ts'
import { expired, notGood } from './tokens.ts'

const DAY = 86_400_000

/** A session that goes on with a new token. */
export interface Refreshed {
  readonly accessToken: string
  /** Seconds until the token expires. */
  readonly expiresIn: number
}

/**
 * Exchanges the caller's token for a new one; the old one ends. Of two requests with one token, one gets a new token.
 * The new session counts as opened when the first was: a refresh is no proof of ownership, and ends after
 * SESSION_MAX_DAYS.
 * @throws Unauthenticated `unauthenticated`
 */
export async function refreshSession(kernel: Kernel, caller: Caller, visitor: Visitor): Promise<Refreshed> {
  const { config } = kernel
  const at = kernel.clock.now()
  // Tokens carry whole seconds.
  const start = Math.floor(at.getTime() / 1000) * 1000
  return await revoking(kernel, caller.userId, async (tx) => {
    const openedAt = await sessionStart(tx, caller.sessionId)
    if (!openedAt || !(await endSession(tx, caller.sessionId, at))) throw notGood()
    const last = openedAt.getTime() + config.sessionMaxDays * DAY
    const expiresAt = new Date(Math.min(start + config.jwtTtlMinutes * 60_000, last))
    if (expiresAt <= at) throw expired()
    const id = randomUUID()
    const { address, userAgent } = visitor
    await insertSession(
      tx,
      {
        id,
        user_id: caller.userId,
        scope: 'full',
        address,
        user_agent: userAgent,
        expires_at: expiresAt,
        ends_at: null,
      },
      openedAt,
    )
    return {
      accessToken: kernel.accessTokens.sign({ sessionId: id, userId: caller.userId, expiresAt }, at),
      expiresIn: (expiresAt.getTime() - start) / 1000,
    }
  })
}
