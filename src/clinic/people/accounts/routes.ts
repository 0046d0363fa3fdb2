import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { LocalDate, Nullable, type Of, Text } from '../../../kernel/http/schemas.ts'
import { logOut } from '../../../kernel/identity/logIn/logIn.ts'
import { visitorOf } from '../../../kernel/identity/logIn/visitor.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { isAdministrator } from '../../permissions.ts'
import { CODES, refusal } from '../../sentences.ts'
import { clinicSettings } from '../../settings.ts'
import { codeRoutes } from './codeRoutes.ts'
import { infoOf } from './info.ts'
import { type Entered, logIn } from './logIn.ts'
import { registerAdministrator, registerPatient } from './registration.ts'
import * as schemas from './schemas.ts'
import { changeProfile } from './service.ts'
import { userRoutes } from './userRoutes.ts'
import { verifyEmail } from './verification.ts'

const tag = 'Clinic accounts'

/** Routes of log-in, registration and accounts. */
export function accountRoutes(app: App, kernel: Kernel): void {
  logIns(app, kernel)
  registrations(app, kernel)
  mine(app, kernel)
  codeRoutes(app, kernel)
  userRoutes(app, kernel)
}

/** The name of a log-in, whichever field it is in. */
function nameIn({ identifier, phonenumber, username }: Of<typeof schemas.LogInBody>): string {
  const name = identifier ?? phonenumber ?? username ?? ''
  if (name === '') throw refusal(CODES.logIn, 'name_missing', '请输入账号（工号、手机号或用户名）')
  return name
}

/** The answer of a log-in in the form that CLINIC_LOGIN_REPLY names. */
function reply({ config }: Pick<Kernel, 'config'>, { userId, token }: Entered) {
  if (clinicSettings.of(config).loginReply === 'token') return answer(token)
  return answer({ userid: userId, access_token: token, token_type: 'Bearer' as const })
}

