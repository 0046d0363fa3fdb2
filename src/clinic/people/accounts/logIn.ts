import { TooMany, Unauthenticated } from '../../../kernel/errors.ts'
import * as identity from '../../../kernel/identity/logIn/logIn.ts'
import type { Visitor } from '../../../kernel/identity/logIn/visitor.ts'
import { endSessions } from '../../../kernel/identity/sessions/sessionStore.ts'
import { revoking } from '../../../kernel/identity/sessions/sessions.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
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
  if (clinicSettings.of(kernel.config).singleSession) {
    const now = kernel.clock.now()
    const { sessionId } = await kernel.accessTokens.verify(accessToken, now)
    await revoking(kernel, user.id, (tx) => endSessions(tx, user.id, now, sessionId))
  }
  return { userId: user.id, token: accessToken }
}
