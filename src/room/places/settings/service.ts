import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import type { Setting } from '../../core/rules.ts'
import { refusal } from '../../sentences.ts'
import * as store from './store.ts'

/** The limits in a request; absent or null fields keep their value. */
export type SettingInput = { readonly [Name in keyof Setting]?: Setting[Name] | null | undefined }

/**
 * Changes the rules of booking. They apply to bookings that are made or changed from now on; existing bookings stay.
 * @throws Invalid `nothing_fits` if the greatest length is shorter than the grid.
 */
export async function changeSetting(kernel: Kernel, caller: Caller, input: SettingInput): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await store.lockSetting(tx)
    const after: Setting = {
      auditRequired: input.auditRequired ?? before.auditRequired,
      maxDurationMinutes: input.maxDurationMinutes ?? before.maxDurationMinutes,
      advanceDays: input.advanceDays ?? before.advanceDays,
      gridMinutes: input.gridMinutes ?? before.gridMinutes,
      participantOverlap: input.participantOverlap ?? before.participantOverlap,
    }
    if (after.maxDurationMinutes < after.gridMinutes) {
      throw refusal('nothing_fits', '最长预约时长不能小于时间粒度')
    }
    await store.updateSetting(tx, after, caller.userId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'room.setting.update',
      resource: 'room_setting',
      changes: changesBetween(before, after),
    })
  })
  kernel.nudge()
}
