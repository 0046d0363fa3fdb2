import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import * as decisions from '../../core/decisions/fields.ts'
import { admin, ids, Moment, moment, SlotType } from '../../fields.ts'
import * as service from './service.ts'
import type { AddSlotRequest } from './store.ts'

const tag = 'Clinic audits'

const Row = Type.Object({
  audit_id: Id,
  schedule_id: Id,
  doctor_id: Id,
  doctor_name: Type.String(),
  patient_id: Id,
  patient_name: Type.String(),
  slot_type: SlotType,
  reason: Nullable(Type.String()),
  applicant_id: Id,
  submit_time: Moment,
  order_id: Nullable(Id),
  ...decisions.decidedFields,
})
const List = Answer(Type.Object({ audits: Type.Array(Row) }))

function present(request: AddSlotRequest, zone: string) {
  return {
    audit_id: request.id,
    schedule_id: request.scheduleId,
    doctor_id: request.doctorId,
    doctor_name: request.doctorName,
    patient_id: request.patientId,
    patient_name: request.patientName,
    slot_type: request.slotType,
    reason: request.reason,
    applicant_id: request.applicantId,
    submit_time: moment(request.submitTime, zone),
    order_id: request.orderId,
    ...decisions.decidedMembers(request, zone),
  }
}

/** Routes of added numbers (seed 3.10–3.12). */
export function addSlotRoutes(app: App, kernel: Kernel): void {
  requesting(app, kernel)
  own(app, kernel)
  deciding(app, kernel)
}

function requesting(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/doctor/schedules/add-slot', '/schedules/add-slot'],
    operationId: 'addScheduleSlot',
    permission: 'signed-in',
    summary: 'Add a number for a patient (administrators), or ask for it (doctors, on their own schedules)',
    tag,
    schema: {
      body: Type.Object({
        schedule_id: Id,
        patient_id: Id,
        slot_type: Type.Optional(SlotType),
        reason: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
      }),
      response: {
        200: Answer(Type.Object({ detail: Type.String(), order_id: Type.Optional(Id), audit_id: Type.Optional(Id) })),
      },
    },
    handler: async (request) => {
      const { schedule_id: scheduleId, patient_id: patientId, slot_type: slotType, reason } = request.body
      const wish = { scheduleId, patientId, slotType, reason: reason ?? '' }
      const made = await service.requestSlot(kernel, callerOf(request), wish)
      if ('orderId' in made) return answer({ detail: '加号记录已创建', order_id: made.orderId })
      return answer({ detail: '加号申请已提交，等待审核', audit_id: made.auditId })
    },
  })
}

function own(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/doctor/schedules/add-slot'],
    operationId: 'listMyAddSlotRequests',
    permission: 'clinic:treat',
    summary: 'List your own requests for added numbers',
    tag,
    schema: { response: { 200: List } },
    handler: async (request) => {
      const audits = await service.listMine(kernel, callerOf(request))
      return answer({ audits: audits.map((one) => present(one, kernel.config.timeZone)) })
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/doctor/schedules/add-slot/{audit_id}/cancel'],
    operationId: 'cancelMyAddSlotRequest',
    permission: 'clinic:treat',
    summary: 'Take back your own pending request for an added number',
    tag,
    schema: { params: ids('audit_id'), response: { 200: Detail } },
    handler: async (request) => {
      await service.cancelMine(kernel, callerOf(request), request.params.audit_id)
      return detail('加号申请已取消')
    },
  })
}

function deciding(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: admin('/audit/add-slot'),
    operationId: 'listAddSlotAudits',
    permission: 'clinic:audit',
    summary: 'List requests for added numbers, the newest first',
    tag,
    schema: { querystring: decisions.StatusQuery, response: { 200: List } },
    handler: async (request) => {
      const audits = await service.listRequests(kernel, request.query.status)
      return answer({ audits: audits.map((one) => present(one, zone)) })
    },
  })
  for (const verb of ['approve', 'reject'] as const) {
    route(app, {
      method: 'POST',
      paths: admin(`/audit/add-slot/{audit_id}/${verb}`),
      operationId: `${verb}AddSlotAudit`,
      permission: 'clinic:audit',
      summary: verb === 'approve' ? 'Approve an added number: makes the order' : 'Reject an added number',
      tag,
      schema: {
        params: ids('audit_id'),
        body: decisions.DecisionBody,
        response: { 200: Answer(Type.Object({ ...decisions.Decision.properties, order_id: Nullable(Id) })) },
      },
      handler: async (request) => {
        const caller = callerOf(request)
        const { audit_id: id } = request.params
        const comment = request.body?.comment ?? ''
        const verdict = { approves: verb === 'approve', comment, by: caller.userId, now: kernel.clock.now() }
        const order_id = await service.decide(kernel, caller, id, verdict)
        return answer({ ...decisions.presentDecision(id, verdict, zone), order_id })
      },
    })
  }
}
