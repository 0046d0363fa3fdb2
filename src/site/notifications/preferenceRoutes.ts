import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { channels } from '../../kernel/notifications/channels.ts'
import { readPreferences, savePreferences } from '../../kernel/notifications/people/preferences.ts'
import { CATEGORIES } from '../../kernel/notifications/texts/types.ts'
import { v1 } from '../paths.ts'
import { SwitchableChannel, TypeKey } from './schemas.ts'

const tag = 'Notifications'
const path = v1('/users/me/notification-preferences')
const Channels = Type.Object(Object.fromEntries(channels.switchable.map((key) => [key, Type.Boolean()])))
const Preferences = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        type: TypeKey,
        name: Type.String(),
        category: Type.Enum([...CATEGORIES]),
        mandatory: Type.Boolean({ description: 'Urgent, or about the safety of the account: can’t be switched off.' }),
        channels: Channels,
      }),
    ),
  },
  { title: 'NotificationPreferences' },
)

/** Routes for a person's notification preferences. */
export function preferenceRoutes(app: App, kernel: Kernel): void {
  const answer = async (userId: number) => {
    const preferences = await readPreferences(kernel.db, kernel.notifications.catalogue, userId)
    return { items: preferences.map(({ title, ...preference }) => ({ ...preference, name: title })) }
  }

  route(app, {
    method: 'GET',
    paths: path,
    permission: 'signed-in',
    summary: 'Read your own notification preferences',
    tag,
    schema: { response: { 200: Preferences } },
    handler: async (request) => answer(callerOf(request).userId),
  })

  route(app, {
    method: 'PUT',
    paths: path,
    permission: 'signed-in',
    summary: 'Change your own notification preferences',
    description: 'Types and channels that are not named keep their setting. The inbox always gets everything.',
    tag,
    schema: {
      body: Type.Object({
        items: Type.Array(Type.Object({ type: TypeKey, channel: SwitchableChannel, enabled: Type.Boolean() }), {
          minItems: 1,
          maxItems: 500,
        }),
      }),
      response: { 200: Preferences },
    },
    handler: async (request) => {
      const { userId } = callerOf(request)
      await savePreferences(kernel, kernel.notifications.catalogue, userId, request.body.items)
      return answer(userId)
    },
  })
}
