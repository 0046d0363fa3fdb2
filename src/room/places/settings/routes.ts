import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, Done, data, done } from '../../contract.ts'
import { MANAGE } from '../../fields.ts'
import { changeSetting } from './service.ts'
import { readSetting } from './store.ts'

const tag = 'Room rules'
const paths = [`${MANAGE}/setting/audit-required`] as const

const MaxDuration = Type.Integer({ minimum: 5, maximum: 10_080, examples: [4320] })
const AdvanceDays = Type.Integer({
  minimum: 1,
  maximum: 366,
  description: 'The furthest local day that can be booked, counted from today.',
})
const Grid = Type.Integer({ minimum: 1, maximum: 60, description: 'Times lie on multiples of this from midnight.' })
const Overlap = Type.Enum(['warn', 'refuse', 'allow'])

/** What limits bookings, on the wire. */
export const SettingAnswer = Type.Object(
  {
    auditRequired: Type.Boolean(),
    maxDurationMinutes: MaxDuration,
    advanceDays: AdvanceDays,
    gridMinutes: Grid,
    participantOverlap: Overlap,
  },
  { title: 'RoomSetting' },
)

/** What limits bookings (seed 审核与时长设置). */
export function settingRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths,
    operationId: 'getBookingRules',
    permission: 'manage:facility:setting:get',
    summary: 'Read the rules of booking',
    tag,
    schema: { response: { 200: Data(SettingAnswer) } },
    handler: async () => data(await readSetting(kernel.db)),
  })

  route(app, {
    method: 'PUT',
    paths,
    operationId: 'updateBookingRules',
    permission: 'manage:facility:setting:edit',
    summary: 'Change the rules of booking',
    description:
      'They hold for what is booked, changed and approved from now on. What is left out stays as it is. `participantOverlap` says what happens when ' +
      'somebody takes part in another booking at the same time: `warn` names them in the answer, `refuse` refuses, `allow` says nothing.',
    tag,
    schema: {
      body: Type.Object({
        auditRequired: Type.Boolean(),
        maxDurationMinutes: Type.Optional(Nullable(MaxDuration)),
        advanceDays: Type.Optional(Nullable(AdvanceDays)),
        gridMinutes: Type.Optional(Nullable(Grid)),
        participantOverlap: Type.Optional(Nullable(Overlap)),
      }),
      response: { 200: Done },
    },
    handler: async (request) => {
      await changeSetting(kernel, callerOf(request), request.body)
      return done
    },
  })
}
