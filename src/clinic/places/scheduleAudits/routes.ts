import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { addDays } from '../../../kernel/time.ts'
import { Answer, answer } from '../../contract.ts'
import * as decisions from '../../core/decisions/fields.ts'
import { admin, ids, Moment, moment, SlotType } from '../../fields.ts'
import { doctorWeekRoutes } from './doctorRoutes.ts'
import * as service from './service.ts'
import type { Week } from './store.ts'

const tag = 'Clinic audits'
const Params = ids('audit_id')

const GridCell = Nullable(
  Type.Object({
    doctor_id: Id,
    doctor_name: Type.String(),
    slot_type: Type.Optional(SlotType),
    total_slots: Type.Optional(Type.Integer()),
    price: Type.Optional(Type.Number({ description: 'In yuan; absent, 0 or less: resolved.' })),
  }),
)

const WeekRow = Type.Object({
  id: Id,
  department_id: Id,
  department_name: Type.String(),
  clinic_id: Id,
  clinic_name: Type.String(),
  submitter_id: Id,
  submitter_name: Type.String(),
  submit_time: Moment,
  week_start: Type.String(),
  week_end: Type.String(),
  remark: Nullable(Type.String()),
  schedule: Type.Array(Type.Array(GridCell), {
    description: '7 days from Monday, each with 上午, 下午 and 晚上. A cell without kind or count gets the defaults.',
  }),
  ...decisions.decidedFields,
})

function presentWeek(week: Week, zone: string) {
  return {
    id: week.id,
    department_id: week.deptId,
    department_name: week.deptName,
    clinic_id: week.clinicId,
    clinic_name: week.clinicName,
    submitter_id: week.submitterId,
    submitter_name: week.submitterName,
    submit_time: moment(week.submitTime, zone),
    week_start: week.weekStart,
    week_end: addDays(week.weekStart, 6),
    remark: week.remark,
    schedule: week.grid.map((day) =>
      day.map((cell) => (cell ? { ...cell, doctor_name: week.names[cell.doctor_id] ?? '' } : null)),
    ),
    ...decisions.decidedMembers(week, zone),
  }
}

/** Routes of submitted weeks (seed 3.1–3.4). */
export function scheduleAuditRoutes(app: App, kernel: Kernel): void {
  reading(app, kernel)
  deciding(app, kernel)
  doctorWeekRoutes(app, kernel)
}

function reading(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: admin('/audit/schedule'),
    operationId: 'listScheduleAudits',
    permission: 'clinic:audit',
    summary: 'List submitted weeks, the newest first',
    tag,
    schema: {
      querystring: decisions.StatusQuery,
      response: { 200: Answer(Type.Object({ audits: Type.Array(WeekRow) })) },
    },
    handler: async (request) => {
      const audits = await service.listWeeks(kernel, request.query.status)
      return answer({ audits: audits.map((week) => presentWeek(week, zone)) })
    },
  })
  route(app, {
    method: 'GET',
    paths: admin('/audit/schedule/{audit_id}'),
    operationId: 'getScheduleAudit',
    permission: 'clinic:audit',
    summary: 'Read a submitted week',
    tag,
    schema: { params: Params, response: { 200: Answer(WeekRow) } },
    handler: async ({ params }) => answer(presentWeek(await service.getWeek(kernel, params.audit_id), zone)),
  })
}

function deciding(app: App, kernel: Kernel): void {
  for (const verb of ['approve', 'reject'] as const) {
    route(app, {
      method: 'POST',
      paths: admin(`/audit/schedule/{audit_id}/${verb}`),
      operationId: `${verb}ScheduleAudit`,
      permission: 'clinic:audit',
      summary: verb === 'approve' ? 'Approve a week: writes its schedules, all or none' : 'Reject a week',
      tag,
      schema: { params: Params, body: decisions.DecisionBody, response: { 200: Answer(decisions.Decision) } },
      handler: async (request) => {
        const caller = callerOf(request)
        const { audit_id: id } = request.params
        const comment = request.body?.comment ?? ''
        const verdict = { approves: verb === 'approve', comment, by: caller.userId, now: kernel.clock.now() }
        await service.decide(kernel, caller, id, verdict)
        return answer(decisions.presentDecision(id, verdict, kernel.config.timeZone))
      },
    })
  }
}
