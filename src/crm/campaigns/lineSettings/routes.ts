import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Instant, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Done, done } from '../../contract.ts'
import * as service from './service.ts'

const common = { tag: 'CRM LINE', permission: 'crm:settings' } as const
const PATH = '/api/v1/settings/line'

const Channel = Type.Object({
  source: Type.Enum(['settings', 'environment', 'none']),
  channel_access_token: Nullable(Type.String({ description: 'Its last four characters.', examples: ['****3f9a'] })),
  channel_secret: Nullable(Type.String({ examples: ['****77c1'] })),
  webhook_url: Type.String({ description: 'Enter it in LINE’s console.' }),
  updated_at: Nullable(Instant),
})

/** Routes of the LINE channel. */
export function lineSettingsRoutes(app: App, kernel: Kernel): void {
  route(app, {
    ...common,
    method: 'GET',
    paths: [PATH],
    operationId: 'getLineChannel',
    summary: 'Read the LINE channel; secrets are masked',
    schema: { response: { 200: Answer(Channel) } },
    handler: async () => answer(await service.shownChannel(kernel)),
  })
  route(app, {
    ...common,
    method: 'PUT',
    paths: [PATH],
    operationId: 'setLineChannel',
    summary: 'Set the LINE channel',
    description: 'It overrides the environment’s. Token and secret are stored encrypted.',
    schema: {
      body: Type.Object({
        channel_access_token: Type.String({ minLength: 10, maxLength: 500, pattern: '^[\\x21-\\x7e]+$' }),
        channel_secret: Type.String({ minLength: 10, maxLength: 100, pattern: '^[\\x21-\\x7e]+$' }),
      }),
      response: { 200: Answer(Channel) },
    },
    handler: async (request) => {
      const { channel_access_token: token, channel_secret: secret } = request.body
      await service.setChannel(kernel, callerOf(request), { token, secret })
      return answer(await service.shownChannel(kernel))
    },
  })
  route(app, {
    ...common,
    method: 'DELETE',
    paths: [PATH],
    operationId: 'resetLineChannel',
    summary: 'Go back to the LINE channel of the environment',
    schema: { response: { 200: Done } },
    handler: async (request) => {
      await service.resetChannel(kernel, callerOf(request))
      return done()
    },
  })
  route(app, {
    ...common,
    method: 'POST',
    paths: [`${PATH}/test`],
    operationId: 'testLineChannel',
    summary: 'Ask LINE whether the channel works',
    schema: {
      response: {
        200: Answer(
          Type.Object({
            ok: Type.Boolean(),
            fault: Nullable(Type.String()),
            account: Nullable(Type.Object({ name: Type.String(), basic_id: Type.String() })),
            webhook_url: Type.String(),
            quota: Nullable(Type.Object({ limit: Nullable(Type.Integer()), used: Type.Integer() })),
          }),
        ),
      },
    },
    handler: async () => answer(await service.testChannel(kernel)),
  })
}
