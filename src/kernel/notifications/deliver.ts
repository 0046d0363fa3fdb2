import { fieldCipher } from '../identity/users.ts'
import { repeat } from '../jobs/repeat.ts'
import type { Kernel } from '../kernel.ts'
import { type Breaker, createBreaker } from './breaker.ts'
import type { Catalogue, ChannelText } from './catalogue.ts'
import * as store from './deliveryStore.ts'
import { takePlace } from './pace.ts'
import { nextAllowed } from './policy.ts'
import { isFinal, type Provider, Refused } from './provider.ts'
import { maskAddress, suppress, suppressionKey } from './suppressions.ts'
import { htmlOf, trackedHtml, unsubscribeUrl, withFooter } from './tracking.ts'
import { isMandatory } from './types.ts'

/** Sends what the relay queued. */
export interface Courier {
  nudge(): void
  /** Sends what is due, and looks again every second, until `stop`. Any number of processes may. */
  start(): void
  /** Waits for what is in hand. */
  stop(): Promise<void>
  /** Sends all that is due by the clock. Answers how many deliveries it tried. */
  drain(): Promise<number>
}

export interface CourierOptions {
  readonly catalogue: Catalogue
  readonly providers: readonly Provider[]
}

type CourierKernel = Pick<Kernel, 'clock' | 'config' | 'db' | 'log' | 'transaction'>

const MOST_ATTEMPTS = 8
/** A provider that is busy says nothing against the message. */
const MOST_BUSY_ATTEMPTS = 40
const POLL_MS = 1000
const FIRST_PAUSE_MS = 30_000
const LONGEST_PAUSE_MS = 2 * 60 * 60_000
const BUSY_PAUSE_MS = 60_000
const OWN_FAULT_PAUSE_MS = 5 * 60_000
const NAME_LENGTH = 100
/** In which order the channels are fallen back on: what costs nothing first. */
const FALLBACK = ['im', 'email', 'sms'] as const

/** A provider with what this process remembers of it. */
interface Lane {
  readonly provider: Provider
  readonly breaker: Breaker
}

/**
 * Builds the courier. A delivery is claimed (committed), sent outside of any transaction, and its result recorded, in the statement that
 * claims the next one. One at a time in a process and lane: a kill between the acceptance by the other side and our record repeats at most
 * that one message.
 */
export function createCourier(kernel: CourierKernel, { catalogue, providers }: CourierOptions): Courier {
  const leaseMs = kernel.config.deliveryLeaseSeconds * 1000
  let stopping = false
  const lanes = providers.map((provider): Lane => ({ provider, breaker: createBreaker(kernel.clock) }))

  /** Sends what is due in a lane; answers how many were tried. */
  const work = async (lane: Lane): Promise<number> => {
    const { provider, breaker } = lane
    if (breaker.openUntil()) return 0
    let tries = 0
    let claimed = await store.claim(kernel.db, provider.lane, kernel.clock.now(), leaseMs)
    while (claimed) {
      const result = await makeDelivery(kernel, catalogue, lane, claimed)
      if (result.state !== 'queued' || result.tried) tries += 1
      const now = kernel.clock.now()
      if (result.state === 'failed' || result.state === 'suppressed') {
        await giveUp(claimed, provider, result, now)
        claimed = undefined
      } else if (stopping || breaker.openUntil()) {
        await store.settle(kernel.db, claimed, provider.name, result, now)
        claimed = undefined
      } else {
        claimed = await store.settleAndClaim(kernel.db, claimed, provider.name, result, provider.lane, now, leaseMs)
        continue
      }
      if (stopping || breaker.openUntil()) return tries
      claimed = await store.claim(kernel.db, provider.lane, now, leaseMs)
    }
    return tries
  }

  /** Records that a message can't be delivered this way, keeps its address from being tried again, and takes the next way. */
  const giveUp = async (claimed: store.Claimed, provider: Provider, result: store.Result, now: Date): Promise<void> => {
    const { userId, address, key } = recipient(kernel, claimed)
    const allowed = claimed.urgent ? now : nextAllowed(catalogue.policy(), now, kernel.config.timeZone)
    const mandatory = mustBeTold(catalogue, claimed)
    const ways = FALLBACK.flatMap((channel) => {
      const way = providers.find(
        (one) => one.channel === channel && one.lane === (channel === 'im' ? 'wecom' : channel),
      )
      // An SMS costs money: only where somebody has to know.
      const worthIt = channel !== 'sms' || mandatory
      return way && worthIt && channel !== claimed.channel
        ? [{ channel, lane: way.lane, allowed: way.rings ? allowed : now }]
        : []
    })
    await kernel.transaction(async (tx) => {
      if (!(await store.settle(tx, claimed, provider.name, result, now))) return
      if (result.state === 'failed' && result.kind === 'address' && address !== null && key !== null) {
        const entry = { channel: claimed.channel, key, masked: maskAddress(address), reason: result.reason, userId }
        await suppress(tx, entry, now)
      }
      if (claimed.message_id !== null && !claimed.chosen) await store.fallBack(tx, claimed, ways, mandatory, now)
    })
  }

  const loops = lanes.map((lane) =>
    repeat({
      name: `delivery by ${lane.provider.name}`,
      log: kernel.log,
      everyMs: POLL_MS,
      run: async () => {
        await work(lane)
        return POLL_MS
      },
    }),
  )

  return {
    nudge: () => {
      for (const loop of loops) loop.nudge()
    },
    start() {
      stopping = false
      for (const loop of loops) loop.start()
    },
    async stop() {
      stopping = true
      await Promise.all(loops.map((loop) => loop.stop()))
    },
    async drain() {
      let total = 0
      for (;;) {
        let tries = 0
        for (const lane of lanes) tries += await work(lane)
        if (tries === 0) return total
        total += tries
      }
    },
  }
}

