import { isPermanentRefusal } from '../../database/constraints.ts'
import { repeat } from '../../jobs/repeat.ts'
import { maskAddress } from '../channels.ts'
import { createBreaker } from '../providers/breaker.ts'
import { type Provider, providerFor } from '../providers/provider.ts'
import type { Catalogue } from '../texts/catalogue.ts'
import { addressFor, isMandatoryFor } from './composing.ts'
import * as store from './deliveryStore.ts'
import { nextAllowed } from './policy.ts'
import { endsChannel, fallbackChannels } from './rules.ts'
import { type Context, type Sender, sendClaimed } from './sending.ts'
import { suppress } from './suppressions.ts'

/** Sends the deliveries that the relay queued. */
export interface Courier {
  nudge(): void
  /** Sends deliveries that are due, every second until `stop`. Any number of processes may do so. */
  start(): void
  /** Stops, after the deliveries in progress. */
  stop(): Promise<void>
  /** Sends all deliveries that are due. Returns the number of tries. */
  drain(): Promise<number>
}

export interface CourierOptions {
  readonly catalogue: Catalogue
  readonly providers: readonly Provider[]
}

const HOUR_MS = 60 * 60_000
/**
 * A delivery without a provider in this process is ended this long after it was due. Until then another process may
 * have the provider: during an update the processes of a site can be configured differently.
 */
const PROVIDERS_MAY_DIFFER_MS = HOUR_MS
const POLL_MS = 1000

/**
 * Builds the courier. It claims a delivery (committed), decides about it (`rules.ts`), sends it outside any
 * transaction, and records the outcome in the statement that claims the next delivery. Each process sends one delivery
 * at a time per lane, unless the provider takes several: a kill between the provider's acceptance and our record
 * repeats at most those.
 */
export function createCourier(kernel: Context['kernel'], { catalogue, providers }: CourierOptions): Courier {
  const context: Context = { kernel, catalogue }
  let stopping = false
  const senders = providers.map(
    (provider): Sender => ({ provider, breaker: createBreaker(kernel.clock), unrecorded: [] }),
  )

  const loops = senders.map((sender) =>
    repeat({
      name: `delivery by ${sender.provider.name}`,
      log: kernel.log,
      everyMs: POLL_MS,
      run: async () => {
        await sendDue(context, providers, sender, () => stopping)
        return POLL_MS
      },
    }),
  )
  const sweep = repeat({
    name: 'looking for deliveries without a provider',
    log: kernel.log,
    everyMs: HOUR_MS,
    run: async () => {
      await skipWithoutProvider(context, providers, () => stopping)
      return HOUR_MS
    },
  })

  return {
    nudge: () => {
      for (const loop of loops) loop.nudge()
    },
    start() {
      stopping = false
      for (const loop of [...loops, sweep]) loop.start()
    },
    async stop() {
      stopping = true
      await Promise.all([...loops, sweep].map((loop) => loop.stop()))
      try {
        // The last chance to record outcomes: another process would send unrecorded deliveries again.
        for (const sender of senders) await sendDue(context, providers, sender, () => stopping)
      } catch (err) {
        kernel.log.warn({ err }, 'an outcome could not be recorded while stopping; its message may be sent twice')
      }
    },
    async drain() {
      await skipWithoutProvider(context, providers, () => stopping)
      let total = 0
      for (;;) {
        let tries = 0
        for (const sender of senders) tries += await sendDue(context, providers, sender, () => stopping)
        if (tries === 0) return total
        total += tries
      }
    },
  }
}

type IsStopping = () => boolean

/** Sends the due deliveries of a provider. Returns the number of tries. While stopping, it only records outcomes. */
async function sendDue(
  context: Context,
  providers: readonly Provider[],
  sender: Sender,
  isStopping: IsStopping,
): Promise<number> {
  let tries = 0
  let done: readonly store.Done[] = sender.unrecorded
  sender.unrecorded = []
  for (;;) {
    const claimed = await recordAndClaim(context, providers, sender, done, isStopping())
    if (claimed.length === 0) return tries
    done = await sendClaimed(context, sender, claimed)
    tries += done.filter(({ outcome }) => outcome.do !== 'wait').length
  }
}

/**
 * Records outcomes and claims the next deliveries, in one statement where possible. Claims none while stopping or while
 * the breaker is open.
 */
