import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { type Caller, callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { Id, pageAnswer, pageOf, pageOffset, pageQuery, sortOrder, Text } from '../../kernel/http/schemas.ts'
import { getUser } from '../../kernel/identity/accounts/accounts.ts'
import { deleteUser, listUsers, setRoles, updateUser } from '../../kernel/identity/accounts/administration.ts'
import { setTags, tagsOf } from '../../kernel/identity/accounts/tags.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { Deleted } from '../fields.ts'
import { v1 } from '../paths.ts'
import { presentUser, profileChange, Status, UserAnswer, UserChange, UserParams } from './schemas.ts'

const tag = 'User administration'
const read = 'site:users.read'
const write = 'site:users.write'
const grant = 'site:roles.write'

const userPaths: [string, string, string] = [...v1('/users/{user_id}'), '/api/admin/users/{user_id}']

/** People who may change accounts see contact data unmasked. */
const contactsFor = (caller: Caller) => (caller.permissions.has(write) ? 'shown' : 'masked')

/** Routes for administering accounts and roles. */
export function administrationRoutes(app: App, kernel: Kernel): void {
  accounts(app, kernel)
  roles(app, kernel)
  tags(app, kernel)
}

function accounts(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/admin/users', ...v1('/users')],
    permission: read,
    summary: 'List people',
    tag,
    schema: {
      querystring: pageQuery(['id', 'username', 'display_name', 'created_at'], {
        q: Type.Optional(Text(100, { description: 'Part of the username, display name or e-mail address.' })),
        role: Type.Optional(Text(100)),
        status: Type.Optional(Status),
        department: Type.Optional(Text(100)),
      }),
      response: { 200: pageOf(UserAnswer) },
    },
    handler: async (request) => {
      const { query } = request
      const { q, role, status, department } = query
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await listUsers(kernel, { q, role, status, department }, sortOrder(query.sort), page)
      const contacts = contactsFor(callerOf(request))
      return pageAnswer(
        items.map((user) => presentUser(user, contacts)),
        total,
        query,
      )
    },
  })

  route(app, {
    method: 'GET',
    paths: userPaths,
    permission: read,
    summary: 'Read a person’s account',
    tag,
    schema: { params: UserParams, response: { 200: UserAnswer } },
    handler: async (request) => {
      return presentUser(await getUser(kernel, request.params.user_id), contactsFor(callerOf(request)))
    },
  })

  route(app, {
    method: 'PUT',
    paths: userPaths,
    permission: write,
    summary: 'Change a person’s account',
    description: 'Fields that are not given stay as they are; null clears. Disabling an account ends its sessions.',
    tag,
    schema: { params: UserParams, body: UserChange, response: { 200: UserAnswer } },
    handler: async (request) => {
      const change = profileChange(request.body)
      return presentUser(await updateUser(kernel, callerOf(request), request.params.user_id, change), 'shown')
    },
  })

  route(app, {
    method: 'DELETE',
    paths: userPaths,
    permission: write,
    summary: 'Delete a person’s account',
    description:
      'Sessions end, personal data is removed, future reservations are cancelled, and the names are free again.',
    tag,
    schema: { params: UserParams, response: { 204: Deleted } },
    handler: (request) => deleteUser(kernel, callerOf(request), request.params.user_id),
  })
}

const Role = Type.Object(
  { name: Type.String(), title: Type.String(), permissions: Type.Array(Type.String()) },
  { title: 'Role' },
)
const UserRoles = Type.Object({ user_id: Id, roles: Type.Array(Type.String()) })

function roles(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/roles'),
    permission: read,
    summary: 'List the available roles',
    tag,
    schema: { querystring: pageQuery(['name']), response: { 200: pageOf(Role) } },
    handler: ({ query }) => {
      const all = kernel.roles.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      const sorted = sortOrder(query.sort).direction === 'asc' ? all : all.toReversed()
      const from = pageOffset(query)
      return pageAnswer(sorted.slice(from, from + query.page_size), all.length, query)
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/users/{user_id}/roles'),
    permission: read,
    summary: 'Read a person’s roles',
    tag,
    schema: { params: UserParams, response: { 200: UserRoles } },
    handler: async ({ params }) => ({ user_id: params.user_id, roles: (await getUser(kernel, params.user_id)).roles }),
  })

  route(app, {
    method: 'PUT',
    paths: v1('/users/{user_id}/roles'),
    permission: grant,
    summary: 'Set a person’s roles',
    description:
      'In force from the next request. Nobody can grant or revoke a role that permits more than they may do ' +
      'themselves.',
    tag,
    schema: {
      params: UserParams,
      body: Type.Object({ roles: Type.Array(Type.String({ maxLength: 100 }), { maxItems: 50 }) }),
      response: { 200: UserRoles },
    },
    handler: async (request) => {
      const user = await setRoles(kernel, callerOf(request), request.params.user_id, request.body.roles)
      return { user_id: user.id, roles: user.roles }
    },
  })
}

const UserTags = Type.Object({ user_id: Id, tags: Type.Array(Type.String()) })

function tags(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/users/{user_id}/tags'),
    permission: read,
    summary: 'Read a person’s tags',
    tag,
    schema: { params: UserParams, response: { 200: UserTags } },
    handler: async ({ params }) => ({ user_id: params.user_id, tags: await tagsOf(kernel, params.user_id) }),
  })

  route(app, {
    method: 'PUT',
    paths: v1('/users/{user_id}/tags'),
    permission: write,
    summary: 'Set a person’s tags',
    description: 'Audiences can be chosen by tags: `{"kind": "tag", "in": ["羽毛球队"]}`.',
    tag,
    schema: {
      params: UserParams,
      body: Type.Object({ tags: Type.Array(Text(50), { maxItems: 50 }) }),
      response: { 200: UserTags },
    },
    handler: async (request) => ({
      user_id: request.params.user_id,
      tags: await setTags(kernel, callerOf(request), request.params.user_id, request.body.tags),
    }),
  })
}
