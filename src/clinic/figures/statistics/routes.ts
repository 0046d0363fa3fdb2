import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { yuan } from '../../core/money/rules.ts'
import { SLOT_TYPES, TIME_SECTIONS } from '../../core/types.ts'
import { ids, SlotType, TimeSection, Yuan } from '../../fields.ts'
import * as service from './service.ts'
import * as store from './store.ts'

const tag = 'Clinic statistics'
const MOST = 1000

const Dates = {
  date: Type.Optional(Type.String({ maxLength: 40, description: 'YYYY-MM-DD; default today. Never empty.' })),
}
const Query = Type.Object({
  ...Dates,
  date_range: Type.Optional(
    Type.String({ maxLength: 20, description: '`today`, `7days` or `30days`, ending today; wins over `date`.' }),
  ),
})

const counts = (keys: readonly string[]) => Type.Object(Object.fromEntries(keys.map((key) => [key, Type.Integer()])))

const Totals = {
  start_date: Type.String(),
  end_date: Type.String(),
  total_registrations: Type.Integer(),
  by_slot_type: counts(SLOT_TYPES),
  total_revenue: Yuan,
  completed_consultations: Type.Integer(),
}

const totals = ({ period, registrations, bySlotType, revenue, completed }: service.Summary) => ({
  start_date: period.from,
  end_date: period.to,
  total_registrations: registrations,
  by_slot_type: bySlotType,
  total_revenue: yuan(revenue),
  completed_consultations: completed,
})

/** Routes of the statistics of the hospital. */
export function statisticsRoutes(app: App, kernel: Kernel): void {
  hospital(app, kernel)
  areasAndDepartments(app, kernel)
  doctors(app, kernel)
  rankings(app, kernel)
  users(app, kernel)
}

function hospital(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/statistics/hospital/registrations'],
    operationId: 'getHospitalStatistics',
    permission: 'clinic:statistics',
    summary: 'Figures of the whole hospital',
    description: 'By visit date. Cancelled orders are not counted; money is what was paid minus refunds.',
    tag,
    schema: { querystring: Query, response: { 200: Answer(Type.Object(Totals)) } },
    handler: async (request) => answer(totals(await service.summary(kernel, request.query, {}))),
  })
}

