import { TooMany, Unauthenticated } from '../../../kernel/errors.ts'
import { filePath } from '../../../kernel/files/service.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import * as accounts from '../../../kernel/identity/accounts/accounts.ts'
import * as identity from '../../../kernel/identity/logIn/logIn.ts'
import type { Visitor } from '../../../kernel/identity/logIn/visitor.ts'
import { ADMIN } from '../../../kernel/identity/roles.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { Accepted } from '../../../kernel/privacy/consent.ts'
import { PORTAL_ROLE, permissions, ROOM_ADMIN, STUDENT_WORKER } from '../../permissions.ts'
import { refusal, sentenceOf } from '../../sentences.ts'
import { checkCaptcha, type Reading } from './captcha.ts'

interface LogInRequest extends Reading {
  readonly username: string
  readonly password: string
}

/**
 * Opens a session that is extended by use; returns its token.
 * @throws Invalid `captcha_expired`, `captcha_wrong`, `bad_credentials`, `locked_out`. Not 401: the client shows the
 * sentence of an Invalid, but would answer 401 by opening the log-in page, where the person is already.
 */
export async function logIn(kernel: Kernel, request: LogInRequest, visitor: Visitor): Promise<string> {
  await checkCaptcha(kernel, request)
  try {
    const credentials = { name: request.username, password: request.password }
    const { accessToken } = await identity.logIn(kernel, credentials, visitor, { slides: true })
    return accessToken
  } catch (error) {
    if (error instanceof Unauthenticated || error instanceof TooMany) throw refusal(error.code, sentenceOf(error))
    throw error
  }
}

/**
 * Opens an account for the portal. The published client has no box for consent: people who don't send it are asked
 * later.
 * @throws Invalid like `logIn` for the picture, `weak_password`, `consent_required` for a version that is not the
 * current one; Conflict `username_taken`.
 */
export async function register(
  kernel: Kernel,
  request: LogInRequest & { readonly accepted: Accepted },
  visitor: Visitor,
): Promise<void> {
  await checkCaptcha(kernel, request)
  const { username, password, accepted } = request
  await accounts.register(kernel, { username, password, accepted, consentLater: true }, PORTAL_ROLE, visitor)
}

/**
 * Replaces the caller's password. All other sessions end; so does the present one if it was limited to changing the
 * password.
 * @throws Invalid `bad_password`, `same_password`, `weak_password`; TooMany `locked_out`; Conflict `password_changed`
 * if another request was faster.
 */
export async function changePassword(
  kernel: Kernel,
  caller: Caller,
  passwords: { readonly oldPassword: string; readonly newPassword: string },
  visitor: Visitor,
): Promise<void> {
  if (passwords.newPassword === passwords.oldPassword) throw refusal('same_password', '新密码不能与旧密码相同')
  await accounts.changePassword(kernel, caller, passwords, visitor)
}

/**
 * The caller's name, roles and permissions in the words of the published client. The client sends people without a role
 * to the portal.
 */
export async function whoIs(kernel: Kernel, caller: Caller) {
  const { id, username, displayName, avatarFileId } = await accounts.me(kernel, caller)
  const avatar = avatarFileId === null ? '' : `${kernel.config.publicUrl}${filePath(avatarFileId)}`
  return {
    user: { userId: id, userName: username, nickName: displayName, avatar },
    roles: [
      ...(isAdministrator(caller) ? ['admin'] : []),
      ...(caller.roles.has(STUDENT_WORKER) ? ['student_worker'] : []),
    ],
    permissions: isAdministrator(caller)
      ? ['*:*:*']
      : Object.keys(permissions).filter((permission) => caller.permissions.has(permission)),
    isDefaultModifyPwd: false,
    isPasswordExpired: caller.scope === 'password_change',
  }
}

function isAdministrator({ roles }: Caller): boolean {
  return roles.has(ADMIN) || roles.has(ROOM_ADMIN)
}
