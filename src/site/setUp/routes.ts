import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { route } from '../../kernel/http/route.ts'
import { Id, Text } from '../../kernel/http/schemas.ts'
import { USERNAME_PATTERN } from '../../kernel/identity/accounts/accounts.ts'
import { setUp } from '../../kernel/identity/accounts/firstAdministrator.ts'
import { PASSWORD_LENGTH } from '../../kernel/identity/accounts/passwords.ts'
import { visitorOf } from '../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../kernel/kernel.ts'

const SetupBody = Type.Object({
  token: Type.String({ minLength: 1, maxLength: 100, description: 'Shown in the log of the latest start.' }),
  username: Type.String({ minLength: 2, maxLength: 64, pattern: USERNAME_PATTERN }),
  password: Type.String({ minLength: 1, maxLength: PASSWORD_LENGTH.max * 2 }),
  email: Type.Optional(Type.String({ format: 'email', maxLength: 254 })),
})

const Administrator = Type.Object({
  id: Id,
  username: Text(64),
  email: Type.Union([Type.String(), Type.Null()]),
  roles: Type.Array(Type.String()),
})

/** Route for creating the first administrator. */
export function identityRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/api/v1/setup', '/api/setup'],
    operationId: 'setUp',
    permission: 'public',
    summary: 'Create the first administrator',
    description: 'Takes the one-time token that the log shows while there is no administrator. Works once.',
    tag: 'Set-up',
    limit: 'login',
    schema: { body: SetupBody, response: { 201: Administrator } },
    handler: async (request) => {
      const { token, ...account } = request.body
      const { id, username, email, roles } = await setUp(kernel, token, account, visitorOf(request))
      return { id, username, email, roles: [...roles] }
    },
  })
}
