import { Type } from 'typebox'
import { attachment, CONTENT_TYPES } from '../../../kernel/exports/exports.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { addressOf } from '../../../kernel/http/request/limits.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { ageOn } from '../../core/personalData.ts'
import { recordFields, recordInputs, recordMembers } from '../../core/records/fields.ts'
import type { VisitRecord } from '../../core/records/store.ts'
import { GENDERS } from '../../core/types.ts'
import { ids, PlainMoment, plainMoment } from '../../fields.ts'
import { makeLink, openLink } from './links.ts'
import { fileNameOf, numberOf, printRecord } from './print.ts'
import { readRecord, saveRecord } from './service.ts'

const tag = 'Clinic records'
const Params = ids('id')

const Shown = Answer(
  Type.Object({
    basicInfo: Type.Object({
      name: Type.String(),
      gender: Type.Enum([...GENDERS]),
      age: Nullable(Type.Integer({ description: 'On the day of the visit.' })),
    }),
    recordData: Type.Object({
      id: Id,
      outpatientNo: Type.String(),
      visitDate: Type.String(),
      hospitalName: Type.String({ description: 'The area of the hospital.' }),
      department: Type.String(),
      doctorName: Type.String(),
      doctorTitle: Nullable(Type.String()),
      ...recordFields,
      version: Type.Integer({ description: 'Counts the changes, from 1.' }),
      updateTime: PlainMoment,
    }),
  }),
)

const present = (record: VisitRecord, zone: string) =>
  answer({
    basicInfo: {
      name: record.patientName,
      gender: record.patientGender,
      age: ageOn(record.patientBirthDate, record.visitDate),
    },
    recordData: {
      id: record.orderId,
      outpatientNo: numberOf(record, zone),
      visitDate: record.visitDate,
      hospitalName: record.areaName,
      department: record.deptName,
      doctorName: record.doctorName,
      doctorTitle: record.doctorTitle,
      ...recordMembers(record),
      version: record.version,
      updateTime: plainMoment(record.updateTime, zone),
    },
  })

/** Routes of the medical records. A record has the id of its order. */
export function recordRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'PUT',
    paths: ['/doctor/consultation/{orderId}/record'],
    operationId: 'writeVisitRecord',
    permission: 'clinic:treat',
    summary: 'Write the record of one of your visits',
    description:
      'While the patient is being called, and until the end of the day after the visit. Absent fields stay as they ' +
      'are; null clears one. With `version`, the change is refused if the record has another version (0: none yet); ' +
      'without it, the last change of a field wins.',
    tag,
    schema: {
      params: ids('orderId'),
      body: Type.Object({ ...recordInputs, version: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })) }),
      response: { 200: Shown },
    },
    handler: async (request) => {
      const { version, ...change } = request.body
      return present(await saveRecord(kernel, callerOf(request), request.params.orderId, { change, version }), zone)
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/common/visit-record/{id}', '/patient/visit-record/{id}'],
    operationId: 'getVisitRecord',
    permission: 'signed-in',
    summary: 'Read the record of a visit',
    description:
      'For the patient, the person who looks after a patient without an account, the doctor who treated the patient, ' +
      'and administrators. The id is that of the order. Readings by staff are written in the operation log.',
    tag,
    schema: { params: Params, response: { 200: Shown } },
    handler: async (request) => present(await readRecord(kernel, callerOf(request), request.params.id, 'read'), zone),
  })
  files(app, kernel)
}

function files(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'POST',
    paths: ['/common/medical-record/{id}/pdf'],
    operationId: 'printVisitRecord',
    permission: 'signed-in',
    summary: 'Make a link for the record of a visit as PDF',
    description: 'Who may read the record. The link opens this record only, and works for ten minutes.',
    tag,
    schema: {
      params: Params,
      response: {
        200: Answer(Type.Object({ url: Type.String(), fileName: Type.String(), expireTime: PlainMoment })),
      },
    },
    handler: async (request) => {
      const { id } = request.params
      const { record, token, expiresAt } = await makeLink(kernel, callerOf(request), id)
      return answer({
        url: `${kernel.config.publicUrl}/common/medical-record/${id}/download?token=${token}`,
        fileName: fileNameOf(record, zone),
        expireTime: plainMoment(expiresAt, zone),
      })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/common/medical-record/{id}/download'],
    operationId: 'downloadVisitRecord',
    permission: 'public',
    summary: 'Download the record of a visit by its link',
    tag,
    schema: {
      params: Params,
      querystring: Type.Object({ token: Type.String({ minLength: 1, maxLength: 500 }) }),
      response: {
        200: {
          description: 'The record.',
          content: { [CONTENT_TYPES.pdf]: { schema: Type.String({ format: 'binary' }) } },
        },
      },
    },
    handler: async (request, reply) => {
      const origin = { address: addressOf(request), requestId: request.id }
      const record = await openLink(kernel, request.query.token, request.params.id, origin)
      reply
        .type(CONTENT_TYPES.pdf)
        .header('content-disposition', attachment(fileNameOf(record, zone)))
        .header('cache-control', 'no-store')
      return await reply.send(await printRecord(kernel, record))
    },
  })
}
