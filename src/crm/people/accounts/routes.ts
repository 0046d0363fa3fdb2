import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Instant, Nullable, pageAnswer, pageOffset, Text } from '../../../kernel/http/schemas.ts'
import { USERNAME_PATTERN } from '../../../kernel/identity/accounts/accounts.ts'
import { visitorOf } from '../../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Done, done, PageAnswer } from '../../contract.ts'
import { IdPath, pages } from '../../fields.ts'
import * as service from './service.ts'

const tag = 'CRM accounts'
const Role = Type.Enum(['admin', 'marketing', 'customer_service'])
const Password = Type.String({ minLength: 1, maxLength: 256 })
const Email = Type.String({ format: 'email', maxLength: 100, examples: ['service@hotel.com'] })

const SystemUser = Type.Object(
  {
    id: Id,
    username: Type.String(),
    email: Nullable(Type.String()),
    full_name: Type.String(),
    role: Role,
    is_active: Type.Boolean(),
    last_login_at: Nullable(Instant),
    created_at: Instant,
    updated_at: Instant,
  },
  { title: 'CrmSystemUser' },
)

const Session = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Seconds.' }),
  user: Type.Object({ id: Id, username: Type.String(), full_name: Type.String(), role: Role }),
})

/** Routes of log-in and of the system users. */
export function accountRoutes(app: App, kernel: Kernel): void {
  logInRoutes(app, kernel)
  sessionRoutes(app, kernel)
  userRoutes(app, kernel)
}

function session({ accessToken, expiresIn, user }: service.Entered) {
  const { id, username, full_name, role } = user
  return {
    access_token: accessToken,
    token_type: 'Bearer' as const,
    expires_in: expiresIn,
    user: { id, username, full_name, role },
  }
}

function logInRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/api/v1/auth/login'],
    operationId: 'logInToCrm',
    permission: 'public',
    summary: 'Log in as a system user',
    description:
      'JSON, answered in the envelope; or an OAuth 2.0 password form (`application/x-www-form-urlencoded`), answered ' +
      'without it. The name may be a username or an e-mail address. People without a role of the CRM can’t enter.',
    tag,
    limit: 'login',
    schema: {
      consumes: ['application/json', 'application/x-www-form-urlencoded'],
      body: Type.Object({
        username: Type.String({ minLength: 1, maxLength: 254, examples: ['admin@hotel.com'] }),
        password: Password,
        grant_type: Type.Optional(Type.String({ maxLength: 20, description: 'Only in forms: `password`.' })),
        scope: Type.Optional(Type.String({ maxLength: 200 })),
        client_id: Type.Optional(Type.String({ maxLength: 200 })),
        client_secret: Type.Optional(Type.String({ maxLength: 200 })),
      }),
      response: {
        200: Type.Union([
          Answer(Session),
          Type.Object({ access_token: Type.String(), token_type: Type.Literal('bearer'), expires_in: Type.Integer() }),
        ]),
      },
    },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { username: name, password } = request.body
      const entered = await service.enter(kernel, { name, password }, visitorOf(request))
      const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
      if (!isForm) return answer(session(entered))
      return {
        access_token: entered.accessToken,
        token_type: 'bearer' as const,
        expires_in: entered.expiresIn,
      }
    },
  })
}

function sessionRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/api/v1/auth/refresh'],
    operationId: 'refreshCrmSession',
    permission: 'signed-in',
    summary: 'Exchange your token for a new one',
    description: 'The old token ends. A session can be refreshed for SESSION_MAX_DAYS after the log-in.',
    tag,
    schema: { response: { 200: Answer(Session) } },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return answer(session(await service.refresh(kernel, callerOf(request), visitorOf(request))))
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/api/v1/auth/me'],
    operationId: 'getMyCrmUser',
    permission: 'signed-in',
    summary: 'Read your own account',
    tag,
    schema: { response: { 200: Answer(SystemUser) } },
    handler: async (request) => answer(await service.ownAccount(kernel, callerOf(request).userId)),
  })
}

const ownership =
  'A new account, and another role or e-mail address, need `current_password` (your own) or a log-in of the last 10 ' +
  'minutes (400 `password_required`). Wrong passwords count as failed log-ins.'

