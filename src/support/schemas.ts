import { Type } from 'typebox'
import { Id, Instant, type Of } from '../kernel/http/schemas.ts'
import { localTimestamp } from '../kernel/time.ts'
import type { Reply } from './store.ts'

/** A message to feedback or a ticket in an answer. */
export const ReplySchema = Type.Object(
  {
    id: Id,
    author_id: Id,
    author_name: Type.String(),
    from_staff: Type.Boolean({ description: 'True when support wrote it.' }),
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
