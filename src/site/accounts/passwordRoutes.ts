import { Type } from 'typebox'
import { Invalid } from '../../kernel/errors.ts'
import type { App } from '../../kernel/http/app.ts'
import { route } from '../../kernel/http/route.ts'
import { askForCode, CODE_SECONDS, resetPassword } from '../../kernel/identity/logIn/passwordReset/service.ts'
import { visitorOf } from '../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { v1 } from '../paths.ts'
import { Password } from './schemas.ts'

const tag = 'Users'

const Name = Type.Optional(
  Type.String({ minLength: 1, maxLength: 254, description: 'One of `name`, `email` and `phone` is required.' }),
)
/** The same value under three names: each accepts a username, an e-mail address or a phone number. */
const who = { name: Name, email: Name, phone: Name }

/** Routes for resetting a forgotten password. */
export function passwordRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: v1('/users/password/reset-code'),
    operationId: 'requestPasswordResetCode',
    permission: 'public',
    summary: 'Ask for a code to set a new password',
    description:
      'Sends 6 digits by e-mail, or by SMS if configured. The code is valid for 10 minutes, 5 tries and one use; a ' +
      'new code replaces the one before. The answer is the same whether the name exists or not. A person gets at ' +
      'most 5 codes an hour and 10 a day.',
    tag,
    limit: 'login',
    schema: {
      body: Type.Object({ ...who, channel: Type.Optional(Type.Enum(['email', 'sms'])) }),
      response: { 202: Type.Object({ expires_in: Type.Integer({ description: 'Seconds.' }) }) },
    },
    handler: async (request) => {
      const { channel } = request.body
      await askForCode(kernel, { name: nameIn(request.body), channel }, visitorOf(request))
      return { expires_in: CODE_SECONDS }
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/users/password/reset'),
    permission: 'public',
    summary: 'Set a new password with a code',
    description: 'All sessions end. Unknown names also get `bad_code`.',
    tag,
    limit: 'login',
    schema: {
      body: Type.Object({
        ...who,
        code: Type.String({ minLength: 6, maxLength: 6, pattern: '^[0-9]{6}$', examples: ['042137'] }),
        new_password: Password,
      }),
      response: { 204: Type.Null({ description: 'Set.' }) },
    },
    handler: async (request) => {
      const { code, new_password: newPassword } = request.body
      await resetPassword(kernel, { name: nameIn(request.body), code, newPassword }, visitorOf(request))
    },
  })
}

function nameIn(body: { readonly name?: string; readonly email?: string; readonly phone?: string }): string {
  const name = body.name ?? body.email ?? body.phone
  if (name !== undefined) return name
  const message = 'is required, or email, or phone'
  throw new Invalid('validation', `The name ${message}.`, { errors: [{ in: 'body', path: '/name', message }] })
}
