import { Type } from 'typebox'
import { Id, Instant, Nullable, type Of } from '../../kernel/http/schemas.ts'
import { localTimestamp } from '../../kernel/time.ts'
import { AUTHORS, CHAT_STATUSES, EVENTS } from './rules.ts'
import type { ChatMessage, ChatSession } from './store.ts'

export const StatusSchema = Type.Enum([...CHAT_STATUSES], {
  description: '`bot`: the bot answers; `queued`: waits for an agent; `agent`: an agent answers; `closed`.',
})

export const SessionSchema = Type.Object(
  {
    id: Id,
    user_id: Id,
    user_name: Type.String(),
    status: StatusSchema,
    agent_id: Nullable(Id),
    agent_name: Nullable(Type.String()),
    queue_position: Nullable(
      Type.Integer({ minimum: 1, description: 'Place in the queue while it waits; 1 is next.' }),
    ),
    queued_at: Nullable(Instant),
    accepted_at: Nullable(Instant),
    created_at: Instant,
    updated_at: Instant,
    closed_at: Nullable(Instant),
  },
  { title: 'ChatSession' },
)

export const MessageSchema = Type.Object(
  {
    id: Id,
    session_id: Id,
    author: Type.Enum([...AUTHORS]),
    author_id: Nullable(Id),
    author_name: Nullable(Type.String()),
    content: Type.String(),
    event: Nullable(
      Type.Enum([...EVENTS], { description: 'The change of the session that a message of `system` reports.' }),
    ),
    client_id: Nullable(Type.String({ description: 'The sender’s own id of the message.' })),
    reply_to: Nullable(Id),
    faq_ids: Type.Array(Id, { description: 'The frequent questions that the bot found.' }),
    created_at: Instant,
  },
  { title: 'ChatMessage' },
)

/** A session in the shape of `SessionSchema`. */
export function presentSession(session: ChatSession, zone: string): Of<typeof SessionSchema> {
  const local = (at: Date | null) => at && localTimestamp(at, zone)
  return {
    id: session.id,
    user_id: session.userId,
    user_name: session.userName,
    status: session.status,
    agent_id: session.agentId,
    agent_name: session.agentName,
    queue_position: session.queuePosition,
    queued_at: local(session.queuedAt),
    accepted_at: local(session.acceptedAt),
    created_at: localTimestamp(session.createdAt, zone),
    updated_at: localTimestamp(session.updatedAt, zone),
    closed_at: local(session.closedAt),
  }
}

/** A message in the shape of `MessageSchema`, the same over HTTP and over the WebSocket. */
export function presentMessage(message: ChatMessage, zone: string): Of<typeof MessageSchema> {
  return {
    id: message.id,
    session_id: message.sessionId,
    author: message.author,
    author_id: message.authorId,
    author_name: message.authorName,
    content: message.content,
    event: message.event,
    client_id: message.clientId,
    reply_to: message.replyTo,
    faq_ids: [...message.faqIds],
    created_at: localTimestamp(message.createdAt, zone),
  }
}