/** Decides about one delivery, and makes it when nothing speaks against that. */
async function makeDelivery(
  kernel: CourierKernel,
  catalogue: Catalogue,
  { provider, breaker }: Lane,
  claimed: store.Claimed,
): Promise<store.Result> {
  const { address } = recipient(kernel, claimed)
  // Scrubbed or changed since it was queued.
  if (address === null) return { state: 'skipped', reason: 'no_address' }
  if (claimed.switched_off && !mustBeTold(catalogue, claimed)) return { state: 'skipped', reason: 'switched_off' }
  if (claimed.suppressed) return { state: 'suppressed', reason: 'address_unusable' }
  if (!provider.address.test(address)) {
    return { state: 'failed', reason: 'bad_address', kind: 'address', tried: false }
  }
  const held = await holdUp(kernel, catalogue, provider, claimed, address)
  if (held) return held
  try {
    const parcel = parcelOf(kernel, catalogue, claimed, address)
    const { providerId } = await provider.send(parcel, claimed.claims > 1)
    breaker.succeeded()
    return { state: 'sent', providerId }
  } catch (error) {
    return refusal(kernel, breaker, claimed, error)
  }
}

/** Quiet hours, holidays, the frequency cap and the provider's limits: when one of them forbids it now, until when. */
async function holdUp(
  kernel: CourierKernel,
  catalogue: Catalogue,
  provider: Provider,
  claimed: store.Claimed,
  address: string,
): Promise<store.Result | undefined> {
  const now = kernel.clock.now()
  const wait = (reason: string, at: Date, counted = false): store.Result => ({
    state: 'queued',
    reason,
    at,
    tried: false,
    counted,
  })
  const policy = catalogue.policy()
  let counted = claimed.counted
  if (!claimed.urgent && provider.rings) {
    const allowed = nextAllowed(policy, now, kernel.config.timeZone)
    if (allowed > now) return wait('quiet_hours', allowed)
    const category = catalogue.typeOf(claimed.type)?.category ?? 'notice'
    const cap = policy.caps[category]
    if (cap && !counted && claimed.user_id !== null) {
      const limit = { limit: cap.limit, seconds: cap.hours * 3600 }
      const free = await takePlace(kernel.db, `cap:${category}:${claimed.user_id}`, now, limit, {
        wholeMinutes: true,
        holder: claimed.message_id,
      })
      if (free) return wait('frequency_cap', free)
      counted = true
    }
  }
  if (provider.pace) {
    const key = provider.pace.per === 'recipient' ? `${provider.lane}:${address}` : provider.lane
    const free = await takePlace(kernel.db, `pace:${key}`, now, provider.pace)
    if (free) return wait('provider_limit', free, counted)
  }
  return undefined
}

