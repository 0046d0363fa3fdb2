import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, type Of, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { pricesFrom } from '../../core/prices/fields.ts'
import { admin, ids, limits, maybePaged } from '../../fields.ts'
import { CODES, refusal } from '../../sentences.ts'
import { type AccountContent, giveAccount } from './accounts.ts'
import { photoRoutes } from './photoRoutes.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'

const tag = 'Clinic doctors'
const Params = ids('doctor_id')
const Query = maybePaged({ dept_id: Type.Optional(Id), name: Type.Optional(Type.String({ maxLength: 100 })) })

/** Routes of the doctors, for the administration and for patients. */
export function doctorRoutes(app: App, kernel: Kernel): void {
  lists(app, kernel)
  changes(app, kernel)
  accounts(app, kernel)
  heads(app, kernel)
  photoRoutes(app, kernel)
}

function lists(app: App, kernel: Kernel): void {
  const find = ({ dept_id: deptId, name, ...page }: Of<typeof Query>) =>
    service.listDoctors(kernel, { deptId, name, ...limits(page) })
  route(app, {
    method: 'GET',
    paths: admin('/doctors'),
    permission: 'clinic:manage',
    summary: 'List the doctors with their prices',
    description: 'All of them, unless a page is asked for.',
    tag,
    schema: {
      querystring: Query,
      response: { 200: Answer(Type.Object({ doctors: Type.Array(schemas.ListedDoctor), total: Type.Integer() })) },
    },
    handler: async (request) => {
      const { items, total } = await find(request.query)
      const doctors = items.map((doctor) => schemas.presentListed(doctor, kernel.config.timeZone))
      return answer({ doctors, total })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/doctors'],
    operationId: 'listDoctorsForPatients',
    permission: 'public',
    summary: 'List the doctors, for patients',
    tag,
    schema: {
      querystring: Query,
      response: { 200: Answer(Type.Object({ doctors: Type.Array(schemas.PatientsDoctor), total: Type.Integer() })) },
    },
    handler: async (request) => {
      const { items, total } = await find(request.query)
      return answer({ doctors: items.map(schemas.presentForPatients), total })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/doctors/{doctor_id}'],
    permission: 'public',
    summary: 'Read a doctor, for patients',
    tag,
    schema: { params: Params, response: { 200: Answer(schemas.PatientsDoctor) } },
    handler: async (request) =>
      answer(schemas.presentForPatients(await service.getDoctor(kernel, request.params.doctor_id))),
  })
}

type Account = Partial<Record<keyof typeof schemas.accountInputs, string | null>>

/** The account of a body. @throws Invalid if there is a number without a password, or the other way round. */
function accountOf({ identifier, password, email, phonenumber }: Account): AccountContent | undefined {
  if (!identifier && !password) return undefined
  if (!identifier || !password)
    throw refusal(CODES.request, 'account_incomplete', '创建账号需要同时提供工号(identifier)和密码(password)')
  return { identifier, password, ...(email && { email }), ...(phonenumber && { phone: phonenumber }) }
}

function changes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/doctors'),
    permission: 'clinic:manage',
    summary: 'Add a doctor, with an account if number and password are given',
    tag,
    schema: { body: schemas.DoctorBody, response: { 200: Answer(schemas.NewDoctor) } },
    handler: async (request) => {
      const { dept_id: deptId, name, title = null, specialty = null, introduction = null } = request.body
      const account = accountOf(request.body)
      const content = { deptId, name, title, specialty, introduction }
      const made = await service.addDoctor(kernel, callerOf(request), content, pricesFrom(request.body), account)
      return answer({ ...schemas.presentDoctor(made), account_provided: account !== undefined })
    },
  })
  route(app, {
    method: 'PUT',
    paths: admin('/doctors/{doctor_id}'),
    permission: 'clinic:manage',
    summary: 'Change a doctor and their prices',
    tag,
    schema: { params: Params, body: schemas.DoctorChange, response: { 200: Answer(schemas.Doctor) } },
    handler: async (request) => {
      const { name, title, specialty, introduction } = request.body
      const change = {
        ...(name !== undefined && { name }),
        ...(title !== undefined && { title }),
        ...(specialty !== undefined && { specialty }),
        ...(introduction !== undefined && { introduction }),
      }
      const { doctor_id: id } = request.params
      const made = await service.changeDoctor(kernel, callerOf(request), id, change, pricesFrom(request.body))
      return answer(schemas.presentDoctor(made))
    },
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/doctors/{doctor_id}'),
    permission: 'clinic:manage',
    summary: 'Delete a doctor with account, prices and schedules ahead',
    description: 'Refused while there are open orders; `force=true` stops and refunds them.',
    tag,
    schema: {
      params: Params,
      querystring: Type.Object({ force: Type.Boolean({ default: false }) }),
      response: { 200: Detail },
    },
    handler: async (request) => {
      const { doctor_id: id } = request.params
      const name = await service.removeDoctor(kernel, callerOf(request), id, request.query.force)
      return detail(`成功删除医生 ${name}`)
    },
  })
}

