import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { HIGHEST_PRICE, yuan } from '../../core/money/rules.ts'
import { orderNumber } from '../../core/orderNumber.ts'
import type { Order } from '../../core/ordersStore.ts'
import { queueNumber } from '../../core/sections/rules.ts'
import { ORDER_STATES, PAYMENT_STATES } from '../../core/states.ts'
import { admin, ids, limits, Moment, moment, paged, SlotType, TimeSection, whenSet, Yuan } from '../../fields.ts'
import * as service from './service.ts'

const tag = 'Clinic desk'
const Params = ids('order_id')

/** How the desk takes money. */
const Method = Type.Optional(Type.Enum(['cash', 'card', 'insurance', 'other'], { default: 'cash' }))

/** An order as the desk sees it. */
const OrderRow = Type.Object({
  order_id: Id,
  order_no: Type.String(),
  patient_id: Id,
  patient_name: Type.String(),
  schedule_id: Id,
  doctor_id: Id,
  doctor_name: Type.String(),
  clinic_name: Type.String(),
  date: Type.String(),
  time_section: TimeSection,
  slot_type: SlotType,
  queue_number: Nullable(Type.String()),
  price: Yuan,
  paid: Yuan,
  refunded: Yuan,
  status: Type.String(),
  payment_status: Type.String(),
  payment_method: Nullable(Type.String()),
  check_in_time: Nullable(Moment),
  create_time: Moment,
})

function presentOrder(order: Order, zone: string) {
  return {
    order_id: order.orderId,
    order_no: orderNumber(order, zone),
    patient_id: order.patientId,
    patient_name: order.patientName,
    schedule_id: order.scheduleId,
    doctor_id: order.doctorId,
    doctor_name: order.doctorName,
    clinic_name: order.clinicName,
    date: order.date,
    time_section: order.timeSection,
    slot_type: order.slotType,
    queue_number: order.queueNo === null ? null : queueNumber(order.queueNo),
    price: yuan(order.price),
    paid: yuan(order.paid),
    refunded: yuan(order.refunded),
    status: order.status,
    payment_status: order.paymentStatus,
    payment_method: order.paymentMethod,
    check_in_time: whenSet(order.checkInTime, zone, moment),
    create_time: moment(order.createTime, zone),
  }
}

/** Routes of the registration desk. */
export function deskRoutes(app: App, kernel: Kernel): void {
  reading(app, kernel)
  moves(app, kernel)
  walkIns(app, kernel)
}

function reading(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: admin('/orders'),
    operationId: 'listClinicOrders',
    permission: 'clinic:desk',
    summary: 'Find orders',
    tag,
    schema: {
      querystring: paged({
        date: Type.Optional(LocalDate),
        schedule_id: Type.Optional(Id),
        doctor_id: Type.Optional(Id),
        patient_id: Type.Optional(Id),
        status: Type.Optional(Type.Enum([...ORDER_STATES])),
        payment_status: Type.Optional(Type.Enum([...PAYMENT_STATES])),
        patient_name: Type.Optional(Type.String({ maxLength: 100, description: 'A part of the name.' })),
        phone: Type.Optional(Type.String({ maxLength: 40, description: 'The patient’s whole phone number.' })),
        order_no: Type.Optional(Type.String({ maxLength: 20 })),
      }),
      response: { 200: Answer(Type.Object({ orders: Type.Array(OrderRow), total: Type.Integer() })) },
    },
    handler: async (request) => {
      const { query } = request
      const { items, total } = await service.findOrders(kernel, {
        date: query.date,
        scheduleId: query.schedule_id,
        doctorId: query.doctor_id,
        patientId: query.patient_id,
        status: query.status,
        paymentStatus: query.payment_status,
        patientName: query.patient_name,
        phone: query.phone,
        orderNo: query.order_no,
        ...limits(query),
      })
      return answer({ orders: items.map((order) => presentOrder(order, kernel.config.timeZone)), total })
    },
  })
}

function moves(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'POST',
    paths: admin('/orders/{order_id}/confirm-payment'),
    operationId: 'confirmClinicPayment',
    permission: 'clinic:desk',
    summary: 'Confirm that the desk has taken the money for an order',
    tag,
    schema: {
      params: Params,
      body: Type.Object({ method: Method }),
      response: { 200: Answer(OrderRow) },
    },
    handler: async (request) => {
      const { order_id: id } = request.params
      const { method = 'cash' } = request.body
      return answer(presentOrder(await service.confirmPayment(kernel, callerOf(request), id, method), zone))
    },
  })
  route(app, {
    method: 'POST',
    paths: admin('/orders/{order_id}/refund'),
    operationId: 'refundClinicOrder',
    permission: 'clinic:desk',
    summary: 'Give money of an order back',
    description:
      'All that is left, or `amount` yuan, the way it was paid: by WeChat Pay, or at the desk. Giving all back for an ' +
      'order that is still ahead cancels it too.',
    tag,
    schema: {
      params: Params,
      body: Type.Object({
        amount: Type.Optional(Nullable(Type.Number({ minimum: 0.01, maximum: HIGHEST_PRICE }))),
        reason: Text(200),
      }),
      response: { 200: Answer(OrderRow) },
    },
    handler: async (request) => {
      const { amount, reason } = request.body
      const refund = { amount: amount ?? undefined, reason }
      const { order_id: id } = request.params
      return answer(presentOrder(await service.refundOrder(kernel, callerOf(request), id, refund), zone))
    },
  })
  route(app, {
    method: 'POST',
    paths: admin('/orders/{order_id}/check-in'),
    operationId: 'checkInClinicPatient',
    permission: 'clinic:desk',
    summary: 'Note that a patient has arrived',
    description: 'On the day of the visit. Noting it again changes nothing.',
    tag,
    schema: { params: Params, response: { 200: Answer(OrderRow) } },
    handler: async (request) =>
      answer(presentOrder(await service.checkInPatient(kernel, callerOf(request), request.params.order_id), zone)),
  })
}

function walkIns(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/walk-ins'),
    operationId: 'registerWalkIn',
    permission: 'clinic:desk',
    summary: 'Register a patient who has come without an order',
    description:
      'Until the session ends. With `paid` the desk has taken the money, and the order is confirmed at once. Otherwise ' +
      'the payment is confirmed like that of any other order.',
    tag,
    schema: {
      body: Type.Object({
        schedule_id: Id,
        patient_id: Id,
        paid: Type.Optional(Type.Boolean({ default: false })),
        method: Method,
      }),
      response: {
        200: Answer(Type.Object({ order_id: Id, queue_number: Type.String(), amount: Yuan, status: Type.String() })),
      },
    },
    handler: async (request) => {
      const { schedule_id: scheduleId, patient_id: patientId, paid = false, method = 'cash' } = request.body
      const walkIn = { scheduleId, patientId, method: paid ? method : null }
      const { orderId, number, price, status } = await service.registerWalkIn(kernel, callerOf(request), walkIn)
      return answer({ order_id: orderId, queue_number: queueNumber(number), amount: yuan(price), status })
    },
  })
}
