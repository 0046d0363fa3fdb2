import type { Database, Transaction } from '../../../kernel/database/database.ts'

export const TYPES = ['bug', 'suggestion', 'complaint', 'praise'] as const
export const STATES = ['pending', 'processing', 'replied', 'closed'] as const

export type FeedbackType = (typeof TYPES)[number]

/** A user's feedback. */
export interface Feedback {
  readonly id: number
  readonly userId: number
  readonly type: FeedbackType
  readonly content: string
  readonly contactPhone: string | null
  readonly contactEmail: string | null
  readonly status: (typeof STATES)[number]
  readonly createTime: Date
}

const feedback = (db: Database) =>
  db
    .selectFrom('clinic_feedback')
    .select(['feedback_id as id', 'user_id as userId', 'type', 'content', 'status', 'create_time as createTime'])
    .select(['contact_phone as contactPhone', 'contact_email as contactEmail'])

export interface NewFeedback {
  readonly type: FeedbackType
  readonly content: string
  readonly contact_phone: string | null
  readonly contact_email: string | null
}

export async function insertFeedback(tx: Transaction, userId: number, row: NewFeedback, now: Date): Promise<number> {
  const { feedback_id } = await tx
    .insertInto('clinic_feedback')
    .values({ ...row, user_id: userId, create_time: now, update_time: now })
    .returning('feedback_id')
    .executeTakeFirstOrThrow()
  return feedback_id
}

/** A page of feedback, the latest first: of one user, or of all. */
export async function listFeedback(
  db: Database,
  query: {
    readonly userId?: number
    readonly status?: (typeof STATES)[number] | undefined
    readonly limit: number
    readonly offset: number
  },
): Promise<readonly Feedback[]> {
  let matching = feedback(db)
  if (query.userId !== undefined) matching = matching.where('user_id', '=', query.userId)
  if (query.status !== undefined) matching = matching.where('status', '=', query.status)
  return await matching.orderBy('feedback_id', 'desc').limit(query.limit).offset(query.offset).execute()
}

/** Feedback by id. */
export async function findFeedback(db: Database, id: number): Promise<Feedback | undefined> {
  return await feedback(db).where('feedback_id', '=', id).executeTakeFirst()
}

/** Sets the state of feedback. Returns false if there is none. */
export async function setStatus(
  tx: Transaction,
  id: number,
  status: (typeof STATES)[number],
  now: Date,
): Promise<boolean> {
  const row = await tx
    .updateTable('clinic_feedback')
    .set({ status, update_time: now })
    .where('feedback_id', '=', id)
    .returning('feedback_id')
    .executeTakeFirst()
  return row !== undefined
}
