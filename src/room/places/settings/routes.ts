import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, Done, data, done } from '../../contract.ts'
import { SettingAnswer } from '../../core/places/schemas.ts'
import { readSetting } from '../../core/places/settingStore.ts'
import { MANAGE } from '../../fields.ts'
import { changeSetting } from './service.ts'

const tag = 'Room rules'
const paths = [`${MANAGE}/setting/audit-required`] as const
const { auditRequired, maxDurationMinutes, advanceDays, gridMinutes, participantOverlap } = SettingAnswer.properties

/** Routes for the limits of bookings (seed 审核与时长设置). */
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
      'The rules apply to bookings that are made, changed or approved from now on. Fields that are not given keep ' +
      'their value. `participantOverlap` decides what happens if a participant has another booking at the same ' +
      'time: `warn` names the person in the answer, `refuse` refuses the booking, `allow` ignores it.',
    tag,
    schema: {
      body: Type.Object({
        auditRequired,
        maxDurationMinutes: Type.Optional(Nullable(maxDurationMinutes)),
        advanceDays: Type.Optional(Nullable(advanceDays)),
        gridMinutes: Type.Optional(Nullable(gridMinutes)),
        participantOverlap: Type.Optional(Nullable(participantOverlap)),
      }),
      response: { 200: Done },
    },
    handler: async (request) => {
      await changeSetting(kernel, callerOf(request), request.body)
      return done
    },
  })
}
