import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { photoPath } from '../../core/people.ts'
import { Moment, moment, paged, TimeSection, whenSet } from '../../fields.ts'
import { PRESENCES } from './rules.ts'
import * as service from './service.ts'
import type { Consultation, Session } from './store.ts'

const tag = 'Clinic attendance'
const Presence = Type.Enum([...PRESENCES])

const shiftFields = {
  id: Id,
  name: Type.String(),
  startTime: Type.String({ examples: ['08:00'] }),
  endTime: Type.String(),
  location: Type.String(),
}

const locationOf = ({ areaName, clinicName, clinicAddress }: Session) =>
  [areaName, clinicName, clinicAddress].filter((part) => part).join(' ')

const presentShift = (shift: service.Shift) => ({
  id: shift.scheduleId,
  name: `${shift.timeSection}班`,
  startTime: shift.start,
  endTime: shift.end,
  location: locationOf(shift),
})

const Recent = Type.Object({
  id: Id,
  patientName: Type.String(),
  consultationTime: Nullable(Moment),
  diagnosis: Nullable(Type.String()),
})

const presentRecent = (visit: Consultation, zone: string) => ({
  id: visit.orderId,
  patientName: visit.patientName,
  consultationTime: whenSet(visit.completedTime, zone, moment),
  diagnosis: visit.diagnosis,
})

/** Routes of the doctor’s workbench (clients 1.4). */
export function workbenchRoutes(app: App, kernel: Kernel): void {
  shifts(app, kernel)
  dashboard(app, kernel)
  attending(app, kernel)
  figures(app, kernel)
  records(app, kernel)
}

function shifts(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/doctor/workbench/shifts'],
    operationId: 'listMyShifts',
    permission: 'clinic:treat',
    summary: 'List your sessions of a day, today unless a date is given',
    tag,
    schema: {
      querystring: Type.Object({
        doctorId: Type.Optional(Id),
        date: Type.Optional(LocalDate),
        date_str: Type.Optional(LocalDate),
      }),
      response: {
        200: Answer(Type.Object({ shifts: Type.Array(Type.Object({ ...shiftFields, status: Presence })) })),
      },
    },
    handler: async (request) => {
      const { doctorId, date, date_str } = request.query
      const found = await service.listShifts(kernel, callerOf(request), { doctorId, date: date ?? date_str })
      return answer({ shifts: found.map((shift) => ({ ...presentShift(shift), status: shift.presence })) })
    },
  })
}

const Dashboard = Type.Object({
  doctor: Type.Object({
    id: Id,
    name: Type.String(),
    title: Nullable(Type.String()),
    department: Type.String(),
    photo_path: Nullable(Type.String()),
  }),
  shiftStatus: Type.Object({
    status: Presence,
    currentShift: Nullable(
      Type.Object({
        ...shiftFields,
        countdown: Type.Integer({ description: 'Minutes until it starts, or ends if it has started.' }),
      }),
    ),
    checkinTime: Nullable(Moment),
    checkoutTime: Nullable(Moment),
    workDuration: Type.Integer({ description: 'In minutes.' }),
    timeToCheckout: Type.Integer({ description: 'In minutes.' }),
  }),
  todayData: Type.Object({
    pendingConsultation: Type.Integer(),
    ongoingConsultation: Type.Integer(),
    completedConsultation: Type.Integer(),
    totalConsultation: Type.Integer(),
  }),
  reminders: Type.Array(Type.String()),
  recentRecords: Type.Array(Recent),
})

function dashboard(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: ['/doctor/workbench/dashboard'],
    operationId: 'getMyWorkbench',
    permission: 'clinic:treat',
    summary: 'Read your day: the current session, your patients, and what to do',
    tag,
    schema: { response: { 200: Answer(Dashboard) } },
    handler: async (request) => {
      const day = await service.readDashboard(kernel, callerOf(request))
      const { doctor, current, figures: count } = day
      return answer({
        doctor: {
          id: doctor.doctorId,
          name: doctor.name,
          title: doctor.title,
          department: doctor.deptName,
          photo_path: photoPath(doctor.doctorId, doctor.photoFileId),
        },
        shiftStatus: {
          status: current?.presence ?? 'not_checkin',
          currentShift: current ? { ...presentShift(current), countdown: day.countdown } : null,
          checkinTime: whenSet(current?.checkinTime ?? null, zone, moment),
          checkoutTime: whenSet(current?.checkoutTime ?? null, zone, moment),
          workDuration: current ? service.workMinutes(current, kernel.clock.now()) : 0,
          timeToCheckout: day.minutesToEnd,
        },
        todayData: {
          pendingConsultation: count.pending,
          ongoingConsultation: count.ongoing,
          completedConsultation: count.completed,
          totalConsultation: count.pending + count.ongoing + count.completed,
        },
        reminders: [...day.reminders],
        recentRecords: day.recent.map((visit) => presentRecent(visit, zone)),
      })
    },
  })
}

