import { Type } from 'typebox'
import { Id, Instant } from '../http/schemas.ts'
import type { InboxMessage } from './inbox.ts'

/** A message as clients see it, in lists and over the WebSocket. */
export const Notification = Type.Object(
  {
    id: Id,
    type: Type.String({ examples: ['reservation.confirmed'] }),
    subject: Type.String(),
    body: Type.String(),
    data: Type.Record(Type.String(), Type.Unknown(), {
      description: 'The facts the text was made of; they depend on the type.',
    }),
    urgent: Type.Boolean(),
    created_at: Instant,
    read_at: Type.Union([Instant, Type.Null()]),
  },
  { title: 'Notification' },
)

/** Converts a message of the inbox to the shape of `Notification`. */
export function present({ id, type, subject, body, data, urgent, createdAt, readAt }: InboxMessage) {
  return { id, type, subject, body, data, urgent, created_at: createdAt, read_at: readAt }
}
