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
import { admin, limits, maybePaged } from '../../fields.ts'
import * as service from './service.ts'
import type { ListedPatient } from './store.ts'

const tag = 'Clinic patients'
const Optional = (most: number) => Type.Optional(Nullable(Type.String({ maxLength: most })))

const StaffRow = Type.Object({
  patient_id: Id,
  name: Type.String(),
  phone: Nullable(Type.String()),
  gender: Type.Enum([...GENDERS]),
  age: Nullable(Type.Integer()),
  identifier: Nullable(Type.String()),
  idCard: Nullable(Type.String({ description: 'Masked.' })),
})

function presenter({ secrets: { cipher }, clock, config: { timeZone } }: Kernel) {
  return (patient: ListedPatient, showPhone: (phone: string) => string) => ({
    patient_id: patient.patientId,
    name: patient.name,
    phone: patient.phone === null ? null : showPhone(cipher.decrypt(patient.phone)),
    gender: patient.gender,
    age: ageOn(patient.birthDate, localDate(clock.now(), timeZone)),
    identifier: patient.identifier,
    idCard: patient.idCard === null ? null : maskIdCard(cipher.decrypt(patient.idCard)),
  })
}

/** Routes by which staff find patients. */
export function staffRoutes(app: App, kernel: Kernel): void {
  const show = presenter(kernel)
  route(app, {
    method: 'GET',
    paths: admin('/patients'),
    operationId: 'listPatients',
    permission: 'clinic:patients',
    summary: 'Find patients by id, name or phone number',
    tag,
    schema: {
      querystring: maybePaged({
        patient_id: Type.Optional(Id),
        name: Type.Optional(Type.String({ maxLength: 64 })),
        phone: Type.Optional(Type.String({ maxLength: 40 })),
      }),
      response: { 200: Answer(Type.Object({ patients: Type.Array(StaffRow), total: Type.Integer() })) },
    },
    handler: async (request) => {
      const { patient_id: patientId, name, phone, ...page } = request.query
      const { items, total } = await service.findPatients(kernel, { patientId, name, phone, ...limits(page) })
      return answer({ patients: items.map((patient) => show(patient, (whole) => whole)), total })
    },
  })
  route(app, {
    method: 'POST',
    paths: admin('/patients'),
    operationId: 'enterPatient',
    permission: 'clinic:patients',
    summary: 'Enter a patient who has no account',
    description: 'For walk-ins. A patient whose id card is known is answered as they are, if the name is the same.',
    tag,
    schema: {
      body: Type.Object({
        name: Text(64),
        phone: Optional(40),
        id_card: Optional(18),
        gender: Type.Optional(Nullable(Type.Enum([...GENDERS]))),
        birth_date: Type.Optional(Nullable(LocalDate)),
      }),
      response: { 200: Answer(Type.Object({ patient_id: Id, detail: Type.String() })) },
    },
    handler: async (request) => {
      const { name, phone, id_card, gender, birth_date } = request.body
      const { patientId, isNew } = await service.enterPatient(kernel, callerOf(request), {
        name,
        phone: phone || undefined,
        idCard: id_card || undefined,
        gender: gender ?? undefined,
        birthDate: birth_date ?? undefined,
      })
      return answer({ patient_id: patientId, detail: isNew ? '患者已登记' : '该身份证号已登记，已返回原有患者' })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/doctor/patients/exact-search'],
    operationId: 'findPatientExactly',
    permission: 'clinic:treat',
    summary: 'Find patients by their whole name or phone number',
    description: 'For asking for an added number. At most 20; phone numbers and id cards are masked.',
    tag,
    schema: {
      querystring: Type.Object({ keyword: Text(64) }),
      response: { 200: Answer(Type.Object({ patients: Type.Array(StaffRow) })) },
    },
    handler: async (request) => {
      const found = await service.findExactly(kernel, request.query.keyword)
      return answer({ patients: found.map((patient) => show(patient, maskPhone)) })
    },
  })
}
