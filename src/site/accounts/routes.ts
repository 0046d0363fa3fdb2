import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import * as accounts from '../../kernel/identity/accounts/accounts.ts'
import { logIn, logOut } from '../../kernel/identity/logIn/logIn.ts'
import { visitorOf } from '../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { missingConsents } from '../../kernel/privacy/legalStore.ts'
import { logRoutes } from '../logs/routes.ts'
import { v1 } from '../paths.ts'
import { administrationRoutes } from './administrationRoutes.ts'
import { avatarRoutes } from './avatarRoutes.ts'
import { loggedIn } from './loggedIn.ts'
import { passwordRoutes } from './passwordRoutes.ts'
import * as schemas from './schemas.ts'
import { thirdPartyRoutes } from './thirdPartyRoutes.ts'

const tag = 'Users'

/** Routes for the caller's own account, everybody's accounts, roles and logs. */
export function userRoutes(app: App, kernel: Kernel): void {
  doors(app, kernel)
  passwordRoutes(app, kernel)
  ownAccount(app, kernel)
  avatarRoutes(app, kernel)
  thirdPartyRoutes(app, kernel)
  administrationRoutes(app, kernel)
  logRoutes(app, kernel)
}

function doors(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: v1('/users/register'),
    operationId: 'register',
    permission: 'public',
    summary: 'Register',
    tag,
    limit: 'register',
    schema: { body: schemas.RegisterBody, response: { 201: schemas.UserAnswer } },
    handler: async (request) => {
      const { display_name: displayName, accepted_terms: terms, accepted_privacy: privacy, ...rest } = request.body
      const user = await accounts.register(
        kernel,
        { ...rest, displayName, accepted: { terms, privacy } },
        kernel.registerRole,
        visitorOf(request),
      )
      return schemas.presentUser(user, 'shown')
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/users/login'),
    operationId: 'logIn',
    permission: 'public',
    summary: 'Log in',
    description:
      'Takes JSON or an OAuth 2.0 password form. Too many failures lock the person out under all their names for a ' +
      'while (429 `locked_out`).',
    tag,
    limit: 'login',
    schema: { body: schemas.LoginBody, response: { 200: schemas.LoginAnswer } },
    handler: async (request, reply) => {
      const { username: name, password } = request.body
      const session = await logIn(kernel, { name, password }, visitorOf(request))
      return loggedIn(reply, session)
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/users/logout'),
    operationId: 'logOut',
    permission: 'signed-in',
    allowsPasswordChange: true,
    summary: 'Log out',
    tag,
    schema: { response: { 204: Type.Null({ description: 'Logged out.' }) } },
    handler: (request) => logOut(kernel, callerOf(request)),
  })
}

function ownAccount(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/users/me'),
    operationId: 'getMyAccount',
    permission: 'signed-in',
    summary: 'Read your own account',
    tag,
    schema: { response: { 200: schemas.OwnAnswer } },
    handler: async (request) => {
      const caller = callerOf(request)
      const user = schemas.presentUser(await accounts.me(kernel, caller), 'shown')
      const missing = await kernel.withRetries((db) => missingConsents(db, caller.userId))
      return { ...user, consent_required: missing.length > 0 }
    },
  })

  route(app, {
    method: 'PUT',
    paths: v1('/users/me'),
    operationId: 'updateMyAccount',
    permission: 'signed-in',
    summary: 'Change your own account',
    description:
      'Fields that are not given keep their value; null clears a field. A new `email` or `phone` needs ' +
      '`current_password` or a log-in of the last 10 minutes (400 `password_required`), because codes sent there ' +
      'can take over the account. The former address is told of the change. Wrong passwords count as failed ' +
      'log-ins.',
    tag,
    schema: { body: schemas.OwnChange, response: { 200: schemas.UserAnswer } },
    handler: async (request) => {
      const { current_password: password, ...change } = request.body
      const proof = { password, visitor: visitorOf(request) }
      const user = await accounts.updateMe(kernel, callerOf(request), schemas.profileChange(change), proof)
      return schemas.presentUser(user, 'shown')
    },
  })

  route(app, {
    method: 'PUT',
    paths: v1('/users/me/password'),
    operationId: 'changeMyPassword',
    permission: 'signed-in',
    allowsPasswordChange: true,
    summary: 'Change your own password',
    description:
      'All other sessions end. If the password had to be changed, log in again with the new one. Wrong old ' +
      'passwords count as failed log-ins.',
    tag,
    limit: 'login',
    schema: {
      body: Type.Object({ old_password: schemas.Password, new_password: schemas.Password }),
      response: { 204: Type.Null({ description: 'Changed.' }) },
    },
    handler: async (request) => {
      const { old_password: oldPassword, new_password: newPassword } = request.body
      await accounts.changePassword(kernel, callerOf(request), { oldPassword, newPassword }, visitorOf(request))
    },
  })
}
