import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { yuan } from '../../core/money/rules.ts'
import { ids, PlainMoment, plainMoment, SlotType, TimeSection, Yuan } from '../../fields.ts'
import { type Option, reschedule, rescheduleOptions } from './rescheduling.ts'
import { checkInMine, reviewMine } from './visiting.ts'

const tag = 'Clinic appointments'
const Params = ids('id')

/** Routes for moving an order to another session, for arriving, and for the review after the visit. */
export function appointmentVisitRoutes(app: App, kernel: Kernel): void {
  rescheduling(app, kernel)
  visiting(app, kernel)
}

const OptionAnswer = Type.Object({
  scheduleId: Id,
  date: Type.String(),
  timeSection: TimeSection,
  remainingSlots: Type.Integer(),
  price: Yuan,
  hospitalId: Id,
  hospitalName: Type.String(),
  departmentId: Id,
  departmentName: Type.String(),
  clinicId: Id,
  clinicName: Type.String(),
  slotType: SlotType,
})

const presentOption = ({ schedule, price }: Option) => ({
  scheduleId: schedule.id,
  date: schedule.date,
  timeSection: schedule.timeSection,
  remainingSlots: schedule.remainingSlots,
  price: yuan(price),
  hospitalId: schedule.areaId,
  hospitalName: schedule.areaName,
  departmentId: schedule.deptId,
  departmentName: schedule.deptName,
  clinicId: schedule.clinicId,
  clinicName: schedule.clinicName,
  slotType: schedule.slotType,
})

function rescheduling(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/patient/appointments/{id}/reschedule-options'],
    operationId: 'listRescheduleOptions',
    permission: 'signed-in',
    summary: 'List the sessions to which one of your orders can be moved',
    tag,
    schema: {
      params: Params,
      response: {
        200: Answer(
          Type.Object({
            appointmentId: Id,
            currentScheduleId: Id,
            currentDate: Type.String(),
            currentTimeSection: TimeSection,
            options: Type.Array(OptionAnswer),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { order, options } = await rescheduleOptions(kernel, callerOf(request), request.params.id)
      return answer({
        appointmentId: order.orderId,
        currentScheduleId: order.scheduleId,
        currentDate: order.date,
        currentTimeSection: order.timeSection,
        options: options.map(presentOption),
      })
    },
  })
  route(app, {
    method: 'PUT',
    paths: ['/patient/appointments/{id}/reschedule'],
    operationId: 'rescheduleAppointment',
    permission: 'signed-in',
    summary: 'Move one of your orders to another session of the doctor',
    description:
      'Same doctor, clinic and kind of number. A paid order moves only to the same price. Code 1001: sold out.',
    tag,
    schema: {
      params: Params,
      body: Type.Object({ scheduleId: Id }),
      response: {
        200: Answer(
          Type.Object({
            id: Id,
            appointmentDate: Type.String(),
            appointmentTime: TimeSection,
            price: Yuan,
            priceDiff: Yuan,
            status: Type.String(),
            paymentStatus: Type.String(),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { params, body } = request
      const { order, priceDiff } = await reschedule(kernel, callerOf(request), params.id, body.scheduleId)
      return answer({
        id: order.orderId,
        appointmentDate: order.date,
        appointmentTime: order.timeSection,
        price: yuan(order.price),
        priceDiff: yuan(priceDiff),
        status: order.status,
        paymentStatus: order.paymentStatus,
      })
    },
  })
}

function visiting(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/patient/appointments/{id}/check-in'],
    operationId: 'checkInAppointment',
    permission: 'signed-in',
    summary: 'Check in for one of your visits, on its day',
    tag,
    schema: {
      params: Params,
      response: { 200: Answer(Type.Object({ id: Id, checkInTime: PlainMoment })) },
    },
    handler: async (request) => {
      const { id } = request.params
      const at = await checkInMine(kernel, callerOf(request), id)
      return answer({ id, checkInTime: plainMoment(at, kernel.config.timeZone) })
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/patient/appointments/{id}/review'],
    operationId: 'reviewAppointment',
    permission: 'signed-in',
    summary: 'Review a visit that is over, once',
    tag,
    schema: {
      params: Params,
      body: Type.Object({
        rating: Type.Integer({ minimum: 1, maximum: 5 }),
        comment: Type.Optional(Nullable(Type.String({ maxLength: 500, examples: ['讲解清楚，放心'] }))),
      }),
      response: { 200: Detail },
    },
    handler: async (request) => {
      await reviewMine(kernel, callerOf(request), request.params.id, request.body)
      return detail('评价成功')
    },
  })
}
