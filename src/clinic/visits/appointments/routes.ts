import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../kernel/http/request/idempotency.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, type Of } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { register } from '../../core/booking.ts'
import { yuan } from '../../core/money/rules.ts'
import { orderNumber } from '../../core/orderNumber.ts'
import { queueNumber } from '../../core/sections/rules.ts'
import { ids, PlainMoment, plainMoment, TimeSection, whenSet, Yuan } from '../../fields.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'

const tag = 'Clinic appointments'
const Params = ids('id')

const Pages = Type.Object({
  page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
  pageSize: Type.Integer({ minimum: 1, maximum: 10_000, default: 20 }),
  status: Type.Optional(Type.String({ maxLength: 20, examples: ['confirmed'] })),
})

/** Routes of the patients' orders. */
export function appointmentRoutes(app: App, kernel: Kernel): void {
  registering(app, kernel)
  lists(app, kernel)
  cancelling(app, kernel)
  paying(app, kernel)
}

const Registered = Type.Object({
  id: Id,
  orderNo: Type.String(),
  queueNumber: Type.String(),
  needPay: Type.Boolean(),
  payAmount: Yuan,
  appointmentDate: Type.String(),
  appointmentTime: TimeSection,
  status: Type.String(),
  paymentStatus: Type.String(),
  expiresAt: Nullable(PlainMoment),
})

function registering(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/patient/appointments'],
    permission: 'signed-in',
    summary: 'Register a patient for a schedule',
    description: 'Code 1001: sold out. 1002: registered already. 1003: too many registrations.',
    tag,
    idempotent: true,
    schema: {
      body: Type.Object({
        scheduleId: Id,
        patientId: Id,
        hospitalId: Type.Optional(Nullable(Id)),
        departmentId: Type.Optional(Nullable(Id)),
        symptoms: Type.Optional(Nullable(Type.String({ maxLength: 1000 }))),
      }),
      response: { 200: Answer(Registered) },
    },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) => {
        const { scheduleId, patientId, symptoms } = request.body
        const zone = kernel.config.timeZone
        const made = await register(kernel, callerOf(request), { scheduleId, patientId, symptoms: symptoms ?? '' })
        return answer({
          id: made.orderId,
          orderNo: orderNumber({ orderId: made.orderId, createTime: kernel.clock.now() }, zone),
          queueNumber: queueNumber(made.number),
          needPay: made.price > 0,
          payAmount: yuan(made.price),
          appointmentDate: made.facts.schedule.date,
          appointmentTime: made.facts.schedule.timeSection,
          status: made.status,
          paymentStatus: made.price > 0 ? 'pending' : 'paid',
          expiresAt: whenSet(made.expiresAt, zone, plainMoment),
        })
      }),
  })
}

function lists(app: App, kernel: Kernel): void {
  const List = Type.Object({
    total: Type.Integer(),
    page: Type.Integer(),
    pageSize: Type.Integer(),
    list: Type.Array(schemas.Appointment),
  })
  const list = async (
    request: Parameters<typeof callerOf>[0],
    of: 'own' | 'initiated',
    { page, pageSize, status }: Of<typeof Pages>,
  ) => {
    const query = { of, status, page, pageSize }
    const { items, total } = await service.listMine(kernel, callerOf(request), query)
    const rows = items.map((order) => schemas.presentAppointment(order, kernel.config.timeZone))
    return answer({ total, page, pageSize, list: rows })
  }
  route(app, {
    method: 'GET',
    paths: ['/patient/appointments'],
    operationId: 'listMyAppointments',
    permission: 'signed-in',
    summary: 'List the orders of your own patient record',
    tag,
    schema: { querystring: Pages, response: { 200: Answer(List) } },
    handler: (request) => list(request, 'own', request.query),
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/my-initiated-appointments'],
    permission: 'signed-in',
    summary: 'List the orders that you made, also for others',
    tag,
    schema: { querystring: Pages, response: { 200: Answer(List) } },
    handler: (request) => list(request, 'initiated', request.query),
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/appointments/{id}'],
    permission: 'signed-in',
    summary: 'Read one of your orders',
    tag,
    schema: { params: Params, response: { 200: Answer(schemas.AppointmentDetail) } },
    handler: async (request) => {
      const order = await service.getMine(kernel, callerOf(request), request.params.id)
      return answer(schemas.presentDetail(order, kernel.config.timeZone))
    },
  })
}

const Reason = Type.Optional(
  Nullable(Type.Object({ reason: Type.Optional(Nullable(Type.String({ maxLength: 500 }))) })),
)

function cancelling(app: App, kernel: Kernel): void {
  route(app, {
    method: 'PUT',
    paths: ['/patient/appointments/{id}/cancel'],
    permission: 'signed-in',
    summary: 'Cancel one of your orders; what was paid is given back',
    description: 'Code 1006: it is too late, only the desk can cancel.',
    tag,
    schema: {
      params: Params,
      body: Reason,
      response: { 200: Answer(Type.Object({ success: Type.Literal(true), refundAmount: Yuan })) },
    },
    handler: async (request) => {
      const reason = request.body?.reason ?? '患者取消'
      const { refund } = await service.cancelMine(kernel, callerOf(request), request.params.id, reason)
      return answer({ success: true as const, refundAmount: yuan(refund) })
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/patient/appointments/{id}/cancel-payment'],
    permission: 'signed-in',
    summary: 'Give up an unpaid order',
    tag,
    schema: {
      params: Params,
      body: Reason,
      response: {
        200: Answer(
          Type.Object({
            success: Type.Literal(true),
            orderId: Id,
            status: Type.String(),
            cancelTime: PlainMoment,
            reason: Type.String(),
          }),
        ),
      },
    },
    handler: async (request) => {
      const reason = request.body?.reason ?? '取消支付'
      const { id } = request.params
      await service.cancelMine(kernel, callerOf(request), id, reason, ['pending'])
      const cancelTime = plainMoment(kernel.clock.now(), kernel.config.timeZone)
      return answer({ success: true as const, orderId: id, status: 'cancelled', cancelTime, reason })
    },
  })
}

function paying(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/patient/appointments/{id}/pay'],
    permission: 'signed-in',
    summary: 'Pay one of your orders',
    description:
      'With CLINIC_PAYMENT=confirm this call settles the payment; with `desk` it waits as `paying` for the desk; with ' +
      '`wechat` it waits for WeChat Pay, and `codeUrl` is the content of the QR code to scan.',
    tag,
    schema: {
      params: Params,
      body: Type.Object({
        method: Type.Enum(['bank', 'alipay', 'wechat']),
        remark: Type.Optional(Nullable(Type.String({ maxLength: 200 }))),
      }),
      response: {
        200: Answer(
          Type.Object({
            success: Type.Boolean(),
            orderId: Id,
            orderNo: Type.String(),
            paymentStatus: Type.String(),
            paymentTime: Nullable(PlainMoment),
            method: Type.String(),
            amount: Yuan,
            codeUrl: Nullable(Type.String()),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { method } = request.body
      const zone = kernel.config.timeZone
      const { order, time, codeUrl } = await service.payMine(kernel, callerOf(request), request.params.id, method)
      return answer({
        success: order.paymentStatus === 'paid',
        orderId: order.orderId,
        orderNo: orderNumber(order, zone),
        paymentStatus: order.paymentStatus,
        paymentTime: whenSet(time, zone, plainMoment),
        method,
        amount: yuan(order.price),
        codeUrl,
      })
    },
  })
}
