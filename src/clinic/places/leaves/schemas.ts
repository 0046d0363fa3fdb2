import { Type } from 'typebox'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import { daysBetween } from '../../../kernel/time.ts'
import * as decisions from '../../core/decisions/fields.ts'
import { SHIFTS } from '../../core/types.ts'
import { Moment, moment } from '../../fields.ts'
import { reasonPreview } from './rules.ts'
import type { LeaveDay } from './service.ts'
import type { Leave } from './store.ts'

export const ShiftField = Type.Enum([...SHIFTS])

/** A leave in the lists for administrators and heads (seed 3.5, clients 1.4). */
export const LeaveRow = Type.Object({
  id: Id,
  doctor_id: Id,
  doctor_name: Type.String(),
  doctor_title: Nullable(Type.String()),
  department_name: Type.String(),
  leave_start_date: Type.String(),
  leave_end_date: Type.String(),
  leave_days: Type.Integer(),
  shift: ShiftField,
  reason: Type.String(),
  reason_preview: Type.String(),
  attachments: Type.Array(Type.String()),
  original_schedule: Type.String({ description: 'The sessions in the leave, one a line.' }),
  submit_time: Moment,
  ...decisions.decidedFields,
})

export function presentLeave(leave: Leave, zone: string) {
  return {
    id: leave.id,
    doctor_id: leave.doctorId,
    doctor_name: leave.doctorName,
    doctor_title: leave.doctorTitle,
    department_name: leave.deptName,
    leave_start_date: leave.from,
    leave_end_date: leave.to,
    leave_days: daysBetween(leave.from, leave.to) + 1,
    shift: leave.shift,
    reason: leave.reason,
    reason_preview: reasonPreview(leave.reason),
    attachments: [...leave.attachments],
    original_schedule: leave.sessions.join('\n'),
    submit_time: moment(leave.submitTime, zone),
    ...decisions.decidedMembers(leave, zone),
  }
}

/** A leave in the doctor's own list. */
export const OwnLeave = Type.Object({
  id: Id,
  date: Type.String(),
  endDate: Type.String(),
  shift: ShiftField,
  reason: Type.String(),
  status: decisions.AuditStatus,
  createTime: Moment,
  approver: Nullable(Type.String()),
  rejectReason: Nullable(Type.String()),
  attachments: Type.Array(Type.String()),
})

export function presentOwn(leave: Leave, zone: string) {
  return {
    id: leave.id,
    date: leave.from,
    endDate: leave.to,
    shift: leave.shift,
    reason: leave.reason,
    status: leave.status,
    createTime: moment(leave.submitTime, zone),
    approver: leave.auditorName,
    rejectReason: leave.status === 'rejected' ? leave.auditRemark : null,
    attachments: [...leave.attachments],
  }
}

const LeaveStatus = Nullable(decisions.AuditStatus)

export const Day = Type.Object({
  date: Type.String(),
  day: Type.Integer(),
  hasShift: Type.Boolean(),
  shiftInfo: Type.String(),
  leaveStatus: LeaveStatus,
  shiftLeaveStatuses: Type.Array(Type.Object({ shift: ShiftField, leaveStatus: LeaveStatus })),
  isToday: Type.Boolean(),
})

export function presentDay({ date, schedules, shifts, isToday }: LeaveDay) {
  const statuses = shifts.map(({ status }) => status)
  return {
    date,
    day: Number(date.slice(8)),
    hasShift: schedules.length > 0,
    shiftInfo: schedules.map(({ timeSection, clinicName }) => `${timeSection} ${clinicName}`).join('、'),
    leaveStatus: statuses.find((status) => status === 'approved') ?? statuses.find((status) => status !== null) ?? null,
    shiftLeaveStatuses: shifts.map(({ shift, status }) => ({ shift, leaveStatus: status })),
    isToday,
  }
}
