import type { Ground } from '../../ground.ts'
import type { Consumer } from '../../outbox/relay.ts'
import { type Provider, providerFor } from '../providers/provider.ts'
import type { Catalogue } from '../texts/catalogue.ts'
import { insertMessages, type Outlet } from './messageStore.ts'
import { nextAllowed } from './policy.ts'
import { type Prepared, readMessage, UnknownType } from './rows.ts'

export interface MessageOptions {
  readonly catalogue: Catalogue
  /** A delivery by a channel without a provider is recorded as skipped. */
  readonly providers: readonly Pick<Provider, 'lane' | 'channel' | 'rings'>[]
  /** Called after a commit that queued deliveries. */
  readonly onDeliveries?: () => void
}

/** The consumer of `outbox.message`: writes messages to inboxes, with their deliveries by other channels. */
export function messageConsumer(kernel: Pick<Ground, 'clock' | 'config'>, options: MessageOptions): Consumer {
  /** The channels now: whether each is configured, and from when on it may disturb people. */
  const outlets = (): readonly Outlet[] => {
    const now = kernel.clock.now()
    const allowed = nextAllowed(options.catalogue.policy(), now, kernel.config.timeZone)
    return options.catalogue.channels.delivered.map((channel) => {
      const provider = providerFor(channel, options.providers)
      const waits = provider?.rings && channel.quietHours && allowed > now
      return { channel: channel.key, lane: channel.lane, configured: provider !== undefined, ...(waits && { allowed }) }
    })
  }

  return {
    begin(tx) {
      const prepared: Prepared[] = []
      let refreshed = false
      /**
       * Reads a message. For an unknown type it reloads the catalogue once: another process may have just added the
       * type.
       */
      const read = async (content: unknown, at: Date): Promise<Prepared> => {
        try {
          return readMessage(options.catalogue, content, at)
        } catch (error) {
          if (!(error instanceof UnknownType) || refreshed) throw error
          refreshed = true
          await options.catalogue.reload(tx)
          return readMessage(options.catalogue, content, at)
        }
      }
      return {
        async read(content, at) {
          const message = await read(content, at)
          return () => prepared.push(message)
        },
        async write() {
          const deliveries = await insertMessages(tx, options.catalogue.channels, prepared, outlets())
          return deliveries > 0 ? options.onDeliveries : undefined
        },
      }
    },
  }
}
