import { Type } from 'typebox'
import { type OperationFilter, operations } from '../../kernel/audit/store.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import {
  Id,
  Instant,
  InstantInput,
  Nullable,
  type Of,
  pageAnswer,
  pageOf,
  pageOffset,
  pageQuery,
  sortOrder,
  Text,
} from '../../kernel/http/schemas.ts'
import { typedName } from '../../kernel/identity/accounts/names.ts'
import { attempts, type LoginFilter } from '../../kernel/identity/logIn/loginStore.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { parseInstant } from '../../kernel/time.ts'
import { UserParams } from '../accounts/schemas.ts'
import { v1 } from '../paths.ts'

const tag = 'Logs'
const read = 'site:logs.read'

const Operation = Type.Object(
  {
    id: Id,
    at: Instant,
    actor_id: Nullable(Id),
    action: Type.String({ examples: ['user.update'] }),
    resource: Type.String(),
    resource_id: Nullable(Type.String()),
    changes: Nullable(
      Type.Object({}, { additionalProperties: true, description: 'The changed fields: `{field: [before, after]}`.' }),
    ),
    address: Nullable(Type.String()),
    request_id: Nullable(Type.String()),
  },
  { title: 'Operation' },
)

const span = {
  from: Type.Optional(InstantInput),
  to: Type.Optional(InstantInput),
}

const ownFilters = {
  action: Type.Optional(Text(100)),
  resource: Type.Optional(Text(100)),
  resource_id: Type.Optional(Text(100)),
  ...span,
}
/** Filters of the operation log and of its export. */
export const operationFilters = { ...ownFilters, actor_id: Type.Optional(Id) }
const OperationFilterSchema = Type.Object(operationFilters)

const OperationQuery = pageQuery(['at'], ownFilters, '-at')
const AllOperationsQuery = pageQuery(['at'], operationFilters, '-at')

/** Routes of the operation log and the log-in log. */
export function logRoutes(app: App, kernel: Kernel): void {
  const answer = async (query: Of<typeof AllOperationsQuery>, actorId: number | undefined) => {
    const filter = operationFilter(kernel, { ...query, actor_id: actorId })
    const page = { limit: query.page_size, offset: pageOffset(query), direction: sortOrder(query.sort).direction }
    const { items, total } = await kernel.withRetries((db) => operations.list(db, filter, page))
    const presented = items.map(({ actorId: actor_id, resourceId: resource_id, requestId: request_id, ...rest }) => ({
      ...rest,
      actor_id,
      resource_id,
      request_id,
    }))
    return pageAnswer(presented, total, query)
  }
  const response = { 200: pageOf(Operation) }

  route(app, {
    method: 'GET',
    paths: v1('/logs/me'),
    operationId: 'listMyLogs',
    permission: 'signed-in',
    summary: 'Read your own operation log',
    tag,
    schema: { querystring: OperationQuery, response },
    handler: (request) => answer(request.query, callerOf(request).userId),
  })

  route(app, {
    method: 'GET',
    paths: v1('/logs/user/{user_id}'),
    operationId: 'listUserLogs',
    permission: read,
    summary: 'Read a person’s operation log',
    tag,
    schema: { params: UserParams, querystring: OperationQuery, response },
    handler: ({ params, query }) => answer(query, params.user_id),
  })

  route(app, {
    method: 'GET',
    paths: v1('/logs'),
    permission: read,
    summary: 'Read everybody’s operation log',
    tag,
    schema: { querystring: AllOperationsQuery, response },
    handler: ({ query }) => answer(query, query.actor_id),
  })

  loginLog(app, kernel)
}

const LoginResult = Type.Enum(['success', 'bad_credentials', 'locked_out', 'disabled'])

/** Filters of the log-in log and of its export. */
export const loginFilters = {
  user_id: Type.Optional(Id),
  name: Type.Optional(Text(254, { description: 'A complete username, e-mail address or phone number, not masked.' })),
  result: Type.Optional(LoginResult),
  address: Type.Optional(Text(45)),
  ...span,
}
const LoginFilterSchema = Type.Object(loginFilters)

const Login = Type.Object(
  {
    id: Id,
    user_id: Nullable(Id),
    name: Type.String({
      description:
        'The typed name in lower case. Phone numbers and e-mail addresses are masked. If nobody has the name, only ' +
        'its first character is kept, because people type passwords into the wrong field.',
      examples: ['zhangsan', '+86*******8000', 'z***@example.com', 'v***'],
    }),
    result: LoginResult,
    address: Type.String(),
    user_agent: Type.String(),
    at: Instant,
  },
  { title: 'Login' },
)

function loginLog(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/login-logs'),
    permission: read,
    summary: 'Read the log-in log',
    tag,
    schema: {
      querystring: pageQuery(['at'], loginFilters, '-at'),
      response: { 200: pageOf(Login) },
    },
    handler: async ({ query }) => {
      const page = { limit: query.page_size, offset: pageOffset(query), direction: sortOrder(query.sort).direction }
      const filter = loginFilter(kernel, query)
      const { items, total } = await kernel.withRetries((db) => attempts.list(db, filter, page))
      return pageAnswer(items, total, query)
    },
  })
}

/** Converts a query to a filter of the operation log. */
export function operationFilter(
  kernel: Pick<Kernel, 'config'>,
  query: Omit<Of<typeof OperationFilterSchema>, 'actor_id'> & { readonly actor_id?: number | undefined },
): OperationFilter {
  return {
    actorId: query.actor_id,
    action: query.action,
    resource: query.resource,
    resourceId: query.resource_id,
    ...spanOf(kernel, query),
  }
}

/** Converts a query to a filter of the log-in log. */
export function loginFilter(
  kernel: Pick<Kernel, 'config' | 'secrets'>,
  query: Of<typeof LoginFilterSchema>,
): LoginFilter {
  const { user_id: userId, name, result, address } = query
  const nameIndex = name === undefined ? undefined : typedName(kernel.secrets.cipher, name).index
  return { userId, nameIndex, result, address, ...spanOf(kernel, query) }
}

function spanOf(kernel: Pick<Kernel, 'config'>, { from, to }: { from?: string; to?: string }) {
  const { timeZone } = kernel.config
  const instant = (text: string | undefined) => (text === undefined ? undefined : parseInstant(text, timeZone))
  return { from: instant(from), to: instant(to) }
}