function areasAndDepartments(app: App, kernel: Kernel): void {
  const ranked = { by: 'registrations', limit: MOST } as const
  route(app, {
    method: 'GET',
    paths: ['/statistics/areas/{area_id}/registrations'],
    operationId: 'getAreaStatistics',
    permission: 'clinic:statistics',
    summary: 'Figures of an area and its departments',
    tag,
    schema: {
      params: ids('area_id'),
      querystring: Query,
      response: {
        200: Answer(
          Type.Object({
            area_id: Id,
            ...Totals,
            departments: Type.Array(
              Type.Object({
                minor_dept_id: Id,
                minor_dept_name: Type.String(),
                registrations: Type.Integer(),
                revenue: Yuan,
              }),
            ),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { area_id: areaId } = request.params
      const whole = await service.summary(kernel, request.query, { areaId })
      const departments = await store.byDepartment(kernel.reads, whole.period, { areaId }, ranked)
      return answer({
        area_id: areaId,
        ...totals(whole),
        departments: departments.map(({ deptId, deptName, registrations, revenue }) => ({
          minor_dept_id: deptId,
          minor_dept_name: deptName,
          registrations,
          revenue: yuan(revenue),
        })),
      })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/statistics/departments/{minor_dept_id}/registrations'],
    operationId: 'getDepartmentStatistics',
    permission: 'clinic:statistics',
    summary: 'Figures of a department and its doctors',
    tag,
    schema: {
      params: ids('minor_dept_id'),
      querystring: Query,
      response: {
        200: Answer(
          Type.Object({
            minor_dept_id: Id,
            ...Totals,
            doctors: Type.Array(
              Type.Object({
                doctor_id: Id,
                doctor_name: Type.String(),
                title: Nullable(Type.String()),
                registrations: Type.Integer(),
                revenue: Yuan,
              }),
            ),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { minor_dept_id: deptId } = request.params
      const whole = await service.summary(kernel, request.query, { deptId })
      const doctors = await store.byDoctor(kernel.reads, whole.period, { deptId }, ranked)
      return answer({
        minor_dept_id: deptId,
        ...totals(whole),
        doctors: doctors.map(({ doctorId, doctorName, title, registrations, revenue }) => ({
          doctor_id: doctorId,
          doctor_name: doctorName,
          title,
          registrations,
          revenue: yuan(revenue),
        })),
      })
    },
  })
}

function doctors(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/statistics/doctors/{doctor_id}/registrations'],
    operationId: 'getDoctorStatistics',
    permission: 'clinic:statistics',
    summary: 'Figures of a doctor and their schedules',
    tag,
    schema: {
      params: ids('doctor_id'),
      querystring: Query,
      response: {
        200: Answer(
          Type.Object({
            doctor_id: Id,
            doctor_name: Type.String(),
            title: Nullable(Type.String()),
            ...Totals,
            by_time_section: counts(TIME_SECTIONS),
            schedules: Type.Array(
              Type.Object({
                schedule_id: Id,
                clinic_name: Type.String(),
                date: Type.String(),
                time_section: TimeSection,
                slot_type: SlotType,
                registrations: Type.Integer(),
                total_slots: Type.Integer(),
                utilization_rate: Type.Number({ minimum: 0, maximum: 1 }),
              }),
            ),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { doctor_id: doctorId } = request.params
      const whole = await service.summary(kernel, request.query, { doctorId })
      const schedules = await store.schedulesOf(kernel.reads, whole.period, doctorId)
      return answer({
        doctor_id: doctorId,
        doctor_name: whole.name,
        title: whole.title,
        ...totals(whole),
        by_time_section: await service.sectionsOf(kernel, whole.period, doctorId),
        schedules: schedules.map(
          ({ scheduleId, clinicName, date, timeSection, slotType, registrations, totalSlots }) => ({
            schedule_id: scheduleId,
            clinic_name: clinicName,
            date,
            time_section: timeSection,
            slot_type: slotType,
            registrations,
            total_slots: totalSlots,
            utilization_rate: totalSlots === 0 ? 0 : Math.round((registrations / totalSlots) * 10_000) / 10_000,
          }),
        ),
      })
    },
  })
}

function rankings(app: App, kernel: Kernel): void {
  const Ranking = Type.Object({
    ...Query.properties,
    order_by: Type.Enum(['registrations', 'revenue'], { default: 'registrations' }),
    limit: Type.Integer({ minimum: 1, maximum: MOST, default: 10 }),
  })
  route(app, {
    method: 'GET',
    paths: ['/statistics/departments/ranking'],
    operationId: 'rankDepartments',
    permission: 'clinic:statistics',
    summary: 'Departments by registrations or revenue',
    tag,
    schema: {
      querystring: Ranking,
      response: {
        200: Answer(
          Type.Object({
            ranking: Type.Array(
              Type.Object({
                minor_dept_id: Id,
                dept_name: Type.String(),
                registrations: Type.Integer(),
                revenue: Yuan,
              }),
            ),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { order_by: by, limit, ...dates } = request.query
      const ranked = await store.byDepartment(kernel.reads, service.periodOf(kernel, dates), {}, { by, limit })
      const ranking = ranked.map(({ deptId, deptName, registrations, revenue }) => ({
        minor_dept_id: deptId,
        dept_name: deptName,
        registrations,
        revenue: yuan(revenue),
      }))
      return answer({ ranking })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/statistics/doctors/ranking'],
    operationId: 'rankDoctors',
    permission: 'clinic:statistics',
    summary: 'Doctors by registrations or revenue',
    tag,
    schema: {
      querystring: Type.Object({ ...Ranking.properties, dept_id: Type.Optional(Id) }),
      response: {
        200: Answer(
          Type.Object({
            ranking: Type.Array(
              Type.Object({
                doctor_id: Id,
                doctor_name: Type.String(),
                title: Nullable(Type.String()),
                dept_name: Type.String(),
                registrations: Type.Integer(),
                revenue: Yuan,
              }),
            ),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { order_by: by, limit, dept_id: deptId, ...dates } = request.query
      const of = deptId === undefined ? {} : { deptId }
      const ranked = await store.byDoctor(kernel.reads, service.periodOf(kernel, dates), of, { by, limit })
      const ranking = ranked.map(({ doctorId, doctorName, title, deptName, registrations, revenue }) => ({
        doctor_id: doctorId,
        doctor_name: doctorName,
        title,
        dept_name: deptName,
        registrations,
        revenue: yuan(revenue),
      }))
      return answer({ ranking })
    },
  })
}

function users(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/statistics/users'],
    operationId: 'countClinicUsers',
    permission: 'signed-in',
    summary: 'The number of people with an account',
    tag,
    schema: { response: { 200: Answer(Type.Object({ total_users: Type.Integer() })) } },
    handler: async () => answer({ total_users: await store.countUsers(kernel.reads) }),
  })
}
