import type { Transaction } from '../../../kernel/database/database.ts'
import type { DomainError } from '../../../kernel/errors.ts'
import { staffWith } from '../../../kernel/identity/staff.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify } from '../../../kernel/outbox/outbox.ts'
import { CODES, refusal } from '../../sentences.ts'
import type { Differences } from '../differences.ts'
import type { Doctor } from '../peopleStore.ts'
import type { Verdict } from './fields.ts'
import { headsOf } from './store.ts'

/** A request that needs a decision, in words for messages. */
interface Request {
  readonly kind: '排班' | '请假' | '加号'
  readonly id: number
  readonly what: string
}

/** The error for a second decision: the first one holds. */
export function alreadyDecided(): DomainError {
  return refusal(CODES.request, 'already_decided', '该申请已审核，不能重复操作')
}

/** What a decision changes, for the operation log. */
export function decisionChanges({ approves, comment }: Verdict): Differences {
  return { status: ['pending', approves ? 'approved' : 'rejected'], audit_remark: [null, comment] }
}

/** Tells the person who made a request how it was decided. */
export async function tellDecision(
  tx: Transaction,
  { approves, comment, now }: Verdict,
  request: Request & { readonly userId: number | null },
): Promise<void> {
  const { kind, id, what, userId } = request
  const type = approves ? 'clinic.audit.approved' : 'clinic.audit.rejected'
  const userIds = userId === null ? [] : [userId]
  await notify(tx, now, { type, userIds, data: { kind, what, remark: comment }, key: `${type}:${kind}:${id}` })
}

/** Tells those who can decide about a doctor's request: heads of the department and administrators, but not the doctor. */
export async function tellRequest(
  kernel: Pick<Kernel, 'roles'>,
  tx: Transaction,
  doctor: Pick<Doctor, 'name' | 'deptId' | 'deptName' | 'userId'>,
  { kind, id, what }: Request,
  now: Date,
): Promise<void> {
  const all = [...(await headsOf(tx, doctor.deptId)), ...(await staffWith(tx, kernel, 'clinic:audit'))]
  const userIds = [...new Set(all)].filter((userId) => userId !== doctor.userId)
  const data = { kind, what, applicant: doctor.name, department: doctor.deptName }
  const type = 'clinic.audit.requested'
  await notify(tx, now, { type, userIds, data, key: `${type}:${kind}:${id}` })
}
