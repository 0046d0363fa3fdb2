import { Type } from 'typebox'
import { Invalid } from '../../../kernel/errors.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable, Text } from '../../../kernel/http/schemas.ts'
import { PASSWORD_LENGTH } from '../../../kernel/identity/accounts/passwords.ts'
import { logOut } from '../../../kernel/identity/logIn/logIn.ts'
import { visitorOf } from '../../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { acceptedVersions } from '../../../kernel/privacy/schemas.ts'
import { Data, Done, data, done, Extras } from '../../contract.ts'
import { Id } from '../../fields.ts'
import { roomSettings } from '../../settings.ts'
import { showCaptcha } from './captcha.ts'
import { changePassword, logIn, register, whoIs } from './service.ts'

const tag = 'Room web client'

const Password = Type.String({ minLength: 1, maxLength: PASSWORD_LENGTH.max * 2 })

const LogInBody = Type.Object({
  username: Text(254, { examples: ['zhangsan'] }),
  password: Password,
  code: Type.Optional(Nullable(Type.String({ maxLength: 20, description: 'The letters of the picture.' }))),
  uuid: Type.Optional(Nullable(Type.String({ maxLength: 64, description: 'The picture’s id.' }))),
})

const NewAccount = Type.Object({ ...LogInBody.properties, ...acceptedVersions })

const NewPassword = Type.Object({ oldPassword: Type.Optional(Password), newPassword: Type.Optional(Password) })

const Me = Extras({
  user: Type.Object({
    userId: Id,
    userName: Type.String(),
    nickName: Type.String(),
    avatar: Type.String({ description: 'A URL, or empty.' }),
  }),
  roles: Type.Array(Type.String(), { description: '`admin` or `student_worker`; empty for users of the portal.' }),
  permissions: Type.Array(Type.String(), { description: '`*:*:*` for administrators.' }),
  isDefaultModifyPwd: Type.Boolean(),
  isPasswordExpired: Type.Boolean(),
})

/** Routes that the published web client calls first (page, The published web client). */
export function webClientRoutes(app: App, kernel: Kernel): void {
  captcha(app, kernel)
  entry(app, kernel)
  inside(app, kernel)
}

function captcha(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/captchaImage'],
    operationId: 'getCaptcha',
    permission: 'public',
    summary: 'Whether the letters of a picture are required, and a picture',
    description: 'Valid for one try within two minutes.',
    tag,
    schema: {
      response: {
        200: Extras({
          captchaEnabled: Type.Boolean(),
          img: Type.Optional(Type.String({ description: 'A GIF in base64.' })),
          uuid: Type.Optional(Type.String()),
        }),
      },
    },
    handler: async (_request, reply) => {
      reply.header('cache-control', 'no-store')
      if (!roomSettings.of(kernel.config).captcha) return { ...done, captchaEnabled: false }
      return { ...done, captchaEnabled: true, ...(await showCaptcha(kernel)) }
    },
  })
}

/** Routes for people who are not logged in. */
function entry(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/login'],
    operationId: 'logInToRooms',
    permission: 'public',
    summary: 'Log in',
    description: 'Takes JSON or an OAuth 2.0 password form. The session lasts as long as it is used.',
    tag,
    limit: 'login',
    schema: {
      body: LogInBody,
      response: {
        200: Extras({ token: Type.String(), access_token: Type.String(), token_type: Type.Literal('bearer') }),
      },
    },
    handler: async (request, reply) => {
      const token = await logIn(kernel, request.body, visitorOf(request))
      reply.header('cache-control', 'no-store')
      return { ...done, token, access_token: token, token_type: 'bearer' as const }
    },
  })

  route(app, {
    method: 'POST',
    paths: ['/register'],
    operationId: 'registerForRooms',
    permission: 'public',
    summary: 'Register for the portal',
    description: 'Consent to the published texts can be given here; if it is not, it is asked for later.',
    tag,
    limit: 'register',
    schema: { body: NewAccount, response: { 200: Done } },
    handler: async (request) => {
      const { accepted_terms: terms, accepted_privacy: privacy, ...account } = request.body
      await register(kernel, { ...account, accepted: { terms, privacy } }, visitorOf(request))
      return done
    },
  })

  route(app, {
    method: 'POST',
    paths: ['/logout'],
    operationId: 'logOutOfRooms',
    permission: 'public',
    allowsPasswordChange: true,
    summary: 'Log out; works without a log-in too',
    tag,
    schema: { response: { 200: Done } },
    handler: async (request) => {
      if (request.actor) await logOut(kernel, callerOf(request))
      return done
    },
  })
}

/** Routes that the client calls after the log-in. */
function inside(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/getInfo'],
    operationId: 'getInfo',
    permission: 'signed-in',
    allowsPasswordChange: true,
    summary: 'Read my name, roles and permissions',
    tag,
    schema: { response: { 200: Me } },
    handler: async (request) => ({ ...done, ...(await whoIs(kernel, callerOf(request))) }),
  })

  route(app, {
    method: 'GET',
    paths: ['/getRouters'],
    operationId: 'getRouters',
    permission: 'signed-in',
    // The client calls this before its page for changing the password.
    allowsPasswordChange: true,
    summary: 'Menus of the published web client: always empty',
    tag,
    schema: { response: { 200: Data(Type.Array(Type.Unknown())) } },
    handler: () => data([]),
  })

  route(app, {
    method: 'PUT',
    paths: ['/system/user/profile/updatePwd'],
    operationId: 'changePasswordForRooms',
    permission: 'signed-in',
    allowsPasswordChange: true,
    summary: 'Change my password',
    description:
      'The old and the new password in the body, or in the query as older clients send them. All other sessions ' +
      'end. If the password had to be changed, log in again with the new one.',
    tag,
    limit: 'login',
    schema: { querystring: NewPassword, body: Nullable(NewPassword), response: { 200: Done } },
    handler: async (request) => {
      const { oldPassword, newPassword } = { ...request.query, ...request.body }
      if (oldPassword === undefined || newPassword === undefined) {
        const path = oldPassword === undefined ? '/oldPassword' : '/newPassword'
        const errors = [{ in: 'body', path, message: 'is required' }] as const
        throw new Invalid('validation', 'The request is not valid.', { errors })
      }
      await changePassword(kernel, callerOf(request), { oldPassword, newPassword }, visitorOf(request))
      return done
    },
  })
}
