import type { FastifyReply } from 'fastify'
import type { LoggedIn } from '../../kernel/identity/logIn/logIn.ts'
import { presentUser } from './schemas.ts'

/** Builds the answer to a log-in, the same for every way to log in. */
export function loggedIn(reply: FastifyReply, session: LoggedIn) {
  // Required by RFC 6749, 5.1.
  reply.header('cache-control', 'no-store')
  return {
    access_token: session.accessToken,
    token_type: 'bearer' as const,
    expires_in: session.expiresIn,
    ...(session.passwordChangeRequired && { password_change_required: true }),
    user: presentUser(session.user, 'shown'),
  }
}
