import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { CODES, refusal } from '../../sentences.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'

const tag = 'Clinic leaves'

/** Routes of the doctors' own leaves (clients 1.4). */
export function doctorLeaveRoutes(app: App, kernel: Kernel): void {
  applying(app, kernel)
  lists(app, kernel)
}

function applying(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/doctor/leave/apply'],
    operationId: 'applyForLeave',
    permission: 'clinic:treat',
    summary: 'Ask for leave',
    description: 'On `date`, or from `start_date` to `end_date`. Attachments are paths that the upload answered.',
    tag,
    schema: {
      body: Type.Object({
        date: Type.Optional(Nullable(LocalDate)),
        start_date: Type.Optional(Nullable(LocalDate)),
        end_date: Type.Optional(Nullable(LocalDate)),
        shift: Type.Optional(schemas.ShiftField),
        reason: Text(500, { examples: ['学术会议'] }),
        attachments: Type.Optional(Nullable(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 9 }))),
      }),
      response: { 200: Answer(Type.Object({ applicationId: Id, detail: Type.String() })) },
    },
    handler: async (request) => {
      const { date, start_date, end_date, shift = 'full', reason, attachments } = request.body
      const from = date ?? start_date
      if (!from) throw refusal(CODES.request, 'date_missing', '请填写请假日期 date，或 start_date 与 end_date')
      const to = date ?? end_date ?? from
      const leave = { from, to, shift, reason, attachments: attachments ?? [] }
      const applicationId = await service.apply(kernel, callerOf(request), leave)
      return answer({ applicationId, detail: '请假申请已提交，等待审核' })
    },
  })
}

function lists(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: ['/doctor/leave/history'],
    operationId: 'listMyLeaves',
    permission: 'clinic:treat',
    summary: 'List your own requests for leave, the newest first',
    tag,
    schema: {
      querystring: Type.Object({
        page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
        pageSize: Type.Integer({ minimum: 1, maximum: 10_000, default: 20 }),
      }),
      response: { 200: Answer(Type.Object({ total: Type.Integer(), list: Type.Array(schemas.OwnLeave) })) },
    },
    handler: async (request) => {
      const { page, pageSize: limit } = request.query
      const { items, total } = await service.listMine(kernel, callerOf(request), { limit, offset: (page - 1) * limit })
      return answer({ total, list: items.map((leave) => schemas.presentOwn(leave, zone)) })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/doctor/leave/schedule'],
    operationId: 'getMyLeaveCalendar',
    permission: 'clinic:treat',
    summary: 'Read the days of a month with your sessions and leaves',
    tag,
    schema: {
      querystring: Type.Object({
        year: Type.Integer({ minimum: 1900, maximum: 2198 }),
        month: Type.Integer({ minimum: 1, maximum: 12 }),
      }),
      response: { 200: Answer(Type.Object({ days: Type.Array(schemas.Day) })) },
    },
    handler: async (request) => {
      const days = await service.calendarOf(kernel, callerOf(request), request.query)
      return answer({ days: days.map(schemas.presentDay) })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/doctor/approval/stats'],
    operationId: 'getMyApprovalStats',
    permission: 'clinic:treat',
    summary: 'Count the leaves of your department: pending, and decided this month',
    tag,
    schema: {
      response: {
        200: Answer(
          Type.Object({ pending: Type.Integer(), approvedMonth: Type.Integer(), rejectedMonth: Type.Integer() }),
        ),
      },
    },
    handler: async (request) => {
      const { pending, approved, rejected } = await service.stats(kernel, callerOf(request))
      return answer({ pending, approvedMonth: approved, rejectedMonth: rejected })
    },
  })
}
