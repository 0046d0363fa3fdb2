import type { Config } from '../../config.ts'
import type { Provider } from './providers/provider.ts'

/**
 * The ways out for a text that must not stand in anybody's inbox, outbox or log: a code that opens something. Absent ones are not
 * configured.
 */
export type DirectSenders = Readonly<Partial<Record<'email' | 'sms', Pick<Provider, 'send'>>>>

/** By configuration, as kernels that differ in their database handle share it. */
const made = new WeakMap<object, DirectSenders>()

/** Says how such texts leave this process. */
export function sendDirectlyBy(config: Config, senders: DirectSenders): void {
  made.set(config, senders)
}

/** How such texts leave this process; nothing when nobody said. */
export function directSenders(config: Config): DirectSenders {
  return made.get(config) ?? {}
}
