import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Refused } from '../../../kernel/notifications/providers/provider.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { channelOf, dropChannel, type LineChannel, saveChannel, storedChannel } from '../../core/line/channelStore.ts'
import { openLine } from '../../core/line/line.ts'

/** The LINE channel as administrators see it: only the ends of its secrets. */
export interface ShownChannel {
  readonly source: 'settings' | 'environment' | 'none'
  readonly channel_access_token: string | null
  readonly channel_secret: string | null
  readonly webhook_url: string
  readonly updated_at: Date | null
}

const ending = (secret: string) => `****${secret.slice(-4)}`

const webhookUrl = ({ config }: Pick<Kernel, 'config'>) => `${config.publicUrl}/api/v1/line/webhook`

/** The channel in force. */
export async function shownChannel(kernel: Kernel): Promise<ShownChannel> {
  const stored = await kernel.withRetries((db) => storedChannel(db))
  const channel = await channelOf(kernel, kernel.db)
  return {
    source: stored ? 'settings' : channel ? 'environment' : 'none',
    channel_access_token: channel ? ending(channel.token) : null,
    channel_secret: channel ? ending(channel.secret) : null,
    webhook_url: webhookUrl(kernel),
    updated_at: stored?.updatedAt ?? null,
  }
}

/** Sets the channel, encrypted; it overrides the environment's. */
export async function setChannel(kernel: Kernel, caller: Caller, { token, secret }: LineChannel): Promise<void> {
  const at = kernel.clock.now()
  const { cipher } = kernel.secrets
  const stored = { token: cipher.encrypt(token), secret: cipher.encrypt(secret) }
  await kernel.transaction(async (tx) => {
    await saveChannel(tx, stored, at)
    await note(tx, caller, at, 'set')
  })
  kernel.nudge()
}

/** Forgets the set channel: the environment's is in force again. */
export async function resetChannel(kernel: Kernel, caller: Caller): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (await dropChannel(tx)) await note(tx, caller, at, 'reset')
  })
  kernel.nudge()
}

async function note(tx: Parameters<typeof record>[0], caller: Caller, at: Date, what: string): Promise<void> {
  const changes = { channel: ['***', what === 'set' ? '***' : null] } as const
  await record(tx, at, { ...originOf(caller), action: `line_channel.${what}`, resource: 'line_channel', changes })
}

/** What LINE says about the channel. */
export interface ChannelTest {
  readonly ok: boolean
  readonly fault: string | null
  readonly account: { readonly name: string; readonly basic_id: string } | null
  /** Messages of this month; `limit` null: without a limit. */
  readonly quota: { readonly limit: number | null; readonly used: number } | null
  /** Enter it in LINE's console. */
  readonly webhook_url: string
}

/** Asks LINE whether the channel works. @throws Conflict `line_not_set` */
export async function testChannel(kernel: Kernel): Promise<ChannelTest> {
  const line = await openLine(kernel)
  if (!line) throw new Conflict('line_not_set', 'No LINE channel is set.')
  const webhook_url = webhookUrl(kernel)
  try {
    const [account, quota] = await Promise.all([line.account(), line.quota()])
    if (!Number.isSafeInteger(quota.limit ?? 0) || !Number.isSafeInteger(quota.used))
      return { ok: false, fault: 'LINE: the answer is not understood.', account: null, quota: null, webhook_url }
    const { displayName: name, basicId: basic_id } = account
    return { ok: true, fault: null, account: { name, basic_id }, quota, webhook_url }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const fault = error.kind === 'ours' ? 'LINE refuses the channel access token.' : `LINE: ${error.message}`
    return { ok: false, fault, account: null, quota: null, webhook_url }
  }
}
