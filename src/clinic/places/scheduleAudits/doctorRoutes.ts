import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, Nullable, type Of } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { weekday } from '../../../kernel/time.ts'
import { Answer, answer } from '../../contract.ts'
import { HIGHEST_PRICE } from '../../core/money/rules.ts'
import { SlotType } from '../../fields.ts'
import { CODES, refusal } from '../../sentences.ts'
import { sectionOf, shiftOf } from './rules.ts'
import * as submitting from './submitting.ts'

const tag = 'Clinic schedules'
const ShiftField = Type.Enum(['morning', 'afternoon', 'night'])
const CellStatus = Type.Enum(['filled', 'empty'])

/** Routes for heads of departments, who plan the weeks of their clinics (clients 1.4). */
export function doctorWeekRoutes(app: App, kernel: Kernel): void {
  reading(app, kernel)
  doctors(app, kernel)
  submit(app, kernel)
}

function reading(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/doctor/schedule/clinics'],
    operationId: 'listMyClinics',
    permission: 'clinic:treat',
    summary: 'List the clinics of your department with the filled sections of this week',
    tag,
    schema: {
      response: {
        200: Answer(
          Type.Array(
            Type.Object({ id: Id, name: Type.String(), totalSlots: Type.Integer(), filledSlots: Type.Integer() }),
          ),
        ),
      },
    },
    handler: async (request) => answer(await submitting.clinics(kernel, callerOf(request))),
  })
  const Section = Type.Object({
    date: Type.String(),
    dayOfWeek: Type.Integer(),
    shift: ShiftField,
    status: CellStatus,
    doctorId: Nullable(Type.String()),
    doctorName: Nullable(Type.String()),
    doctorTitle: Nullable(Type.String()),
  })
  route(app, {
    method: 'GET',
    paths: ['/doctor/schedule/list'],
    operationId: 'listClinicWeek',
    permission: 'clinic:treat',
    summary: 'List the 21 sections of a clinic in seven days',
    tag,
    schema: {
      querystring: Type.Object({ clinicId: Id, startDate: LocalDate }),
      response: { 200: Answer(Type.Array(Section)) },
    },
    handler: async (request) => {
      const { clinicId, startDate } = request.query
      const sections = await submitting.week(kernel, callerOf(request), clinicId, startDate)
      return answer(
        sections.map(({ date, timeSection, schedule }) => ({
          date,
          dayOfWeek: weekday(date),
          shift: shiftOf(timeSection),
          status: schedule ? ('filled' as const) : ('empty' as const),
          doctorId: schedule && String(schedule.doctorId),
          doctorName: schedule?.doctorName ?? null,
          doctorTitle: schedule?.doctorTitle ?? null,
        })),
      )
    },
  })
}

function doctors(app: App, kernel: Kernel): void {
  const Available = Type.Object({
    id: Id,
    name: Type.String(),
    doctorName: Type.String(),
    title: Nullable(Type.String()),
    dept: Type.String(),
    status: Type.Enum(['available', 'conflict', 'leave']),
    conflictReason: Type.String(),
    assignedCount: Type.Integer({ description: 'Sessions of that week.' }),
  })
  route(app, {
    method: 'GET',
    paths: ['/doctor/schedule/available-doctors'],
    operationId: 'listAvailableDoctors',
    permission: 'clinic:treat',
    summary: 'List the doctors of your department for a section',
    tag,
    schema: {
      querystring: Type.Object({ clinicId: Id, date: LocalDate, shift: ShiftField }),
      response: { 200: Answer(Type.Array(Available)) },
    },
    handler: async (request) => {
      const { clinicId, date, shift } = request.query
      const at = { clinicId, date, timeSection: sectionOf(shift) }
      const found = await submitting.availableDoctors(kernel, callerOf(request), at)
      return answer(found.map((doctor) => ({ ...doctor, doctorName: doctor.name })))
    },
  })
}

const ChangeBody = Type.Object({
  date: LocalDate,
  shift: ShiftField,
  doctorId: Type.Optional(
    Type.Unsafe<number | string | null>({
      anyOf: [Id, { type: 'string', maxLength: 15, pattern: '^\\d*$' }, { type: 'null' }],
    }),
  ),
  status: Type.Optional(CellStatus),
  slotType: Type.Optional(SlotType),
  totalSlots: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  price: Type.Optional(Type.Number({ minimum: 0, maximum: HIGHEST_PRICE })),
})

function changeOf({ date, shift, doctorId, status, slotType, totalSlots, price }: Of<typeof ChangeBody>) {
  const id = Number(doctorId ?? 0)
  if (status === 'filled' && id === 0) throw refusal(CODES.request, 'doctor_missing', '请选择出诊医生 doctorId')
  const cell = {
    doctor_id: id,
    ...(slotType !== undefined && { slot_type: slotType }),
    ...(totalSlots !== undefined && { total_slots: totalSlots }),
    ...(price !== undefined && { price }),
  }
  return { date, timeSection: sectionOf(shift), cell: status === 'empty' || id === 0 ? null : cell }
}

function submit(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/doctor/schedule/submit-change'],
    operationId: 'submitClinicWeek',
    permission: 'clinic:treat',
    summary: 'Submit new sessions of a week for approval',
    tag,
    schema: {
      body: Type.Object({
        clinicId: Id,
        changes: Type.Array(ChangeBody, { minItems: 1, maxItems: 21 }),
        remark: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
      }),
      response: { 200: Answer(Type.Object({ msg: Type.String(), auditId: Id })) },
    },
    handler: async (request) => {
      const { clinicId, changes, remark } = request.body
      const week = { clinicId, changes: changes.map(changeOf), remark: remark ?? null }
      const auditId = await submitting.submit(kernel, callerOf(request), week)
      return answer({ msg: '排班申请已提交，等待审核', auditId })
    },
  })
}
