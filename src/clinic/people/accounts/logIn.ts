import { TooMany, Unauthenticated } from '../../../kernel/errors.ts'
import * as identity from '../../../kernel/identity/logIn/logIn.ts'
import type { Visitor } from '../../../kernel/identity/logIn/visitor.ts'
import { endSessions } from '../../../kernel/identity/sessions/sessionStore.ts'
import { revoking } from '../../../kernel/identity/sessions/sessions.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { banOf } from '../../core/bansStore.ts'
import { plainMoment } from '../../fields.ts'
import { CODES, refusal, sentenceOf } from '../../sentences.ts'
import { clinicSettings } from '../../settings.ts'

/** A session that was opened. */
export interface Entered {
  readonly userId: number
  readonly token: string
}

/**
 * Opens a session for a name (number, username, phone number or e-mail address) and a password.
 * @throws Invalid 101 for a wrong password, a locked account, and users who are banned from logging in.
 */
export async function logIn(
  kernel: Kernel,
  credentials: { readonly name: string; readonly password: string },
  visitor: Visitor,
): Promise<Entered> {
  const { user, accessToken } = await identity.logIn(kernel, credentials, visitor).catch((error: unknown) => {
    if (error instanceof Unauthenticated || error instanceof TooMany)
      throw refusal(CODES.logIn, error.code, sentenceOf(error))
    throw error
  })
  const now = kernel.clock.now()
  const { sessionId } = await kernel.accessTokens.verify(accessToken, now)
  const ban = await kernel.withRetries((db) => banOf(db, user.id, now))
  const isBanned = ban !== undefined && ban.type !== 'register'
  if (isBanned || clinicSettings.of(kernel.config).singleSession)
    await revoking(kernel, user.id, (tx) => endSessions(tx, user.id, now, isBanned ? undefined : sessionId))
  if (isBanned) {
    const until = ban.until === null ? '' : `，${plainMoment(ban.until, kernel.config.timeZone)} 后恢复`
    throw refusal(CODES.logIn, 'banned', `您的账号已被限制登录${until}，如有疑问请联系医院`)
  }
  return { userId: user.id, token: accessToken }
}