/** Whether the person has no say in it. */
function mustBeTold(catalogue: Catalogue, claimed: store.Claimed): boolean {
  const type = catalogue.typeOf(claimed.type)
  return claimed.urgent || (type !== undefined && isMandatory(type))
}

function recipient(kernel: Pick<Kernel, 'config'>, claimed: store.Claimed) {
  const { channel, address_encrypted: bare } = claimed
  const decrypt = (stored: string | null) => (stored === null ? null : readable(kernel, stored))
  const own =
    channel === 'email' ? claimed.email : channel === 'sms' ? decrypt(claimed.phone_encrypted) : claimed.contact
  const address = bare === null ? own : decrypt(bare)
  const key = address === null ? null : suppressionKey(kernel.config, channel, address)
  return { userId: claimed.user_id, address, key }
}

/** Null when the key is gone under which it was stored: one such row must not hold up its lane. */
function readable(kernel: Pick<Kernel, 'config'>, stored: string): string | null {
  try {
    return fieldCipher(kernel.config).decrypt(stored)
  } catch {
    return null
  }
}

function parcelOf(kernel: CourierKernel, catalogue: Catalogue, claimed: store.Claimed, address: string) {
  const { config } = kernel
  const text = textFor(catalogue, claimed)
  const locale = claimed.locale ?? 'zh-CN'
  const parcel = {
    id: claimed.id,
    at: claimed.created_at,
    to: address,
    toName: (claimed.display_name ?? '').replace(/\s+/g, ' ').slice(0, NAME_LENGTH),
    subject: text.subject,
    text: text.body,
    ...(text.template && { template: text.template }),
  }
  if (claimed.channel !== 'email') return parcel
  const unsubscribe = mustBeTold(catalogue, claimed) ? undefined : { url: unsubscribeUrl(config, claimed.id), locale }
  return {
    ...parcel,
    text: withFooter(text.body, unsubscribe),
    html: trackedHtml(config, claimed.id, text.html ?? htmlOf(text.body), unsubscribe),
    unsubscribeUrl: unsubscribe?.url,
  }
}

/** The text by this channel in the person's language; what stands in the inbox where the type is gone or changed its shape. */
function textFor(catalogue: Catalogue, claimed: store.Claimed): ChannelText {
  if (claimed.content) return claimed.content
  const type = catalogue.typeOf(claimed.type)
  const inbox = { subject: claimed.subject ?? '', body: claimed.body ?? '' }
  if (!type) return inbox
  try {
    return catalogue.write(type, claimed.channel, claimed.locale ?? 'zh-CN', claimed.data ?? {})
  } catch {
    return inbox
  }
}

function refusal(kernel: CourierKernel, breaker: Breaker, claimed: store.Claimed, error: unknown): store.Result {
  const reason = error instanceof Error ? error.message : String(error)
  const kind = error instanceof Refused ? error.kind : 'temporary'
  // What speaks against one message says nothing of the provider.
  if (kind === 'temporary' || kind === 'ours') breaker.failed()
  else breaker.succeeded()
  const attempts = claimed.attempts + 1
  const final = isFinal(kind) || attempts >= (kind === 'busy' ? MOST_BUSY_ATTEMPTS : MOST_ATTEMPTS)
  const { id: deliveryId, channel } = claimed
  kernel.log.warn({ deliveryId, channel, attempts, final, kind, reason }, 'a message was not taken')
  if (final) return { state: 'failed', reason, kind, tried: true }
  const pause = pauseMs(kind, attempts, error instanceof Refused ? error.retryAfter : undefined)
  return { state: 'queued', reason, at: new Date(kernel.clock.now().getTime() + pause), tried: true, counted: true }
}

/** 30 s, doubling, up to 2 h (5 min at least when the fault is ours); a quarter more or less, so that what failed together isn't tried together. */
function pauseMs(kind: Refused['kind'], attempts: number, retryAfter: number | undefined): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS)
  if (kind === 'busy') return Math.max((retryAfter ?? 0) * 1000, pause, BUSY_PAUSE_MS) * (1 + Math.random() / 4)
  return Math.max(pause, kind === 'ours' ? OWN_FAULT_PAUSE_MS : 0) * (0.75 + Math.random() / 2)
}
