import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../kernel/http/request/idempotency.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, IdParams, type Of, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { v1 } from '../../../site/paths.ts'
import { sendChangeMessage, sendConfirmation, sendReminder } from './service.ts'

const tag = 'Notices'
const Sent = Type.Object(
  { success: Type.Literal(true), message: Type.String(), reservation_id: Id },
  { title: 'NoticeAnswer' },
)

const sent = (id: number, message: string): Of<typeof Sent> => ({ success: true, message, reservation_id: id })

/** Canonical path of a message and the two aliases of the walk-through. */
function messagePaths(message: 'confirm' | 'reminder'): [string, ...string[]] {
  return [...v1(`/reservations/{id}/${message}`), `/api/notifications/reservations/{id}/${message}`]
}

/** Routes to send a message about a reservation by hand. Due messages are sent automatically. */
export function reservationMessageRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: messagePaths('confirm'),
    operationId: 'sendReservationConfirmation',
    permission: 'venue:reservations.book',
    summary: 'Send the confirmation, unless it was sent already',
    description: 'It is sent automatically when a reservation is confirmed; nobody gets it twice.',
    tag,
    limit: 'message',
    schema: { params: IdParams, response: { 200: Sent } },
    handler: async (request) => {
      await sendConfirmation(kernel, callerOf(request), request.params.id)
      return sent(request.params.id, 'The confirmation has been sent.')
    },
  })

  route(app, {
    method: 'POST',
    paths: messagePaths('reminder'),
    operationId: 'sendReservationReminder',
    permission: 'venue:reservations.book',
    summary: 'Send a reminder',
    description:
      'At most one an hour. Reminders are also sent automatically on the day before and shortly before the start.',
    tag,
    limit: 'message',
    schema: { params: IdParams, response: { 200: Sent } },
    handler: async (request) => {
      const { id } = request.params
      const now = await sendReminder(kernel, callerOf(request), id)
      return sent(id, now ? 'The reminder has been sent.' : 'A reminder was sent within the last hour.')
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/reservations/{id}/change-notice'),
    operationId: 'sendChangeNotice',
    permission: 'venue:reservations.manage',
    summary: 'Send the owner of a reservation a message about a change',
    tag,
    limit: 'message',
    idempotent: true,
    schema: { params: IdParams, body: Type.Object({ message: Text(1000) }), response: { 200: Sent } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (inside) => {
        const { id } = request.params
        await sendChangeMessage(inside, callerOf(request), id, request.body.message)
        return sent(id, 'The notice has been sent.')
      }),
  })
}
