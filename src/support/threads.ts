import type { Transaction } from '../kernel/database/database.ts'
import { Conflict } from '../kernel/errors.ts'
import { MOST_REPLIES } from './rules.ts'
import { addReply, type Subject } from './store.ts'

const NAMES = { feedback: 'Feedback', ticket: 'A ticket' } as const satisfies Record<Subject, string>

/** Adds a message to a locked thread. @throws Conflict `too_many_messages` */
export async function say(
  tx: Transaction,
  subject: Subject,
  id: number,
  message: { readonly authorId: number; readonly fromStaff: boolean; readonly content: string; readonly now: Date },
): Promise<void> {
  if (await addReply(tx, subject, id, { ...message, most: MOST_REPLIES })) return
  throw new Conflict('too_many_messages', `${NAMES[subject]} has at most ${MOST_REPLIES} messages.`)
}
