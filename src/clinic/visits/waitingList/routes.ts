import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { yuan } from '../../core/money/rules.ts'
import { queueNumber } from '../../core/sections/rules.ts'
import { ids, PlainMoment, plainMoment, TimeSection, whenSet, Yuan } from '../../fields.ts'
import * as service from './service.ts'

const tag = 'Clinic waiting list'
const Params = ids('id')

const Entry = Type.Object({
  id: Id,
  scheduleId: Id,
  hospitalName: Type.String(),
  departmentName: Type.String(),
  doctorName: Type.String(),
  doctorTitle: Nullable(Type.String()),
  appointmentDate: Type.String(),
  appointmentTime: TimeSection,
  price: Yuan,
  status: Type.String(),
  queueNumber: Type.Integer({ description: 'The place in the line.' }),
  patientName: Type.String(),
  createdAt: PlainMoment,
  canConvert: Type.Boolean(),
})

/** Routes of the waiting list. */
export function waitingListRoutes(app: App, kernel: Kernel): void {
  joining(app, kernel)
  entries(app, kernel)
  converting(app, kernel)
}

function joining(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/patient/waitlist'],
    operationId: 'joinClinicWaitingList',
    permission: 'signed-in',
    summary: 'Put a patient on the waiting list of a schedule that is sold out',
    description: 'Code 1005: a number is free. 1006: the patient waits already.',
    tag,
    schema: {
      body: Type.Object({ scheduleId: Id, patientId: Id }),
      response: {
        200: Answer(
          Type.Object({
            id: Id,
            queueNumber: Type.Integer(),
            estimatedTime: Nullable(Type.String()),
            createdAt: PlainMoment,
          }),
        ),
      },
    },
    handler: async (request) => {
      const { order, place } = await service.joinLine(kernel, callerOf(request), request.body)
      const createdAt = plainMoment(order.createTime, kernel.config.timeZone)
      return answer({ id: order.orderId, queueNumber: place, estimatedTime: null, createdAt })
    },
  })
}

function entries(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/patient/waitlist'],
    operationId: 'listMyClinicWaiting',
    permission: 'signed-in',
    summary: 'List your entries on waiting lists',
    tag,
    schema: { response: { 200: Answer(Type.Object({ list: Type.Array(Entry) })) } },
    handler: async (request) => {
      const found = await service.myEntries(kernel, callerOf(request))
      const list = found.map((order) => ({
        id: order.orderId,
        scheduleId: order.scheduleId,
        hospitalName: order.areaName,
        departmentName: order.deptName,
        doctorName: order.doctorName,
        doctorTitle: order.doctorTitle,
        appointmentDate: order.date,
        appointmentTime: order.timeSection,
        price: yuan(order.price),
        status: order.status,
        queueNumber: order.place,
        patientName: order.patientName,
        createdAt: plainMoment(order.createTime, kernel.config.timeZone),
        canConvert: order.free && order.place === 1,
      }))
      return answer({ list })
    },
  })
  route(app, {
    method: 'DELETE',
    paths: ['/patient/waitlist/{id}'],
    operationId: 'leaveClinicWaitingList',
    permission: 'signed-in',
    summary: 'Leave a waiting list',
    tag,
    schema: { params: Params, response: { 200: Answer(Type.Object({ success: Type.Literal(true) })) } },
    handler: async (request) => {
      await service.leaveLine(kernel, callerOf(request), request.params.id)
      return answer({ success: true as const })
    },
  })
}

function converting(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/patient/waitlist/{id}/convert'],
    operationId: 'convertClinicWaiting',
    permission: 'signed-in',
    summary: 'Take a free number for one of your entries',
    description: 'Usually that happens by itself. Code 1008: no number is free.',
    tag,
    schema: {
      params: Params,
      response: {
        200: Answer(
          Type.Object({
            id: Id,
            appointmentDate: Type.String(),
            appointmentTime: TimeSection,
            queueNumber: Type.String(),
            doctorName: Type.String(),
            price: Yuan,
            status: Type.String(),
            paymentStatus: Type.String(),
            sourceType: Type.String(),
            createdAt: PlainMoment,
            expiresAt: Nullable(PlainMoment),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { order, number } = await service.convertEntry(kernel, callerOf(request), request.params.id)
      const zone = kernel.config.timeZone
      return answer({
        id: order.orderId,
        appointmentDate: order.date,
        appointmentTime: order.timeSection,
        queueNumber: queueNumber(number),
        doctorName: order.doctorName,
        price: yuan(order.price),
        status: order.status,
        paymentStatus: order.paymentStatus,
        sourceType: order.sourceType,
        createdAt: plainMoment(order.createTime, zone),
        expiresAt: whenSet(order.expiresAt, zone, plainMoment),
      })
    },
  })
}
