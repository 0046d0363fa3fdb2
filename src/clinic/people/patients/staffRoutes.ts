import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, Text } from '../../../kernel/http/schemas.ts'
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
    permission: 'clinic:people',
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