function userRoutes(app: App, kernel: Kernel): void {
  const common = { tag, permission: 'crm:system-users' } as const
  route(app, {
    ...common,
    method: 'GET',
    paths: ['/api/v1/system-users'],
    operationId: 'listCrmSystemUsers',
    summary: 'List the system users',
    schema: {
      querystring: pages(20, {
        search: Type.Optional(Type.String({ maxLength: 100 })),
        role: Type.Optional(Role),
        is_active: Type.Optional(Type.Boolean()),
      }),
      response: { 200: PageAnswer(SystemUser) },
    },
    handler: async ({ query }) => {
      const { search, role, is_active: isActive } = query
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await service.listSystemUsers(kernel, { search, role, isActive, ...page })
      return answer(pageAnswer(items, total, query))
    },
  })
  route(app, {
    ...common,
    method: 'GET',
    paths: ['/api/v1/system-users/{id}'],
    operationId: 'getCrmSystemUser',
    summary: 'Read a system user',
    schema: { params: IdPath, response: { 200: Answer(SystemUser) } },
    handler: async ({ params }) => answer(await service.getSystemUser(kernel, params.id)),
  })
  route(app, {
    ...common,
    method: 'POST',
    paths: ['/api/v1/system-users'],
    operationId: 'addCrmSystemUser',
    summary: 'Add a system user',
    description: ownership,
    schema: {
      body: Type.Object({
        username: Type.String({ minLength: 2, maxLength: 50, pattern: USERNAME_PATTERN }),
        email: Email,
        password: Password,
        full_name: Type.Optional(Text(100)),
        role: Role,
        current_password: Type.Optional(Password),
      }),
      response: { 200: Answer(SystemUser) },
    },
    handler: async (request) => {
      const { full_name: fullName, current_password: password, ...rest } = request.body
      const proof = { password, visitor: visitorOf(request) }
      return answer(await service.addSystemUser(kernel, callerOf(request), { ...rest, fullName }, proof))
    },
  })
  route(app, {
    ...common,
    method: 'PUT',
    paths: ['/api/v1/system-users/{id}'],
    operationId: 'changeCrmSystemUser',
    summary: 'Change a system user',
    description: `Absent fields stay. A new role, and disabling, hold from the next request on. ${ownership}`,
    schema: {
      params: IdPath,
      body: Type.Object({
        email: Type.Optional(Email),
        full_name: Type.Optional(Text(100)),
        role: Type.Optional(Role),
        is_active: Type.Optional(Type.Boolean()),
        current_password: Type.Optional(Password),
      }),
      response: { 200: Answer(SystemUser) },
    },
    handler: async (request) => {
      const { full_name: fullName, is_active: isActive, email, role, current_password: password } = request.body
      const change = { email, fullName, role, isActive }
      const proof = { password, visitor: visitorOf(request) }
      return answer(await service.changeSystemUser(kernel, callerOf(request), request.params.id, change, proof))
    },
  })
  route(app, {
    ...common,
    method: 'DELETE',
    paths: ['/api/v1/system-users/{id}'],
    operationId: 'removeCrmSystemUser',
    summary: 'Remove a system user',
    description: 'The account is deleted, unless it holds roles of other parts: then it loses those of the CRM.',
    schema: { params: IdPath, response: { 200: Done } },
    handler: async (request) => {
      await service.removeSystemUser(kernel, callerOf(request), request.params.id)
      return done('System user deleted successfully')
    },
  })
  route(app, {
    ...common,
    method: 'POST',
    paths: ['/api/v1/system-users/{id}/password-reset'],
    operationId: 'resetCrmSystemUserPassword',
    summary: 'Send a system user a code for a new password',
    description: 'The code goes to the person’s own address, as when they ask for it themselves, with the same limits.',
    limit: 'login',
    schema: { params: IdPath, response: { 200: Done } },
    handler: async (request) => {
      await service.sendResetCode(kernel, callerOf(request), request.params.id, visitorOf(request))
      return done('Password reset code sent')
    },
  })
}
