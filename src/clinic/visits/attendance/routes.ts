import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { admin } from '../../fields.ts'
import { CODES, refusal } from '../../sentences.ts'
import * as service from './service.ts'
import type { Range } from './store.ts'

const tag = 'Clinic attendance'

const DateRange = Type.Object({ start_date: Type.String(), end_date: Type.String() })
const Daily = Type.Array(Type.Object({ date: Type.String(), absent_count: Type.Integer() }))
const Marked = Answer(
  Type.Object({
    detail: Type.String(),
    date_range: DateRange,
    total_marked: Type.Integer(),
    daily_statistics: Daily,
  }),
)

const presentRange = ({ from, to }: Range) => ({ start_date: from, end_date: to })

/** How often each date occurs, in order. */
function daily(dates: readonly string[]) {
  const counts = new Map<string, number>()
  for (const date of dates) counts.set(date, (counts.get(date) ?? 0) + 1)
  return [...counts].map(([date, absent_count]) => ({ date, absent_count }))
}

const presentMarked = (range: Range, dates: readonly string[]) =>
  answer({
    detail: `已标记 ${dates.length} 个缺勤班次`,
    date_range: presentRange(range),
    total_marked: dates.length,
    daily_statistics: daily(dates),
  })

/** Routes of the administration for absent doctors. */
export function attendanceRoutes(app: App, kernel: Kernel): void {
  marking(app, kernel)
  route(app, {
    method: 'GET',
    paths: admin('/attendance/absent-statistics'),
    operationId: 'getAbsentStatistics',
    permission: 'clinic:manage',
    summary: 'Count the absences of doctors in a range of at most 90 days',
    tag,
    schema: {
      querystring: Type.Object({ start_date: LocalDate, end_date: LocalDate }),
      response: {
        200: Answer(
          Type.Object({
            date_range: DateRange,
            total_absent: Type.Integer(),
            daily_statistics: Daily,
            doctors: Type.Array(
              Type.Object({
                doctor_id: Id,
                doctor_name: Type.String(),
                department_name: Type.String(),
                absent_count: Type.Integer(),
              }),
            ),
          }),
        ),
      },
    },
    handler: async (request) => {
      const range = { from: request.query.start_date, to: request.query.end_date }
      const { dates, doctors } = await service.readAbsences(kernel, range)
      return answer({
        date_range: presentRange(range),
        total_absent: dates.length,
        daily_statistics: daily(dates),
        doctors: doctors.map(({ doctorId, doctorName, deptName, absent }) => ({
          doctor_id: doctorId,
          doctor_name: doctorName,
          department_name: deptName,
          absent_count: absent,
        })),
      })
    },
  })
}

const Day = Type.Optional(Nullable(LocalDate))

/** A date that a client sent in the query or in the body. @throws Invalid `date_missing`. */
function required(name: string, ...given: readonly (string | null | undefined)[]): string {
  const date = given.find((one) => typeof one === 'string')
  if (!date) throw refusal(CODES.request, 'date_missing', `缺少 ${name}`)
  return date
}

function marking(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/attendance/mark-absent/single'),
    operationId: 'markAbsentDoctorsOfDay',
    permission: 'clinic:manage',
    summary: 'Mark the doctors who did not check in on a past day as absent',
    description: '`target_date` in the query or in the body.',
    tag,
    schema: {
      querystring: Type.Object({ target_date: Type.Optional(LocalDate) }),
      body: Type.Optional(Nullable(Type.Object({ target_date: Day }))),
      response: { 200: Marked },
    },
    handler: async (request) => {
      const date = required('target_date', request.query.target_date, request.body?.target_date)
      const range = { from: date, to: date }
      return presentMarked(range, await service.markAbsent(kernel, callerOf(request), range))
    },
  })
  route(app, {
    method: 'POST',
    paths: admin('/attendance/mark-absent/range'),
    operationId: 'markAbsentDoctorsOfRange',
    permission: 'clinic:manage',
    summary: 'Mark the doctors who did not check in in a past range of at most 90 days as absent',
    description: '`start_date` and `end_date` in the query or in the body.',
    tag,
    schema: {
      querystring: Type.Object({ start_date: Type.Optional(LocalDate), end_date: Type.Optional(LocalDate) }),
      body: Type.Optional(Nullable(Type.Object({ start_date: Day, end_date: Day }))),
      response: { 200: Marked },
    },
    handler: async (request) => {
      const { query, body } = request
      const range = {
        from: required('start_date', query.start_date, body?.start_date),
        to: required('end_date', query.end_date, body?.end_date),
      }
      return presentMarked(range, await service.markAbsent(kernel, callerOf(request), range))
    },
  })
}
