import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { addDays, localDate } from '../../../kernel/time.ts'
import { Answer, answer } from '../../contract.ts'
import { admin, ids } from '../../fields.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'

const tag = 'Clinic schedules'

const Range = Type.Object({ start_date: LocalDate, end_date: LocalDate })

/** The three kinds of lists, with the names of their path parameters and operations. */
const LISTS = [
  { kind: 'department', path: 'departments', param: 'dept_id', name: 'Department' },
  { kind: 'doctor', path: 'doctors', param: 'doctor_id', name: 'Doctor' },
  { kind: 'clinic', path: 'clinics', param: 'clinic_id', name: 'Clinic' },
] as const

/** Days that are shown to patients who name no date. */
const DAYS = 7

/** Routes of the lists of schedules. */
export function listRoutes(app: App, kernel: Kernel): void {
  for (const list of LISTS) listOf(app, kernel, list)
  today(app, kernel)
  byHospital(app, kernel)
}

function listOf(app: App, kernel: Kernel, { kind, path, param, name }: (typeof LISTS)[number]): void {
  const zone = kernel.config.timeZone
  const params = ids(param)
  const find = async (given: Readonly<Record<string, number>>, range: { start_date: string; end_date: string }) =>
    await service.schedulesOf(kernel, { kind, id: given[param] ?? 0 }, { from: range.start_date, to: range.end_date })
  route(app, {
    method: 'GET',
    paths: admin(`/${path}/{${param}}/schedules`),
    operationId: `list${name}Schedules`,
    permission: 'clinic:manage',
    summary: `List the schedules of a ${kind}`,
    tag,
    schema: {
      params,
      querystring: Range,
      response: { 200: Answer(Type.Object({ schedules: Type.Array(schemas.ScheduleRow) })) },
    },
    handler: async (request) => {
      const schedules = await find(request.params, request.query)
      return answer({ schedules: schedules.map((schedule) => schemas.presentSchedule(schedule, zone)) })
    },
  })
  route(app, {
    method: 'GET',
    paths: [`/patient/${path}/{${param}}/schedules`],
    operationId: `list${name}SchedulesForPatients`,
    permission: 'public',
    summary: `List the schedules of a ${kind}, for patients`,
    tag,
    schema: {
      params,
      querystring: Range,
      response: { 200: Answer(Type.Object({ schedules: Type.Array(schemas.PatientsScheduleRow) })) },
    },
    handler: async (request) => {
      const schedules = await find(request.params, request.query)
      return answer({ schedules: schedules.map((schedule) => schemas.presentForPatients(schedule, zone)) })
    },
  })
}

function today(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: admin('/doctors/{doctor_id}/schedules/today'),
    operationId: 'listDoctorSchedulesToday',
    permission: 'clinic:manage',
    summary: 'List today’s schedules of a doctor',
    tag,
    schema: {
      params: ids('doctor_id'),
      response: { 200: Answer(Type.Object({ schedules: Type.Array(schemas.TodayRow) })) },
    },
    handler: async (request) => {
      const date = localDate(kernel.clock.now(), kernel.config.timeZone)
      const of = { kind: 'doctor', id: request.params.doctor_id } as const
      const schedules = await service.schedulesOf(kernel, of, { from: date, to: date })
      return answer({ schedules: schedules.map(schemas.presentToday) })
    },
  })
}

function byHospital(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/patient/hospitals/schedules'],
    operationId: 'listHospitalSchedules',
    permission: 'public',
    summary: 'List the schedules of a department in an area, for patients',
    description: `On a date, or without one on the next ${DAYS} days. Sessions for which registering is over are left out.`,
    tag,
    schema: {
      querystring: Type.Object({ hospitalId: Id, departmentId: Id, date: Type.Optional(LocalDate) }),
      response: { 200: Answer(Type.Object({ schedules: Type.Array(schemas.PatientsScheduleRow) })) },
    },
    handler: async (request) => {
      const { hospitalId: areaId, departmentId: deptId, date } = request.query
      const zone = kernel.config.timeZone
      const from = date ?? localDate(kernel.clock.now(), zone)
      const to = date ?? addDays(from, DAYS - 1)
      const schedules = await service.findOpenSchedules(kernel, { areaId, deptId }, { from, to })
      return answer({ schedules: schedules.map((schedule) => schemas.presentForPatients(schedule, zone)) })
    },
  })
}
