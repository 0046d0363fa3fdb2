import type { Kernel } from '../../kernel/kernel.ts'
import { localDate } from '../../kernel/time.ts'
import { crmSettings } from '../settings.ts'

/** The zone of the CRM's local dates and times. */
export function zoneOf({ config }: Pick<Kernel, 'config'>): string {
  return crmSettings.of(config).timeZone
}

/** The local day (YYYY-MM-DD) of an instant, as the analytics count it. */
export function dayOf(kernel: Pick<Kernel, 'config'>, at: Date): string {
  return localDate(at, zoneOf(kernel))
}