const Coordinate = (most: number) => Type.Optional(Nullable(Type.Number({ minimum: -most, maximum: most })))
const AttendBody = Type.Object({ shiftId: Id, latitude: Coordinate(90), longitude: Coordinate(180) })

function attending(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'POST',
    paths: ['/doctor/workbench/checkin'],
    operationId: 'checkInAtShift',
    permission: 'clinic:treat',
    summary: 'Note that you have come to one of your sessions, from an hour before it until its end',
    tag,
    schema: {
      body: AttendBody,
      response: {
        200: Answer(
          Type.Object({ checkinTime: Moment, status: Presence, message: Type.String(), workDuration: Type.Integer() }),
        ),
      },
    },
    handler: async (request) => {
      const { shiftId, latitude = null, longitude = null } = request.body
      const { at, workMinutes } = await service.checkIn(kernel, callerOf(request), shiftId, { latitude, longitude })
      const status = 'checked_in' as const
      return answer({ checkinTime: moment(at, zone), status, message: '签到成功', workDuration: workMinutes })
    },
  })
  route(app, {
    method: 'POST',
    paths: ['/doctor/workbench/checkout'],
    operationId: 'checkOutOfShift',
    permission: 'clinic:treat',
    summary: 'Note that you have left one of your sessions',
    tag,
    schema: {
      body: AttendBody,
      response: {
        200: Answer(
          Type.Object({ checkoutTime: Moment, status: Presence, message: Type.String(), workDuration: Type.Integer() }),
        ),
      },
    },
    handler: async (request) => {
      const { shiftId, latitude = null, longitude = null } = request.body
      const { at, workMinutes } = await service.checkOut(kernel, callerOf(request), shiftId, { latitude, longitude })
      const status = 'checked_out' as const
      return answer({ checkoutTime: moment(at, zone), status, message: '签退成功', workDuration: workMinutes })
    },
  })
}

function figures(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/doctor/workbench/consultation-stats'],
    operationId: 'getMyConsultationStats',
    permission: 'clinic:treat',
    summary: 'Count your patients of today',
    tag,
    schema: {
      querystring: Type.Object({ doctorId: Type.Optional(Id) }),
      response: {
        200: Answer(
          Type.Object({
            pending: Type.Integer(),
            ongoing: Type.Integer(),
            completed: Type.Integer(),
            total: Type.Integer(),
          }),
        ),
      },
    },
    handler: async (request) => {
      const count = await service.readFigures(kernel, callerOf(request), request.query.doctorId)
      const { pending, ongoing, completed } = count
      return answer({ pending, ongoing, completed, total: pending + ongoing + completed })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/doctor/workbench/recent-consultations'],
    operationId: 'listMyRecentConsultations',
    permission: 'clinic:treat',
    summary: 'List your last visits, the newest first',
    tag,
    schema: {
      querystring: Type.Object({
        doctorId: Type.Optional(Id),
        limit: Type.Integer({ minimum: 1, maximum: 100, default: 10 }),
      }),
      response: { 200: Answer(Type.Object({ records: Type.Array(Recent) })) },
    },
    handler: async (request) => {
      const { doctorId, limit } = request.query
      const visits = await service.listRecent(kernel, callerOf(request), { doctorId, limit })
      return answer({ records: visits.map((visit) => presentRecent(visit, kernel.config.timeZone)) })
    },
  })
}

const RecordRow = Type.Object({
  id: Id,
  shiftId: Id,
  date: Type.String(),
  timeSection: TimeSection,
  location: Type.String(),
  status: Type.String(),
  checkinTime: Nullable(Moment),
  checkoutTime: Nullable(Moment),
  workDuration: Nullable(Type.Integer()),
})

function presentRecord(session: Session, zone: string) {
  const { checkinTime, checkoutTime } = session
  return {
    id: session.recordId ?? 0,
    shiftId: session.scheduleId,
    date: session.date,
    timeSection: session.timeSection,
    location: locationOf(session),
    status: session.status ?? 'not_checkin',
    checkinTime: whenSet(checkinTime, zone, moment),
    checkoutTime: whenSet(checkoutTime, zone, moment),
    workDuration: checkoutTime ? service.workMinutes(session, checkoutTime) : null,
  }
}

function records(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/doctor/workbench/attendance-records'],
    operationId: 'listMyAttendance',
    permission: 'clinic:treat',
    summary: 'List when you came and left, the latest first',
    tag,
    schema: {
      querystring: paged({ start_date: Type.Optional(LocalDate), end_date: Type.Optional(LocalDate) }),
      response: { 200: Answer(Type.Object({ records: Type.Array(RecordRow), total: Type.Integer() })) },
    },
    handler: async (request) => {
      const { page, page_size: limit, start_date: from, end_date: to } = request.query
      const query = { from, to, limit, offset: (page - 1) * limit }
      const { items, total } = await service.listRecords(kernel, callerOf(request), query)
      return answer({ records: items.map((one) => presentRecord(one, kernel.config.timeZone)), total })
    },
  })
}
