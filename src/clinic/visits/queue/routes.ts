import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localDate } from '../../../kernel/time.ts'
import { Answer, answer } from '../../contract.ts'
import type { Order } from '../../core/ordersStore.ts'
import { ageOn } from '../../core/personalData.ts'
import { recordInputs } from '../../core/records/fields.ts'
import { queueNumber } from '../../core/sections/rules.ts'
import { GENDERS } from '../../core/types.ts'
import { Moment, moment, TimeSection, whenSet } from '../../fields.ts'
import * as service from './service.ts'

const tag = 'Clinic queue'

const Patient = Type.Object({
  orderId: Id,
  patientId: Id,
  patientName: Type.String(),
  gender: Type.Enum([...GENDERS]),
  age: Nullable(Type.Integer()),
  queueNumber: Nullable(Type.String()),
  status: Type.String(),
  isCall: Type.Boolean(),
  callTime: Nullable(Moment),
  visitTime: Nullable(Moment),
  completedTime: Nullable(Moment),
  passCount: Type.Integer(),
  priority: Type.Integer(),
})

const Queue = Type.Object({
  stats: Type.Object({
    totalSlots: Type.Integer(),
    confirmedCount: Type.Integer(),
    waitlistCount: Type.Integer(),
    completedCount: Type.Integer(),
    waitingCount: Type.Integer(),
    passedCount: Type.Integer(),
  }),
  scheduleInfo: Type.Object({ scheduleId: Id, doctorId: Id, date: Type.String(), timeSection: TimeSection }),
  currentPatient: Nullable(Patient),
  nextPatient: Nullable(Patient),
  queue: Type.Array(Patient),
  waitlist: Type.Array(Patient),
  completedQueue: Type.Array(Patient),
})

const Moved = Type.Object({ detail: Type.String(), ...Patient.properties })

function presenter({ clock, config: { timeZone } }: Kernel) {
  return (order: Order) => ({
    orderId: order.orderId,
    patientId: order.patientId,
    patientName: order.patientName,
    gender: order.patientGender,
    age: ageOn(order.patientBirthDate, localDate(clock.now(), timeZone)),
    queueNumber: order.queueNo === null ? null : queueNumber(order.queueNo),
    status: order.status,
    isCall: order.isCalling,
    callTime: whenSet(order.callTime, timeZone, moment),
    visitTime: whenSet(order.callTime, timeZone, moment),
    completedTime: whenSet(order.completedTime, timeZone, moment),
    passCount: order.passCount,
    priority: order.priority,
  })
}

/** Routes of the queue of a doctor’s session. */
export function queueRoutes(app: App, kernel: Kernel): void {
  const show = presenter(kernel)
  route(app, {
    method: 'GET',
    paths: ['/doctor/consultation/queue'],
    permission: 'clinic:treat',
    summary: 'Read the queue of one of your sessions',
    tag,
    schema: { querystring: Type.Object({ schedule_id: Id }), response: { 200: Answer(Queue) } },
    handler: async (request) => {
      const queue = await service.readQueue(kernel, callerOf(request), request.query.schedule_id)
      const { schedule, calling, waiting, completed, waitlist } = queue
      const [next] = waiting
      return answer({
        stats: {
          totalSlots: schedule.totalSlots,
          confirmedCount: waiting.length + (calling ? 1 : 0),
          waitlistCount: waitlist.length,
          completedCount: completed.length,
          waitingCount: waiting.length,
          passedCount: waiting.filter(({ passCount }) => passCount > 0).length,
        },
        scheduleInfo: {
          scheduleId: schedule.scheduleId,
          doctorId: schedule.doctorId,
          date: schedule.date,
          timeSection: schedule.timeSection,
        },
        currentPatient: calling ? show(calling) : null,
        nextPatient: next ? show(next) : null,
        queue: waiting.map(show),
        waitlist: waitlist.map(show),
        completedQueue: completed.map(show),
      })
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
