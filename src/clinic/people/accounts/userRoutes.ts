import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Text } from '../../../kernel/http/schemas.ts'
import { visitorOf } from '../../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { ids, limits, maybePaged } from '../../fields.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'

const tag = 'Clinic accounts'
const Params = ids('user_id')

/** Routes of the users. */
export function userRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/auth/users'],
    operationId: 'listClinicUsers',
    permission: 'clinic:people',
    summary: 'List the users',
    tag,
    schema: { querystring: maybePaged({}), response: { 200: Answer(Type.Array(schemas.UserRow)) } },
    handler: async (request) => {
      const found = await service.listUsers(kernel, limits(request.query))
      return answer(found.map(schemas.presentUser))
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/auth/users/{user_id}'],
    operationId: 'getClinicUser',
    permission: 'signed-in',
    summary: 'Read a user: yourself, or anybody for administrators',
    tag,
    schema: { params: Params, response: { 200: Answer(schemas.UserRow) } },
    handler: async (request) =>
      answer(schemas.presentUser(await service.getUser(kernel, callerOf(request), request.params.user_id))),
  })
  route(app, {
    method: 'PUT',
    paths: ['/auth/users/{user_id}/updateProfile'],
    operationId: 'changeClinicUser',
    permission: 'signed-in',
    summary: 'Change a user: yourself, or anybody for administrators',
    description:
      'Replacing your own address or number needs `password`; a first one needs it, or a log-in within the last ten ' +
      'minutes. Where mail is set up, a new address counts once its link is opened. Code 104: the reason why not.',
    tag,
    limit: 'login',
    schema: {
      params: Params,
      body: Type.Object({
        username: Type.Optional(Text(64)),
        email: Type.Optional(Type.String({ format: 'email', maxLength: 254 })),
        phonenumber: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
        password: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
      }),
      response: { 200: Answer(Type.Object({ user: schemas.UserRow })) },
    },
    handler: async (request) => {
      const { username, email, phonenumber: phone, password } = request.body
      const change = { username, email, phone, password }
      const { user_id: id } = request.params
      const user = await service.changeUser(kernel, callerOf(request), id, change, visitorOf(request))
      return answer({ user: schemas.presentUser(user) })
    },
  })
  route(app, {
    method: 'DELETE',
    paths: ['/auth/users/{user_id}'],
    operationId: 'deleteClinicUser',
    permission: 'clinic:people',
    summary: 'Delete a user who is no administrator',
    tag,
    schema: { params: Params, response: { 200: Detail } },
    handler: async (request) => {
      const username = await service.deleteUser(kernel, callerOf(request), request.params.user_id)
      return detail(`成功删除用户${username}`)
    },
  })
}
