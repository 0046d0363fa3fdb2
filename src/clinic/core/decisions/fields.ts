import { Type } from 'typebox'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import { Moment, moment, whenSet } from '../../fields.ts'

/** Body of an approval or rejection. */
export const DecisionBody = Type.Optional(
  Nullable(Type.Object({ comment: Type.Optional(Nullable(Type.String({ maxLength: 500, examples: ['同意'] }))) })),
)

export const AuditStatus = Type.Enum(['pending', 'approved', 'rejected'])

/** Query of a list of requests. */
export const StatusQuery = Type.Object({ status: Type.Optional(AuditStatus) })

/** A decision about a request. Clients know the auditor by three names (page «Settled»). */
export interface Decided {
  readonly status: 'pending' | 'approved' | 'rejected'
  readonly auditorUserId: number | null
  readonly auditTime: Date | null
  readonly auditRemark: string | null
}

/** The decision in the answers of requests. */
export const decidedFields = {
  status: AuditStatus,
  auditor_id: Nullable(Id),
  auditor_admin_id: Nullable(Id),
  auditor_user_id: Nullable(Id),
  audit_time: Nullable(Moment),
  audit_remark: Nullable(Type.String()),
}

export function decidedMembers({ status, auditorUserId, auditTime, auditRemark }: Decided, zone: string) {
  return {
    status,
    auditor_id: auditorUserId,
    auditor_admin_id: auditorUserId,
    auditor_user_id: auditorUserId,
    audit_time: whenSet(auditTime, zone),
    audit_remark: auditRemark,
  }
}

/** The answer of an approval or rejection. */
export const Decision = Type.Object({
  audit_id: Id,
  status: AuditStatus,
  auditor_id: Id,
  auditor_admin_id: Id,
  auditor_user_id: Id,
  audit_time: Moment,
})

export function presentDecision(id: number, verdict: Verdict, zone: string) {
  return {
    audit_id: id,
    status: verdict.approves ? ('approved' as const) : ('rejected' as const),
    auditor_id: verdict.by,
    auditor_admin_id: verdict.by,
    auditor_user_id: verdict.by,
    audit_time: moment(verdict.now, zone),
  }
}

/** A verdict about a request. */
export interface Verdict {
  readonly approves: boolean
  readonly comment: string
  /** The user who decides. */
  readonly by: number
  readonly now: Date
}
