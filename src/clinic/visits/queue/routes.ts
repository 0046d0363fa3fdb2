import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { recordInputs } from '../../core/records/fields.ts'
import { ids } from '../../fields.ts'
import { OwnPlace, Patient, presenter, presentPlace, presentQueue, Queue } from './schemas.ts'
import * as service from './service.ts'

const tag = 'Clinic queue'

const Moved = Type.Object({ detail: Type.String(), ...Patient.properties })

/** Routes of the queue of a doctor’s session. */
export function queueRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/doctor/consultation/queue'],
    permission: 'clinic:treat',
    summary: 'Read the queue of one of your sessions',
    tag,
    schema: { querystring: Type.Object({ schedule_id: Id }), response: { 200: Answer(Queue) } },
    handler: async (request) => {
      const { session, line } = await service.readQueue(kernel, callerOf(request), request.query.schedule_id)
      return answer(presentQueue(kernel, session, line))
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/appointments/{id}/queue'],
    operationId: 'getMyQueue',
    permission: 'signed-in',
    summary: 'Read the place of one of your orders in its queue',
    description:
      '`position` 1 is called next; `ahead` patients are called earlier. Both are null unless the order waits. The ' +
      'WebSocket `/ws/clinic/queue` sends the same object whenever it changes.',
    tag,
    schema: { params: ids('id'), response: { 200: Answer(OwnPlace) } },
    handler: async (request) => {
      const { order, place } = await service.readPlace(kernel, callerOf(request), request.params.id)
      return answer(presentPlace(order, place, kernel.config.timeZone))
    },
  })
  moves(app, kernel)
}

function moves(app: App, kernel: Kernel): void {
  const show = presenter(kernel)
  route(app, {
    method: 'POST',
    paths: ['/doctor/consultation/next'],
    operationId: 'callNextPatient',
    permission: 'clinic:treat',
    summary: 'Call the next patient',
    description: 'Refused while another patient is being called, and on other days than that of the session.',
    tag,
    schema: { body: Type.Object({ schedule_id: Id }), response: { 200: Answer(Moved) } },
    handler: async (request) => {
      const order = await service.callNext(kernel, callerOf(request), request.body.schedule_id)
      return answer({ detail: `请 ${order.patientName} 就诊`, ...show(order) })
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/doctor/consultation/complete'],
    operationId: 'completeConsultation',
    permission: 'clinic:treat',
    summary: 'End the visit of the patient who is being called',
    description: 'With `record`, the medical record is written too; without it, it can be written until the next day.',
    tag,
    schema: {
      body: Type.Object({ order_id: Id, record: Type.Optional(Nullable(Type.Object(recordInputs))) }),
      response: { 200: Answer(Moved) },
    },
    handler: async (request) => {
      const { order_id, record } = request.body
      const order = await service.completeVisit(kernel, callerOf(request), order_id, record ?? undefined)
      return answer({ detail: '就诊已完成', ...show(order) })
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/doctor/consultation/pass'],
    operationId: 'passPatient',
    permission: 'clinic:treat',
    summary: 'Pass the patient who is being called and is not there',
    description:
      'They go behind the others. After `max_pass_count` passes (default: as configured, else 3) ' +
      'they count as absent.',
    tag,
    schema: {
      body: Type.Object({
        order_id: Id,
        max_pass_count: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
      }),
      response: { 200: Answer(Moved) },
    },
    handler: async (request) => {
      const { order_id, max_pass_count } = request.body
      const order = await service.passPatient(kernel, callerOf(request), order_id, max_pass_count)
      return answer({ detail: order.status === 'no_show' ? '该患者多次过号，已记为爽约' : '已过号', ...show(order) })
    },
  })
}
