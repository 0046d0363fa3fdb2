import { addDays, localDate } from '../../../kernel/time.ts'
import type { OrderStatus } from '../states.ts'

/** What a doctor writes about a visit. Null: nothing. */
export interface RecordContent {
  readonly chiefComplaint: string | null
  readonly presentIllness: string | null
  readonly auxiliaryExam: string | null
  readonly diagnosis: string | null
  readonly prescription: string | null
  readonly advice: string | null
  /** A local date. */
  readonly followupDate: string | null
}

/** The content of a record in which nothing is written yet. */
export const EMPTY: RecordContent = {
  chiefComplaint: null,
  presentIllness: null,
  auxiliaryExam: null,
  diagnosis: null,
  prescription: null,
  advice: null,
  followupDate: null,
}

const FIELDS = [
  'chiefComplaint',
  'presentIllness',
  'auxiliaryExam',
  'diagnosis',
  'prescription',
  'advice',
  'followupDate',
] as const satisfies readonly (keyof RecordContent)[]

/** A change of a record: absent fields stay as they are, null or a blank text clears one. */
export type RecordChange = Partial<RecordContent>

/** Applies a change. Also returns the names of the fields that differ afterwards. */
export function applied(
  before: RecordContent,
  change: RecordChange,
): { readonly content: RecordContent; readonly fields: readonly (keyof RecordContent)[] } {
  const asked = FIELDS.filter((field) => change[field] !== undefined)
  const content = { ...before, ...Object.fromEntries(asked.map((field) => [field, change[field]?.trim() || null])) }
  return { content, fields: FIELDS.filter((field) => content[field] !== before[field]) }
}

/** True if anything is written in a record. */
export function isWritten(content: RecordContent): boolean {
  return FIELDS.some((field) => content[field] !== null)
}

/** The state of the visit of an order. */
interface Visit {
  readonly status: OrderStatus
  readonly isCalling: boolean
  readonly completedTime: Date | null
}

/**
 * Whether the doctor may write the record of an order now: while the patient is being called, and after the visit until
 * the end of the next local day (`closed` from then on). `not_seen` if the patient was not called.
 */
export function writingOf(
  { status, isCalling, completedTime }: Visit,
  now: Date,
  zone: string,
): 'open' | 'not_seen' | 'closed' {
  if (isCalling) return 'open'
  if (status !== 'completed' || !completedTime) return 'not_seen'
  return localDate(now, zone) <= addDays(localDate(completedTime, zone), 1) ? 'open' : 'closed'
}
