import { Type } from 'typebox'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localDate } from '../../../kernel/time.ts'
import type { Order } from '../../core/ordersStore.ts'
import { ageOn } from '../../core/personalData.ts'
import { GENDERS } from '../../core/types.ts'
import { Moment, moment, PlainMoment, plainMoment, TimeSection, whenSet } from '../../fields.ts'
import type { Session } from './lineStore.ts'
import { type Line, maskName, numberWords, type Place } from './rules.ts'

/** A patient in a queue, for the doctor. */
export const Patient = Type.Object({
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

/** The queue of a session, for the doctor and the desk. */
export const Queue = Type.Object({
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

/** Shows patients of a queue. */
export function presenter({ clock, config: { timeZone } }: Pick<Kernel, 'clock' | 'config'>) {
  return (order: Order) => ({
    orderId: order.orderId,
    patientId: order.patientId,
    patientName: order.patientName,
    gender: order.patientGender,
    age: ageOn(order.patientBirthDate, localDate(clock.now(), timeZone)),
    queueNumber: numberWords(order.queueNo),
    status: order.status,
    isCall: order.isCalling,
    callTime: whenSet(order.callTime, timeZone, moment),
    visitTime: whenSet(order.callTime, timeZone, moment),
    completedTime: whenSet(order.completedTime, timeZone, moment),
    passCount: order.passCount,
    priority: order.priority,
  })
}

/** Shows the queue of a session to its doctor. */
export function presentQueue(kernel: Pick<Kernel, 'clock' | 'config'>, session: Session, line: Line<Order>) {
  const show = presenter(kernel)
  const { calling, waiting, completed, waitlist } = line
  const [next] = waiting
  return {
    stats: {
      totalSlots: session.totalSlots,
      confirmedCount: waiting.length + (calling ? 1 : 0),
      waitlistCount: waitlist.length,
      completedCount: completed.length,
      waitingCount: waiting.length,
      passedCount: waiting.filter(({ passCount }) => passCount > 0).length,
    },
    scheduleInfo: {
      scheduleId: session.scheduleId,
      doctorId: session.doctorId,
      date: session.date,
      timeSection: session.timeSection,
    },
    currentPatient: calling ? show(calling) : null,
    nextPatient: next ? show(next) : null,
    queue: waiting.map(show),
    waitlist: waitlist.map(show),
    completedQueue: completed.map(show),
  }
}

/** The place of an order in its queue, for the patient. */
export const OwnPlace = Type.Object({
  id: Id,
  scheduleId: Id,
  status: Type.String(),
  queueNumber: Nullable(Type.String()),
  position: Nullable(Type.Integer()),
  ahead: Nullable(Type.Integer()),
  callingNumber: Nullable(Type.String()),
  estimatedTime: Nullable(PlainMoment),
  isCall: Type.Boolean(),
  passCount: Type.Integer(),
  checkInTime: Nullable(PlainMoment),
  clinicName: Type.String(),
  room: Nullable(Type.String()),
})

/** Shows a patient the place of an order. */
export function presentPlace(order: Order, place: Place, zone: string) {
  return {
    id: order.orderId,
    scheduleId: order.scheduleId,
    status: order.status,
    queueNumber: numberWords(order.queueNo),
    position: place.position,
    ahead: place.ahead,
    callingNumber: place.callingNumber,
    estimatedTime: whenSet(place.estimatedAt, zone, plainMoment),
    isCall: order.isCalling,
    passCount: order.passCount,
    checkInTime: whenSet(order.checkInTime, zone, plainMoment),
    clinicName: order.clinicName,
    room: order.clinicAddress,
  }
}

/** Waiting patients that a display shows for each session. */
const SHOWN_WAITING = 8

/** Shows a session on a display in a hall: numbers, and names with only their first character. */
export function presentHall({ session, line }: { readonly session: Session; readonly line: Line<Order> }) {
  const show = (order: Order) => ({
    queueNumber: numberWords(order.queueNo),
    patient: maskName(order.patientName),
    passed: order.passCount > 0,
  })
  return {
    scheduleId: session.scheduleId,
    clinicName: session.clinicName,
    room: session.room,
    doctorName: session.doctorName,
    timeSection: session.timeSection,
    calling: line.calling ? show(line.calling) : null,
    waiting: line.waiting.slice(0, SHOWN_WAITING).map(show),
    waitingCount: line.waiting.length,
  }
}