async function recordAndClaim(
  context: Context,
  providers: readonly Provider[],
  sender: Sender,
  done: readonly store.Done[],
  stopping: boolean,
): Promise<readonly store.Claimed[]> {
  const { kernel, catalogue } = context
  const { provider, breaker } = sender
  const now = kernel.clock.now()
  const leaseMs = kernel.config.deliveryLeaseSeconds * 1000
  const next = { site: catalogue, lane: provider.lane, now, leaseMs, limit: provider.several?.most ?? 1 }
  const resting = stopping || breaker.openUntil() !== undefined
  for (const [n, one] of done.entries()) {
    const isLast = n === done.length - 1
    try {
      if (endsChannel(one.outcome)) await giveUp(context, providers, one, now)
      else if (resting || !isLast) await store.recordOutcome(kernel.db, one, now)
      else return await store.recordAndClaim(kernel.db, one, next)
    } catch (error) {
      // An outcome that the database refuses is dropped: it would block the provider. The delivery is claimed again
      // later.
      sender.unrecorded = done.slice(isPermanentRefusal(error) ? n + 1 : n)
      throw error
    }
  }
  return resting ? [] : await store.claim(kernel.db, next)
}

/** Records an outcome that `endsChannel`, suppresses a bad address, and adds a delivery by a fallback channel. */
async function giveUp(context: Context, providers: readonly Provider[], done: store.Done, now: Date): Promise<void> {
  const { kernel, catalogue } = context
  const { claimed, outcome } = done
  const { channels } = catalogue
  const address = addressFor(kernel, catalogue, claimed)
  const channel = channels.delivery(claimed.channel)
  const mandatory = isMandatoryFor(catalogue, claimed)
  const fallbacks = fallbacksOf(context, providers, done, mandatory, now)
  await kernel.transaction(async (tx) => {
    if (!(await store.recordOutcome(tx, done, now))) return
    if (outcome.do === 'fail' && outcome.badAddress && address !== null && channel) {
      const key = channel.keyOf(kernel.secrets.cipher, address)
      const { reason } = outcome
      await suppress(
        tx,
        { channel: channel.key, key, masked: maskAddress(address), reason, userId: claimed.user_id },
        now,
      )
    }
    const taken = fallbacks.length > 0 && (await store.fallBack(tx, channels, claimed, fallbacks, mandatory, now))
    if (taken && outcome.do === 'tryAgain') await store.abandon(tx, claimed)
  })
}

/** The channels that may take over a delivery, with the earliest instant of each. */
function fallbacksOf(
  { kernel, catalogue }: Context,
  providers: readonly Provider[],
  { claimed, outcome }: store.Done,
  mandatory: boolean,
  now: Date,
): readonly store.FallbackChannel[] {
  const { delivered, delivery } = catalogue.channels
  const keys = fallbackChannels({
    outcome,
    channel: claimed.channel,
    hasMessage: claimed.message_id !== null,
    chosen: claimed.chosen === true,
    unansweredBefore: claimed.unheard,
    mandatory,
    candidates: delivered.map((channel) => ({
      ...channel.fallback,
      channel: channel.key,
      configured: providerFor(channel, providers) !== undefined,
    })),
  })
  const allowed = claimed.urgent ? now : nextAllowed(catalogue.policy(), now, kernel.config.timeZone)
  return keys.flatMap((key) => {
    const channel = delivery(key)
    if (!channel) return []
    const waits = channel.quietHours && providerFor(channel, providers)?.rings
    return [{ key, lane: channel.lane, allowed: waits ? allowed : now }]
  })
}

/** Ends deliveries whose provider is not configured any more, so that they are not sent in bulk once it is again. */
async function skipWithoutProvider(
  context: Context,
  providers: readonly Provider[],
  isStopping: IsStopping,
): Promise<void> {
  const { kernel, catalogue } = context
  const lanes = providers.map(({ lane }) => lane)
  const leaseMs = kernel.config.deliveryLeaseSeconds * 1000
  while (!isStopping()) {
    const now = kernel.clock.now()
    const when = { due: new Date(now.getTime() - PROVIDERS_MAY_DIFFER_MS), now, leaseMs }
    const claimed = await store.claimWithoutProvider(kernel.db, catalogue, lanes, when)
    if (!claimed) return
    const outcome = { do: 'skip', reason: 'not_configured' } as const
    await giveUp(context, providers, { claimed, provider: claimed.lane, outcome }, now)
  }
}