function logIns(app: App, kernel: Kernel): void {
  const enter = async (request: FastifyRequest, body: Of<typeof schemas.LogInBody>) =>
    await logIn(kernel, { name: nameIn(body), password: body.password }, visitorOf(request))
  for (const [path, operationId, summary] of [
    ['/auth/patient/login', 'logInAsPatient', 'Log in as a patient, by phone number'],
    ['/auth/staff/login', 'logInAsStaff', 'Log in as staff, by staff number'],
    ['/auth/login', 'logInToClinic', 'Log in by username'],
  ] as const)
    route(app, {
      method: 'POST',
      paths: [path],
      operationId,
      permission: 'public',
      summary,
      description: 'Takes `username`, `identifier` or `phonenumber`. Code 101: wrong name or password.',
      tag,
      limit: 'login',
      schema: { body: schemas.LogInBody, response: { 200: schemas.LoggedIn } },
      handler: async (request, response) => {
        response.header('cache-control', 'no-store')
        return reply(kernel, await enter(request, request.body))
      },
    })
  route(app, {
    method: 'POST',
    paths: ['/auth/swagger-login'],
    operationId: 'logInByForm',
    permission: 'public',
    summary: 'Log in by an OAuth 2.0 password form, for the API reference',
    tag,
    limit: 'login',
    schema: {
      body: schemas.LogInBody,
      response: { 200: Type.Object({ access_token: Type.String(), token_type: Type.Literal('bearer') }) },
    },
    handler: async (request, response) => {
      response.header('cache-control', 'no-store')
      const { token } = await enter(request, request.body)
      return { access_token: token, token_type: 'bearer' as const }
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/auth/logout'],
    operationId: 'logOutOfClinic',
    permission: 'public',
    allowsPasswordChange: true,
    summary: 'Log out; works without a log-in too',
    tag,
    schema: { response: { 200: Detail } },
    handler: async (request) => {
      if (request.actor) await logOut(kernel, callerOf(request))
      return detail('已退出登录')
    },
  })
}

const AdministratorFields = {
  identifier: Type.Optional(Text(64, { examples: ['admin001'] })),
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  name: Type.Optional(Text(64)),
  email: Type.Optional(Type.String({ format: 'email', maxLength: 254 })),
  job_title: Type.Optional(Type.String({ maxLength: 100 })),
  setup_token: Type.Optional(Type.String({ maxLength: 100, description: 'Shown in the log of the latest start.' })),
}

function registrations(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/auth/register'],
    operationId: 'registerAtClinic',
    permission: 'public',
    summary: 'Register as a patient',
    description:
      'With `username`, or without one by a phone number that was proved by a code; the latter is logged in at once. ' +
      'Code 100: the reason why not.',
    tag,
    limit: 'register',
    schema: {
      body: schemas.RegisterBody,
      response: { 200: Type.Union([Detail, schemas.LoggedIn]) },
    },
    handler: async (request) => {
      const { username, phonenumber: phone, email, password, name, gender = '未知', birth_date = null } = request.body
      const registration = { username, phone, email, password, name, gender, birthDate: birth_date }
      const visitor = visitorOf(request)
      await registerPatient(kernel, registration, visitor)
      if (username !== undefined) return detail('注册成功，请前往邮箱验证')
      return reply(kernel, await logIn(kernel, { name: phone ?? '', password }, visitor))
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/auth/verify-email'],
    operationId: 'verifyEmailAddress',
    permission: 'public',
    summary: 'Verify an e-mail address by the link that was sent there',
    tag,
    limit: 'login',
    schema: { querystring: Type.Object({ token: Type.String({ maxLength: 1000 }) }), response: { 200: Detail } },
    handler: async (request) => {
      await verifyEmail(kernel, request.query.token)
      return detail('邮箱验证成功')
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/auth/register-admin'],
    operationId: 'registerHospitalAdministrator',
    permission: 'public',
    summary: 'Open the account of an administrator',
    description:
      'For administrators (403 otherwise). While nobody administers the hospital, for who holds the set-up token of the ' +
      'log, or for everybody if CLINIC_OPEN_BOOTSTRAP is on. The fields come in the query or in the body.',
    tag,
    limit: 'login',
    schema: {
      querystring: Type.Object(AdministratorFields),
      body: Type.Optional(Nullable(Type.Object(AdministratorFields))),
      response: { 200: Detail },
    },
    handler: async (request) => {
      const { identifier, password, name, email, setup_token: setupToken } = { ...request.query, ...request.body }
      if (!identifier || !password || !name)
        throw refusal(CODES.registration, 'incomplete', '工号(identifier)、密码(password)和姓名(name)必填', {
          http: 400,
        })
      const caller = request.actor ? callerOf(request) : null
      await registerAdministrator(kernel, caller, { identifier, password, name, email, setupToken })
      return detail(`成功创建管理员 ${name}`)
    },
  })
}

function mine(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/auth/me'],
    operationId: 'getMyClinicRole',
    permission: 'signed-in',
    summary: 'Read whether you are an administrator',
    tag,
    schema: { response: { 200: Answer(Type.Object({ role: Type.Enum(['admin', 'user']) })) } },
    handler: (request) => answer({ role: isAdministrator(callerOf(request)) ? ('admin' as const) : ('user' as const) }),
  })
  route(app, {
    method: 'GET',
    paths: ['/auth/user-info'],
    operationId: 'getMyClinicInfo',
    permission: 'signed-in',
    summary: 'Read your records as patient and doctor',
    tag,
    schema: {
      response: {
        200: Answer(Type.Object({ patient: Nullable(schemas.PatientInfo), doctor: Nullable(schemas.DoctorInfo) })),
      },
    },
    handler: async (request) => answer(await infoOf(kernel, callerOf(request))),
  })
  route(app, {
    method: 'PUT',
    paths: ['/auth/profile'],
    operationId: 'changeMyClinicProfile',
    permission: 'signed-in',
    summary: 'Change your own patient record',
    tag,
    schema: {
      body: Type.Object({
        realName: Type.Optional(Text(64)),
        gender: Type.Optional(schemas.Gender),
        birthDate: Type.Optional(Nullable(LocalDate)),
      }),
      response: { 200: Answer(Type.Object({ detail: Type.String(), updatedFields: Type.Array(Type.String()) })) },
    },
    handler: async (request) => {
      const { realName, gender, birthDate } = request.body
      const updatedFields = Object.keys(request.body).filter((key) => ['realName', 'gender', 'birthDate'].includes(key))
      await changeProfile(kernel, callerOf(request), {
        ...(realName !== undefined && { name: realName }),
        ...(gender !== undefined && { gender }),
        ...(birthDate !== undefined && { birth_date: birthDate }),
      })
      return answer({ detail: '个人信息更新成功', updatedFields })
    },
  })
}
