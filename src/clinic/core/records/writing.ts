import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { CODES, refusal } from '../../sentences.ts'
import type { Order } from '../ordersStore.ts'
import { applied, EMPTY, isWritten, type RecordChange, writingOf } from './rules.ts'
import * as store from './store.ts'

/** What to write, and who writes it when. */
export interface Writing {
  readonly change: RecordChange
  /** The version that the writer has read (0: none). Absent: it does not matter which. */
  readonly version?: number | undefined
  readonly caller: Caller
  readonly now: Date
  /** The local time zone. */
  readonly zone: string
}

/**
 * Writes the record of a locked order's visit, for the doctor who sees the patient. The operation log gets the names of
 * the changed fields, never their content. A change that changes nothing is not written.
 * @throws Invalid `not_seen` before the patient is called; `closed` from the second day after the visit on; `stale` if
 * the record has another version; `empty_record`; `bad_followup` for a date before the visit.
 */
export async function writeRecord(tx: Transaction, order: Order, writing: Writing): Promise<void> {
  const { change, version, caller, now, zone } = writing
  checkOpen(order, now, zone)
  const before = await store.recordOf(tx, order.orderId)
  const has = before?.version ?? 0
  if (version !== undefined && version !== has)
    throw refusal(CODES.request, 'stale', '病历已被修改，请刷新后在最新内容上修改')
  const { content, fields } = applied(before ?? EMPTY, change)
  if (!isWritten(content)) throw refusal(CODES.request, 'empty_record', '请填写病历内容')
  if (content.followupDate !== null && content.followupDate < order.date)
    throw refusal(CODES.request, 'bad_followup', '复诊日期不能早于就诊日期')
  if (fields.length === 0) return
  if (before) await store.updateRecord(tx, order.orderId, has, content, now)
  else await store.insertRecord(tx, order, content, now)
  await record(tx, now, {
    ...originOf(caller),
    action: before ? 'clinic.record.change' : 'clinic.record.write',
    resource: 'clinic_record',
    resourceId: order.orderId,
    changes: { version: [has, has + 1], fields: [null, fields] },
  })
}

function checkOpen(order: Order, now: Date, zone: string): void {
  switch (writingOf(order, now, zone)) {
    case 'not_seen':
      throw refusal(CODES.request, 'not_seen', '只能为正在就诊或已完成就诊的患者书写病历')
    case 'closed':
      throw refusal(CODES.request, 'closed', '病历只能在就诊次日 24:00 前修改')
    default:
  }
}
