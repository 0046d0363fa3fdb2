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

const tag = 'Front door'

const Password = Type.String({ minLength: 1, maxLength: PASSWORD_LENGTH.max * 2 })

const LogInBody = Type.Object({
  username: Text(254, { examples: ['zhangsan'] }),
  password: Password,
  code: Type.Optional(Nullable(Type.String({ maxLength: 20, description: 'What the picture shows.' }))),
  uuid: Type.Optional(Nullable(Type.String({ maxLength: 64, description: 'Which picture.' }))),
})

const NewAccount = Type.Object({ ...LogInBody.properties, ...acceptedVersions })

const NewPassword = Type.Object({ oldPassword: Type.Optional(Password), newPassword: Type.Optional(Password) })

const Me = Extras({
  user: Type.Object({
    userId: Id,
    userName: Type.String(),
    nickName: Type.String(),
    avatar: Type.String({ description: 'An address, or empty.' }),
  }),
  roles: Type.Array(Type.String(), { description: 'admin, student_worker; none in the portal.' }),
  permissions: Type.Array(Type.String(), { description: '`*:*:*` for administrators.' }),
  isDefaultModifyPwd: Type.Boolean(),
  isPasswordExpired: Type.Boolean(),
})

/** The paths that the published web client calls first (page, The published web client). */
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
    summary: 'Whether a picture’s letters are asked for, and a picture',
    description: 'Good for one try within two minutes.',
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

/** The paths for people who are not logged in. */
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
    description: 'Consent to the published texts can be given here, and is asked for later when it is not.',
    tag,
    limit: 'login',
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
    summary: 'Log out; fine for whoever is not logged in',
    tag,
    schema: { response: { 200: Done } },
    handler: async (request) => {
      if (request.actor) await logOut(kernel, callerOf(request))
      return done
    },
  })
}

/** The paths that the client calls after the log-in. */
function inside(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/getInfo'],
    operationId: 'getInfo',
    permission: 'signed-in',
    allowsPasswordChange: true,
    summary: 'Who one is and what one may do',
    tag,
    schema: { response: { 200: Me } },
    handler: async (request) => ({ ...done, ...(await whoIs(kernel, callerOf(request))) }),
  })

  route(app, {
    method: 'GET',
    paths: ['/getRouters'],
    operationId: 'getRouters',
    permission: 'signed-in',
    // Before anything else, so also before its page for the password.
    allowsPasswordChange: true,
    summary: 'Menus of the published web client: it has its own',
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
    summary: 'Change one’s own password',
    description:
      'Both in the body, or in the query as older clients send them. All other sessions end. Whoever had to change the password logs in again with the new one.',
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
