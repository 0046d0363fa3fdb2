import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, Nullable, Text } from '../../../kernel/http/schemas.ts'
import { maskPhone } from '../../../kernel/identity/accounts/phones.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localDate } from '../../../kernel/time.ts'
import { Answer, answer } from '../../contract.ts'
import { ageOn, maskIdCard } from '../../core/personalData.ts'
import { GENDERS } from '../../core/types.ts'
import { ids, PlainMoment, plainMoment } from '../../fields.ts'
import * as service from './service.ts'
import { staffRoutes } from './staffRoutes.ts'
import type { Relation } from './store.ts'

const tag = 'Clinic patients'
const Gender = Type.Enum([...GENDERS])
const Params = ids('patient_id')

const RelationRow = Type.Object({
  relation_id: Id,
  patient: Type.Object({
    patient_id: Id,
    real_name: Type.String(),
    name: Type.String(),
    identifier: Nullable(Type.String()),
    id_card: Nullable(Type.String()),
    phone_number: Nullable(Type.String()),
    gender: Gender,
    birth_date: Nullable(Type.String()),
    age: Nullable(Type.Integer()),
  }),
  relation_type: Type.String(),
  is_default: Type.Boolean(),
  remark: Nullable(Type.String()),
  create_time: PlainMoment,
})

const Done = Answer(Type.Object({ message: Type.String() }))
const done = (message: string) => answer({ message })

/** Routes of the patients for whom a user may register, and of the patients for staff. */
export function patientRoutes(app: App, kernel: Kernel): void {
  reading(app, kernel)
  adding(app, kernel)
  changing(app, kernel)
  staffRoutes(app, kernel)
}

function presenter({ secrets: { cipher }, clock, config: { timeZone } }: Kernel) {
  const open = (text: string | null, mask: (plain: string) => string, hidden: boolean) => {
    if (text === null) return null
    const plain = cipher.decrypt(text)
    return hidden ? mask(plain) : plain
  }
  return (relation: Relation) => ({
    relation_id: relation.relationId,
    patient: {
      patient_id: relation.patientId,
      real_name: relation.name,
      name: relation.name,
      identifier: relation.hasAccount ? null : relation.identifier,
      id_card: open(relation.idCard, maskIdCard, relation.hasAccount),
      phone_number: open(relation.phone, maskPhone, relation.hasAccount),
      gender: relation.gender,
      birth_date: relation.hasAccount ? null : relation.birthDate,
      age: relation.hasAccount ? null : ageOn(relation.birthDate, localDate(clock.now(), timeZone)),
    },
    relation_type: relation.relationType,
    is_default: relation.isDefault,
    remark: relation.remark,
    create_time: plainMoment(relation.createTime, timeZone),
  })
}

function reading(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/patient/patients'],
    operationId: 'listMyPatients',
    permission: 'signed-in',
    summary: 'List the patients for whom you may register',
    description: 'Of patients with an account of their own only masked data is shown.',
    tag,
    schema: {
      response: { 200: Answer(Type.Object({ total: Type.Integer(), patients: Type.Array(RelationRow) })) },
    },
    handler: async (request) => {
      const patients = (await service.myPatients(kernel, callerOf(request))).map(presenter(kernel))
      return answer({ total: patients.length, patients })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/patients/default'],
    operationId: 'getMyDefaultPatient',
    permission: 'signed-in',
    summary: 'Read your default patient; null if there is none',
    tag,
    schema: {
      response: { 200: Answer(Type.Object({ patient: Nullable(RelationRow.properties.patient) })) },
    },
    handler: async (request) => {
      const found = (await service.myPatients(kernel, callerOf(request))).find(({ isDefault }) => isDefault)
      return answer({ patient: found ? presenter(kernel)(found).patient : null })
    },
  })
}

const Optional = (most: number) => Type.Optional(Nullable(Type.String({ maxLength: most })))

function adding(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/patient/patients'],
    operationId: 'addMyPatient',
    permission: 'signed-in',
    summary: 'Add a patient for whom you register',
    tag,
    schema: {
      body: Type.Object({
        name: Text(64),
        id_card: Optional(18),
        phone_number: Optional(40),
        identifier: Optional(50),
        gender: Type.Optional(Nullable(Gender)),
        birth_date: Type.Optional(Nullable(LocalDate)),
        relation_type: Optional(20),
        is_default: Type.Optional(Nullable(Type.Boolean())),
        remark: Optional(200),
      }),
      response: { 200: Answer(Type.Object({ relation_id: Id, patient_id: Id, message: Type.String() })) },
    },
    handler: async (request) => {
      const { body } = request
      const added = await service.addPatient(kernel, callerOf(request), {
        name: body.name,
        idCard: body.id_card || undefined,
        phone: body.phone_number || undefined,
        identifier: body.identifier || undefined,
        gender: body.gender ?? undefined,
        birthDate: body.birth_date ?? undefined,
        relationType: body.relation_type || '其他',
        isDefault: body.is_default ?? false,
        remark: body.remark ?? null,
      })
      return answer({ relation_id: added.relationId, patient_id: added.patientId, message: '就诊人添加成功' })
    },
  })
}

function changing(app: App, kernel: Kernel): void {
  route(app, {
    method: 'PUT',
    paths: ['/patient/patients/{patient_id}'],
    operationId: 'changeMyPatient',
    permission: 'signed-in',
    summary: 'Change your relation to a patient',
    tag,
    schema: {
      params: Params,
      body: Type.Object({
        relation_type: Type.Optional(Text(20)),
        remark: Optional(200),
        is_default: Type.Optional(Type.Boolean()),
      }),
      response: { 200: Done },
    },
    handler: async (request) => {
      const { relation_type, remark, is_default: isDefault } = request.body
      await service.changeRelation(kernel, callerOf(request), request.params.patient_id, {
        ...(relation_type !== undefined && { relation_type }),
        ...(remark !== undefined && { remark }),
        ...(isDefault !== undefined && { isDefault }),
      })
      return done('就诊人信息更新成功')
    },
  })
  route(app, {
    method: 'PUT',
    paths: ['/patient/patients/{patient_id}/set-default'],
    operationId: 'setMyDefaultPatient',
    permission: 'signed-in',
    summary: 'Make a patient your default one',
    tag,
    schema: { params: Params, response: { 200: Done } },
    handler: async (request) => {
      await service.changeRelation(kernel, callerOf(request), request.params.patient_id, { isDefault: true })
      return done('已设为默认就诊人')
    },
  })
  route(app, {
    method: 'DELETE',
    paths: ['/patient/patients/{patient_id}'],
    operationId: 'removeMyPatient',
    permission: 'signed-in',
    summary: 'Take a patient off your list; their orders stay',
    tag,
    schema: { params: Params, response: { 200: Done } },
    handler: async (request) => {
      await service.removePatient(kernel, callerOf(request), request.params.patient_id)
      return done('就诊人删除成功')
    },
  })
}
