import type { Transaction } from '../../../kernel/database/database.ts'
import type { DomainError } from '../../../kernel/errors.ts'
import { notify } from '../../../kernel/outbox/outbox.ts'
import { CODES, refusal } from '../../sentences.ts'
import type { Verdict } from './fields.ts'

/** The error for a second decision: the first one holds. */
export function alreadyDecided(): DomainError {
  return refusal(CODES.request, 'already_decided', '该申请已审核，不能重复操作')
}

/** Tells the person who made a request how it was decided. */
export async function tellDecision(
  tx: Transaction,
  { approves, comment, now }: Verdict,
  request: {
    readonly kind: '排班' | '请假' | '加号'
    readonly id: number
    readonly what: string
    readonly userId: number | null
  },
): Promise<void> {
  const { kind, id, what, userId } = request
  const type = approves ? 'clinic.audit.approved' : 'clinic.audit.rejected'
  const userIds = userId === null ? [] : [userId]
  await notify(tx, now, { type, userIds, data: { kind, what, remark: comment }, key: `${type}:${kind}:${id}` })
}
