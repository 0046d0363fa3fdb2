import { Type } from 'typebox'
import { Id, Instant, type Of } from '../kernel/http/schemas.ts'
import { localTimestamp } from '../kernel/time.ts'
import type { Reply, Thread } from './store.ts'

/** A message of feedback or a ticket in an answer. */
export const ReplySchema = Type.Object(
  {
    id: Id,
    author_id: Id,
    author_name: Type.String(),
    from_staff: Type.Boolean({ description: 'True if support wrote it.' }),
    content: Type.String(),
    created_at: Instant,
  },
  { title: 'SupportMessage' },
)

/** A message in the shape of `ReplySchema`. */
export function presentReply(reply: Reply, zone: string): Of<typeof ReplySchema> {
  return {
    id: reply.id,
    author_id: reply.authorId,
    author_name: reply.authorName,
    from_staff: reply.fromStaff,
    content: reply.content,
    created_at: localTimestamp(reply.createdAt, zone),
  }
}

/** Common fields of the answers of feedback and tickets. */
export const threadFields = {
  id: Id,
  user_id: Id,
  user_name: Type.String(),
  replies: Type.Integer({ description: 'Number of messages.' }),
  created_at: Instant,
  updated_at: Instant,
}

/** The common fields in the shape of `threadFields`. */
export function presentThread(thread: Thread, zone: string) {
  return {
    id: thread.id,
    user_id: thread.userId,
    user_name: thread.userName,
    replies: thread.replies,
    created_at: localTimestamp(thread.createdAt, zone),
    updated_at: localTimestamp(thread.updatedAt, zone),
  }
}
