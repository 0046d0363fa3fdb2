import { Type } from 'typebox'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import { yuan } from '../../core/money/rules.ts'
import { orderNumber } from '../../core/orderNumber.ts'
import { queueNumber } from '../../core/sections/rules.ts'
import { PlainMoment, plainMoment, SlotType, TimeSection, whenSet, Yuan } from '../../fields.ts'
import type { ShownOrder } from './service.ts'

/** An order in the lists of the patient side (clients 1.3). */
export const Appointment = Type.Object({
  id: Id,
  orderNo: Type.String(),
  hospitalId: Id,
  hospitalName: Type.String(),
  departmentId: Id,
  departmentName: Type.String(),
  clinicId: Id,
  clinicName: Type.String(),
  doctorName: Type.String(),
  doctorTitle: Nullable(Type.String()),
  scheduleId: Id,
  appointmentDate: Type.String(),
  appointmentTime: TimeSection,
  patientName: Type.String(),
  patientId: Id,
  queueNumber: Nullable(Type.String()),
  price: Yuan,
  status: Type.String(),
  paymentStatus: Type.String(),
  canCancel: Type.Boolean(),
  canReschedule: Type.Boolean(),
  sourceType: Type.String(),
  expiresAt: Nullable(PlainMoment),
  createdAt: PlainMoment,
})

export const AppointmentDetail = Type.Object({
  ...Appointment.properties,
  hospitalAddress: Nullable(Type.String()),
  clinicAddress: Nullable(Type.String()),
  doctorId: Id,
  doctorSpecialty: Nullable(Type.String()),
  slotType: SlotType,
  patientGender: Type.String(),
  symptoms: Type.String(),
  refundAmount: Yuan,
  paidAt: Nullable(PlainMoment),
  cancelledAt: Nullable(PlainMoment),
  cancelReason: Nullable(Type.String()),
})

export function presentAppointment(order: ShownOrder, zone: string) {
  return {
    id: order.orderId,
    orderNo: orderNumber(order, zone),
    hospitalId: order.areaId,
    hospitalName: order.areaName,
    departmentId: order.deptId,
    departmentName: order.deptName,
    clinicId: order.clinicId,
    clinicName: order.clinicName,
    doctorName: order.doctorName,
    doctorTitle: order.doctorTitle,
    scheduleId: order.scheduleId,
    appointmentDate: order.date,
    appointmentTime: order.timeSection,
    patientName: order.patientName,
    patientId: order.patientId,
    queueNumber: order.queueNo === null ? null : queueNumber(order.queueNo),
    price: yuan(order.price),
    status: order.status,
    paymentStatus: order.paymentStatus,
    canCancel: order.canCancel,
    canReschedule: order.canReschedule,
    sourceType: order.sourceType,
    expiresAt: whenSet(order.expiresAt, zone, plainMoment),
    createdAt: plainMoment(order.createTime, zone),
  }
}

export function presentDetail(order: ShownOrder, zone: string) {
  return {
    ...presentAppointment(order, zone),
    hospitalAddress: order.areaAddress,
    clinicAddress: order.clinicAddress,
    doctorId: order.doctorId,
    doctorSpecialty: order.doctorSpecialty,
    slotType: order.slotType,
    patientGender: order.patientGender,
    symptoms: order.symptoms,
    refundAmount: yuan(order.refunded),
    paidAt: whenSet(order.paymentTime, zone, plainMoment),
    cancelledAt: whenSet(order.cancelTime, zone, plainMoment),
    cancelReason: order.cancelReason,
  }
}
