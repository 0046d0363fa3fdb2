import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable } from '../../../kernel/http/schemas.ts'
import { maskEmail, normalizePhone } from '../../../kernel/identity/accounts/phones.ts'
import { visitorOf } from '../../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { checkCode, sendCode } from '../../core/proofs/service.ts'
import { CODES, refusal } from '../../sentences.ts'
import { sendEmailCode, setProvedEmail } from './contacts.ts'

const tag = 'Clinic accounts'

const Phone = Type.String({ maxLength: 40, examples: ['13800000000'] })
const Email = Type.String({ format: 'email', maxLength: 254 })
const Code = Type.String({ minLength: 1, maxLength: 20 })

function phoneIn(text: string): string {
  const phone = normalizePhone(text)
  if (phone === undefined) throw refusal(CODES.request, 'bad_phone', '请填写有效的手机号')
  return phone
}

/** Routes that prove the ownership of a phone number or an e-mail address by a code. */
export function codeRoutes(app: App, kernel: Kernel): void {
  byPhone(app, kernel)
  byEmail(app, kernel)
}

function byPhone(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/auth/sms/send-code'],
    operationId: 'sendPhoneCode',
    permission: 'public',
    summary: 'Send a code to a phone number',
    tag,
    limit: 'login',
    schema: { body: Type.Object({ phone: Phone }), response: { 200: Detail } },
    handler: async (request) => {
      await sendCode(kernel, 'sms', phoneIn(request.body.phone), request.actor?.userId ?? null)
      return detail('验证码已发送')
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/auth/sms/verify-code'],
    operationId: 'provePhone',
    permission: 'public',
    summary: 'Prove a phone number by its code, for registering within 30 minutes',
    tag,
    limit: 'login',
    schema: { body: Type.Object({ phone: Phone, code: Code }), response: { 200: Detail } },
    handler: async (request) => {
      await checkCode(kernel, 'sms', phoneIn(request.body.phone), request.body.code)
      return detail('验证成功')
    },
  })
}

function byEmail(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/auth/email/send-verify-code'],
    operationId: 'sendEmailCode',
    permission: 'signed-in',
    summary: 'Send a code to an e-mail address that is to be yours',
    description:
      'Replacing the address of the account needs `password`; a first address, or the one it has, does not. Code 104: ' +
      'the reason why not.',
    tag,
    limit: 'login',
    schema: {
      body: Type.Object({
        email: Email,
        password: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 256 }))),
      }),
      response: { 200: Answer(Type.Object({ detail: Type.String(), email_masked: Type.String() })) },
    },
    handler: async (request) => {
      const { email, password } = request.body
      const proof = { password: password ?? undefined, visitor: visitorOf(request) }
      await sendEmailCode(kernel, callerOf(request), email, proof)
      return answer({ detail: '验证码已发送', email_masked: maskEmail(email) })
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/auth/email/verify-code'],
    operationId: 'proveEmail',
    permission: 'signed-in',
    summary: 'Set your e-mail address by the code that was sent there',
    tag,
    limit: 'login',
    schema: {
      body: Type.Object({ email: Email, code: Code }),
      response: { 200: Answer(Type.Object({ detail: Type.String(), email: Type.String() })) },
    },
    handler: async (request) => {
      const { email, code } = request.body
      await checkCode(kernel, 'email', email, code, callerOf(request).userId)
      await setProvedEmail(kernel, callerOf(request), email)
      return answer({ detail: '邮箱绑定成功', email })
    },
  })
}
