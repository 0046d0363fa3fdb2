import { Type } from 'typebox'
import { Invalid } from '../../kernel/errors.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { idempotent } from '../../kernel/http/request/idempotency.ts'
import { route } from '../../kernel/http/route.ts'
import { Id, Nullable, Text } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { sendToAddresses } from '../../kernel/notifications/bareAddresses.ts'
import { createBroadcast } from '../../kernel/notifications/broadcasts.ts'
import { channels } from '../../kernel/notifications/channels.ts'
import { DIRECT_TYPE } from '../../kernel/notifications/texts/builtInTypes.ts'
import { Condition, MANAGE } from './schemas.ts'

const tag = 'Audiences and broadcasts'

/** Routes for messages that administrators write themselves. */
export function notificationSendRoutes(app: App, kernel: Kernel): void {
  for (const { key: channel, sendSummary: summary, sendOperationId: operationId, typed } of channels.delivered) {
    route(app, {
      method: 'POST',
      paths: [`/api/notifications/${channel}`, `/api/v1/notifications/${channel}`],
      operationId,
      permission: MANAGE,
      summary,
      description:
        'To people, an audience, a condition, or bare addresses: exactly one of them. People also get it in their ' +
        'inbox; those who unsubscribed get it there only.',
      tag,
      idempotent: true,
      limit: 'message',
      schema: {
        body: Type.Object({
          to: Type.Object({
            user_ids: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 10_000 })),
            audience_id: Type.Optional(Id),
            condition: Type.Optional(Condition),
            addresses: Type.Optional(
              Type.Array(Type.String({ minLength: 3, maxLength: 254, examples: [typed.example] }), {
                minItems: 1,
                maxItems: 1000,
                description: typed.about,
              }),
            ),
          }),
          subject: Text(200),
          body: Text(20_000),
        }),
        response: {
          202: Type.Object({
            broadcast_id: Nullable(Id),
            recipients: Type.Integer({ minimum: 0, description: 'Number of people or addresses it is sent to.' }),
          }),
        },
      },
      handler: (request, reply) =>
        idempotent(kernel, request, reply, async (inside) => {
          const { to, subject, body } = request.body
          requireOne(to)
          const caller = callerOf(request)
          if (to.addresses) {
            const send = { channel, type: DIRECT_TYPE, addresses: to.addresses, subject, body }
            return { broadcast_id: null, recipients: await sendToAddresses(inside, caller, send) }
          }
          const condition = to.user_ids ? { kind: 'users', ids: to.user_ids } : to.condition
          const sending = {
            type: DIRECT_TYPE,
            data: { subject, body },
            channels: [channel],
            audienceId: to.audience_id,
            condition,
          }
          const broadcast = await createBroadcast(inside, caller, sending)
          return { broadcast_id: broadcast.id, recipients: broadcast.total }
        }),
    })
  }
}

/** Checks that exactly one kind of recipients is given. @throws Invalid `bad_request`. */
export function requireOne(ways: Readonly<Record<string, unknown>>): void {
  if (Object.values(ways).filter((way) => way !== undefined).length === 1) return
  throw new Invalid('bad_request', `Give exactly one of: ${Object.keys(ways).join(', ')}.`)
}
