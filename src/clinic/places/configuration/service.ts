import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { type ConfigurationChange, changed } from '../../core/configuration/rules.ts'
import { lockConfiguration, writeConfiguration } from '../../core/configuration/store.ts'
import { differences } from '../../core/differences.ts'
import { CODES, refusal } from '../../sentences.ts'

/**
 * Changes the configuration; only the keys that are given. Schedules and orders that exist keep their prices, but their
 * times follow the new sections.
 * @throws Invalid 99 with a sentence about the first fault; nothing is changed then.
 */
export async function changeConfiguration(kernel: Kernel, caller: Caller, change: ConfigurationChange): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await lockConfiguration(tx)
    const result = changed(before, change)
    if ('fault' in result) throw refusal(CODES.request, 'bad_configuration', result.fault)
    const { configuration } = result
    await writeConfiguration(tx, configuration, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.configuration.change',
      resource: 'clinic_configuration',
      changes: {
        ...differences(before.registration, configuration.registration),
        ...differences(before.schedule, configuration.schedule),
        ...differences(before.patientIdentityDiscounts, configuration.patientIdentityDiscounts),
      },
    })
  })
  kernel.nudge()
}