function accounts(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/doctors/{doctor_id}/create-account'),
    operationId: 'createDoctorAccount',
    permission: 'clinic:manage',
    summary: 'Give a doctor an account, or change the one they have',
    tag,
    limit: 'login',
    schema: {
      params: Params,
      body: Type.Object({ ...schemas.accountInputs, identifier: Text(64), password: Text(256) }),
      response: { 200: Answer(Type.Object({ detail: Type.String(), user_id: Id, doctor_id: Id })) },
    },
    handler: async (request) => {
      const { doctor_id } = request.params
      const { identifier, password, email, phonenumber } = request.body
      const content = { identifier, password, ...(email && { email }), ...(phonenumber && { phone: phonenumber }) }
      const user_id = await giveAccount(kernel, callerOf(request), doctor_id, content)
      return answer({ detail: '成功为医生创建账号', user_id, doctor_id })
    },
  })
  route(app, {
    method: 'PUT',
    paths: admin('/doctors/{doctor_id}/transfer'),
    permission: 'clinic:manage',
    summary: 'Move a doctor to another department',
    description:
      'Their schedules ahead end, because they are in clinics of the old department. Refused while there are open ' +
      'orders; `force=true` stops and refunds them. `/admin/schedules/stop-preview` shows what that means.',
    tag,
    schema: {
      params: Params,
      querystring: Type.Object({ force: Type.Boolean({ default: false }) }),
      body: Type.Object({ new_dept_id: Id }),
      response: {
        200: Answer(Type.Object({ detail: Type.String(), doctor_id: Id, old_dept_id: Id, new_dept_id: Id })),
      },
    },
    handler: async (request) => {
      const [{ doctor_id }, { new_dept_id }] = [request.params, request.body]
      const { name, oldDeptId } = await service.transferDoctor(kernel, callerOf(request), {
        id: doctor_id,
        deptId: new_dept_id,
        force: request.query.force,
      })
      return answer({ detail: `成功将医生 ${name} 调至新科室`, doctor_id, old_dept_id: oldDeptId, new_dept_id })
    },
  })
}

function heads(app: App, kernel: Kernel): void {
  const Head = Answer(
    Type.Object({ dept_id: Id, doctor_id: Id, is_department_head: Type.Boolean(), max_heads: Type.Integer() }),
  )
  const set = async (request: Parameters<typeof callerOf>[0], deptId: number, doctorId: number, isHead: boolean) => {
    await service.setHead(kernel, callerOf(request), { deptId, doctorId, isHead })
    return answer({
      dept_id: deptId,
      doctor_id: doctorId,
      is_department_head: isHead,
      max_heads: service.MOST_HEADS,
    })
  }
  route(app, {
    method: 'POST',
    paths: admin('/departments/{dept_id}/heads/select'),
    permission: 'clinic:manage',
    summary: 'Make a doctor a head of their department',
    tag,
    schema: { params: ids('dept_id'), body: Type.Object({ doctor_id: Id }), response: { 200: Head } },
    handler: (request) => set(request, request.params.dept_id, request.body.doctor_id, true),
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/departments/{dept_id}/heads/{doctor_id}'),
    permission: 'clinic:manage',
    summary: 'End that a doctor is a head of their department',
    tag,
    schema: { params: ids('dept_id', 'doctor_id'), response: { 200: Head } },
    handler: (request) => set(request, request.params.dept_id, request.params.doctor_id, false),
  })
}
