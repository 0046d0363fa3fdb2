import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localDate } from '../../../kernel/time.ts'
import { Answer, answer } from '../../contract.ts'
import { orderNumber } from '../../core/orderNumber.ts'
import { ageOn, maskIdCard } from '../../core/personalData.ts'
import { recordFields, recordMembers } from '../../core/records/fields.ts'
import type { VisitRecord } from '../../core/records/store.ts'
import { GENDERS } from '../../core/types.ts'
import { ids } from '../../fields.ts'
import { changeOwnHealth, type Health, readOwnHealth, readPatient } from './service.ts'

const tag = 'Clinic records'

const Shown = Answer(
  Type.Object({
    patientId: Id,
    basicInfo: Type.Object({
      name: Type.String(),
      gender: Type.Enum([...GENDERS]),
      age: Nullable(Type.Integer()),
      birthDate: Nullable(Type.String()),
      height: Nullable(Type.Integer({ description: 'In cm.' })),
      phone: Nullable(Type.String()),
      identifier: Nullable(Type.String()),
      idCard: Nullable(Type.String({ description: 'Masked for staff.' })),
      address: Nullable(Type.String()),
    }),
    medicalHistory: Type.Object({
      pastHistory: Type.Array(Type.String()),
      allergyHistory: Type.Array(Type.String()),
      familyHistory: Type.Array(Type.String()),
    }),
    consultationRecords: Type.Array(
      Type.Object({
        id: Id,
        outpatientNo: Type.String(),
        visitDate: Type.String(),
        department: Type.String(),
        doctorName: Type.String(),
        ...recordFields,
      }),
      { description: 'Of completed visits, the latest first, at most 200.' },
    ),
  }),
)

const presentRecord = (visit: VisitRecord, zone: string) => ({
  id: visit.orderId,
  outpatientNo: orderNumber({ orderId: visit.orderId, createTime: visit.orderTime }, zone),
  visitDate: visit.visitDate,
  department: visit.deptName,
  doctorName: visit.doctorName,
  ...recordMembers(visit),
})

function presenter({ secrets: { cipher }, clock, config: { timeZone } }: Kernel) {
  return ({ patient, records }: Health, { isStaff }: { readonly isStaff: boolean }) => {
    const idCard = patient.idCard === null ? null : cipher.decrypt(patient.idCard)
    return answer({
      patientId: patient.patientId,
      basicInfo: {
        name: patient.name,
        gender: patient.gender,
        age: ageOn(patient.birthDate, localDate(clock.now(), timeZone)),
        birthDate: patient.birthDate,
        height: patient.height,
        phone: patient.phone === null ? null : cipher.decrypt(patient.phone),
        identifier: patient.identifier,
        idCard: isStaff && idCard !== null ? maskIdCard(idCard) : idCard,
        address: patient.address,
      },
      medicalHistory: {
        pastHistory: [...patient.pastHistory],
        allergyHistory: [...patient.allergyHistory],
        familyHistory: [...patient.familyHistory],
      },
      consultationRecords: records.map((visit) => presentRecord(visit, timeZone)),
    })
  }
}

/** Texts of a history, such as `青霉素过敏`. */
const History = Type.Optional(Type.Array(Text(200), { maxItems: 50 }))
const Whose = Type.Object({
  patient_id: Type.Optional({ ...Id, description: 'A patient without an account whom you have entered.' }),
})

/** Routes of the health records: for patients, and of their patients for doctors. */
export function healthRoutes(app: App, kernel: Kernel): void {
  const present = presenter(kernel)
  route(app, {
    method: 'GET',
    paths: ['/patient/health-record'],
    operationId: 'getMyHealthRecord',
    permission: 'signed-in',
    summary: 'Read your health record: your history, and the records of your visits',
    tag,
    schema: { querystring: Whose, response: { 200: Shown } },
    handler: async (request) =>
      present(await readOwnHealth(kernel, callerOf(request), request.query.patient_id), { isStaff: false }),
  })
  route(app, {
    method: 'PUT',
    paths: ['/patient/health-record'],
    operationId: 'changeMyHealthRecord',
    permission: 'signed-in',
    summary: 'Change your medical history, height and address',
    description: 'Absent fields stay as they are. Of two changes at once, the last one of a field wins.',
    tag,
    schema: {
      querystring: Whose,
      body: Type.Object({
        pastHistory: History,
        allergyHistory: History,
        familyHistory: History,
        height: Type.Optional(Nullable(Type.Integer({ minimum: 20, maximum: 260 }))),
        address: Type.Optional(Nullable(Type.String({ maxLength: 200 }))),
      }),
      response: { 200: Shown },
    },
    handler: async (request) => {
      const { pastHistory, allergyHistory, familyHistory, height, address } = request.body
      const change = {
        ...(pastHistory && { past_history: pastHistory }),
        ...(allergyHistory && { allergy_history: allergyHistory }),
        ...(familyHistory && { family_history: familyHistory }),
        ...(height !== undefined && { height }),
        ...(address !== undefined && { address: address || null }),
      }
      const changed = await changeOwnHealth(kernel, callerOf(request), request.query.patient_id, change)
      return present(changed, { isStaff: false })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/doctor/patient/{id}'],
    operationId: 'getPatientOfMine',
    permission: 'clinic:treat',
    summary: 'Read a patient of yours: their history, and the records of their visits',
    description:
      'Patients who have or had an order with you, or have one in your department today; for administrators every ' +
      'patient. Each reading is written in the operation log.',
    tag,
    schema: { params: ids('id'), response: { 200: Shown } },
    handler: async (request) =>
      present(await readPatient(kernel, callerOf(request), request.params.id), { isStaff: true }),
  })
}
