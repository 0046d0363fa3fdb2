import { isPermanentRefusal } from '../../database/constraints.ts'
import { repeat } from '../../jobs/repeat.ts'
import type { Kernel } from '../../kernel.ts'
import { type Breaker, createBreaker } from '../providers/breaker.ts'
import { isFinal, type Provider, Refused, recordable } from '../providers/provider.ts'
import type { Catalogue, ChannelText } from '../texts/catalogue.ts'
import { type Delivered, isMandatory } from '../texts/types.ts'
import * as store from './deliveryStore.ts'
import { acquirePace } from './pace.ts'
import { nextAllowed } from './policy.ts'
import { maskAddress, suppress, suppressionKey } from './suppressions.ts'
import { htmlOf, trackedHtml, unsubscribeUrl, withFooter } from './tracking.ts'

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

type CourierKernel = Pick<Kernel, 'clock' | 'config' | 'db' | 'log' | 'secrets' | 'transaction'>

const HOUR_MS = 60 * 60_000
/** After so long in vain it is given up. Who reads a text a day later is misled rather than told. */
const LONGEST_TRYING_MS: Readonly<Record<Delivered, number>> = {
  email: 72 * HOUR_MS,
  sms: 24 * HOUR_MS,
  im: 24 * HOUR_MS,
}
/** Who has to know is told another way after so long, where there is one. */
const OVERDUE_MS = HOUR_MS
/** What ends its process again and again, or can't be recorded, is not handed over more often than this. */
const MOST_OPEN_CLAIMS = 5
/** Processes of one site may differ for so long in what they are configured to send by. */
const STRANDED_MS = HOUR_MS
const POLL_MS = 1000
const FIRST_PAUSE_MS = 30_000
const LONGEST_PAUSE_MS = 2 * HOUR_MS
const BUSY_PAUSE_MS = 60_000
const LONGEST_BUSY_PAUSE_MS = 24 * HOUR_MS
const OWN_FAULT_PAUSE_MS = 5 * 60_000
const NAME_LENGTH = 100
/** In which order the channels are fallen back on: what costs nothing first. */
const FALLBACK = ['im', 'email', 'sms'] as const

/** What came of a claimed delivery. */
interface Done {
  readonly claimed: store.Claimed
  readonly result: store.Result
}

/** A provider with what this process remembers of it. */
interface Lane {
  readonly provider: Provider
  readonly breaker: Breaker
  /** What could not be recorded when it was done: it comes before anything else is sent. */
  readonly unrecorded: Done[]
}

/**
 * Builds the courier. A delivery is claimed (committed), sent outside of any transaction, and its result recorded, in the statement that
 * claims the next one. One at a time in a process and lane: a kill between the acceptance by the other side and our record repeats at most
 * that one message.
 */
export function createCourier(kernel: CourierKernel, { catalogue, providers }: CourierOptions): Courier {
  const leaseMs = kernel.config.deliveryLeaseSeconds * 1000
  let stopping = false
  const lanes = providers.map(
    (provider): Lane => ({
      provider,
      breaker: createBreaker(kernel.clock),
      unrecorded: [],
    }),
  )

  /** Sends what is due in a lane; answers how many were tried. */
  const work = async (lane: Lane): Promise<number> => {
    let tries = 0
    let done = lane.unrecorded.shift()
    for (;;) {
      const claimed = await recordAndClaim(lane, done)
      if (!claimed) return tries
      const result = await makeDelivery(kernel, catalogue, lane, claimed)
      if (result.state !== 'queued' || result.tried) tries += 1
      done = { claimed, result }
    }
  }

  /** Records what is done and takes the next delivery, in one statement where it can; none while the lane rests. */
  const recordAndClaim = async (lane: Lane, done: Done | undefined): Promise<store.Claimed | undefined> => {
    const { provider, breaker } = lane
    const now = kernel.clock.now()
    const resting = stopping || breaker.openUntil() !== undefined
    try {
      if (done) {
        const { claimed, result } = done
        if (needsAnotherWay(result)) await giveUp(claimed, provider.name, result, now)
        else if (resting) await store.settle(kernel.db, claimed, provider.name, result, now)
        else return await store.settleAndClaim(kernel.db, claimed, provider.name, result, provider.lane, now, leaseMs)
      }
    } catch (error) {
      // What the database refuses for itself would hold up the lane for ever: it is claimed anew, a few times.
      if (done && !isPermanentRefusal(error)) lane.unrecorded.push(done)
      throw error
    }
    return resting ? undefined : await store.claim(kernel.db, provider.lane, now, leaseMs)
  }

  /** Records that a message can't be delivered this way, keeps its address from being tried again, and takes the next way. */
  const giveUp = async (claimed: store.Claimed, provider: string, result: store.Result, now: Date): Promise<void> => {
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
      if (!(await store.settle(tx, claimed, provider, result, now))) return
      if (result.state === 'failed' && result.kind === 'address' && address !== null && key !== null) {
        const entry = { channel: claimed.channel, key, masked: maskAddress(address), reason: result.reason, userId }
        await suppress(tx, entry, now)
      }
      // What may have arrived is not said again another way.
      const mayHaveArrived = result.state === 'failed' ? result.kind === 'unheard' : claimed.unheard
      if (claimed.message_id === null || claimed.chosen || mayHaveArrived) return
      const lane = await store.fallBack(tx, claimed, ways, mandatory, now)
      if (lane !== undefined && result.state === 'queued') await store.abandon(tx, claimed)
    })
  }

  /** Ends what waits for a lane that is not configured (any more), so that it doesn't leave in bulk when it is again. */
  const skipStranded = async (): Promise<void> => {
    const known = providers.map(({ lane }) => lane)
    while (!stopping) {
      const now = kernel.clock.now()
      const due = new Date(now.getTime() - STRANDED_MS)
      const claimed = await store.claimStranded(kernel.db, known, due, now, leaseMs)
      if (!claimed) return
      await giveUp(claimed, claimed.lane, { state: 'skipped', reason: 'not_configured' }, now)
    }
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
  const sweep = repeat({
    name: 'looking for deliveries without a way',
    log: kernel.log,
    everyMs: HOUR_MS,
    run: async () => {
      await skipStranded()
      return HOUR_MS
    },
  })

  /** Gives what could not be recorded one more chance: who takes it over would send it again. */
  const recordTheRest = async (lane: Lane): Promise<void> => {
    for (let done = lane.unrecorded.shift(); done; done = lane.unrecorded.shift()) await recordAndClaim(lane, done)
  }

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
        for (const lane of lanes) await recordTheRest(lane)
      } catch (err) {
        kernel.log.warn({ err }, 'a result could not be recorded while stopping; that message may leave twice')
      }
    },
    async drain() {
      await skipStranded()
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

function needsAnotherWay(result: store.Result): boolean {
  return (
    result.state === 'failed' || result.state === 'suppressed' || (result.state === 'queued' && result.overdue === true)
  )
}

/** Decides about one delivery, and makes it when nothing speaks against that. */
async function makeDelivery(
  kernel: CourierKernel,
  catalogue: Catalogue,
  lane: Lane,
  claimed: store.Claimed,
): Promise<store.Result> {
  const { provider, breaker } = lane
  if (claimed.open_claims > MOST_OPEN_CLAIMS) {
    return { state: 'failed', reason: 'no_result', kind: 'unheard', tried: false }
  }
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
  const leaseMs = kernel.config.deliveryLeaseSeconds * 1000
  // As long as the other side takes. Where the database can't be reached the record that follows says so.
  const renew = () => void store.renew(kernel.db, claimed, kernel.clock.now(), leaseMs).catch(() => {})
  const renewing = setInterval(renew, leaseMs / 3).unref()
  try {
    const parcel = parcelOf(kernel, catalogue, claimed, address)
    const { providerId } = await provider.send(parcel, claimed.open_claims > 1 || claimed.unheard)
    breaker.succeeded()
    return { state: 'sent', providerId: recordable(providerId) }
  } catch (error) {
    return refusal(kernel, catalogue, lane, claimed, error)
  } finally {
    clearInterval(renewing)
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
      const free = await acquirePace(kernel.db, `cap:${category}:${claimed.user_id}`, now, limit, {
        wholeMinutes: true,
        holder: claimed.message_id,
      })
      if (free) return wait('frequency_cap', free)
      counted = true
    }
  }
  if (provider.pace) {
    const key = provider.pace.per === 'recipient' ? `${provider.lane}:${address}` : provider.lane
    const free = await acquirePace(kernel.db, `pace:${key}`, now, provider.pace)
    if (free) return wait('provider_limit', free, counted)
  }
  return undefined
}

/** Whether the person has no say in it. */
function mustBeTold(catalogue: Catalogue, claimed: store.Claimed): boolean {
  const type = catalogue.typeOf(claimed.type)
  return claimed.urgent || (type !== undefined && isMandatory(type))
}

function recipient(kernel: Pick<Kernel, 'secrets'>, claimed: store.Claimed) {
  const { channel, address_encrypted: bare } = claimed
  const decrypt = (stored: string | null) => (stored === null ? null : readable(kernel, stored))
  const own =
    channel === 'email' ? claimed.email : channel === 'sms' ? decrypt(claimed.phone_encrypted) : claimed.contact
  const address = bare === null ? own : decrypt(bare)
  const key = address === null ? null : suppressionKey(kernel.secrets.cipher, channel, address)
  return { userId: claimed.user_id, address, key }
}

/** Null when the key is gone under which it was stored: one such row must not hold up its lane. */
function readable(kernel: Pick<Kernel, 'secrets'>, stored: string): string | null {
  try {
    return kernel.secrets.cipher.decrypt(stored)
  } catch {
    return null
  }
}

function parcelOf(kernel: CourierKernel, catalogue: Catalogue, claimed: store.Claimed, address: string) {
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
  const unsubscribe = mustBeTold(catalogue, claimed) ? undefined : { url: unsubscribeUrl(kernel, claimed.id), locale }
  return {
    ...parcel,
    text: withFooter(text.body, unsubscribe),
    html: trackedHtml(kernel, claimed.id, text.html ?? htmlOf(text.body), unsubscribe),
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

function refusal(
  kernel: CourierKernel,
  catalogue: Catalogue,
  { provider, breaker }: Lane,
  claimed: store.Claimed,
  error: unknown,
): store.Result {
  const reason = recordable(error instanceof Error ? error.message : String(error))
  const said = error instanceof Refused ? error.kind : 'temporary'
  const kind = said === 'unheard' && provider.knowsRepeats ? 'temporary' : said
  // What speaks against one message says nothing of the provider.
  if (kind === 'temporary' || kind === 'ours' || kind === 'unheard') breaker.failed()
  else breaker.succeeded()
  const now = kernel.clock.now().getTime()
  const failingMs = Math.max(now - (claimed.failing_since?.getTime() ?? now), 0)
  const goodForMs = (catalogue.typeOf(claimed.type)?.goodForHours ?? Number.POSITIVE_INFINITY) * HOUR_MS
  const tooLong = failingMs >= Math.min(LONGEST_TRYING_MS[claimed.channel], goodForMs)
  const final = isFinal(kind) || tooLong || (kind === 'unheard' && claimed.unheard)
  const { id: deliveryId, channel, attempts } = claimed
  kernel.log.warn({ deliveryId, channel, attempts: attempts + 1, final, kind, reason }, 'a message was not taken')
  // Given up for its age, it may still have arrived when nobody answered.
  if (final) return { state: 'failed', reason, kind: claimed.unheard && !isFinal(kind) ? 'unheard' : kind, tried: true }
  const pause = pauseMs(kind, failingMs, error instanceof Refused ? error.retryAfter : undefined)
  const unheard = kind === 'unheard'
  const overdue = failingMs >= OVERDUE_MS && !claimed.unheard && !unheard && mustBeTold(catalogue, claimed)
  return { state: 'queued', reason, at: new Date(now + pause), tried: true, counted: true, unheard, overdue }
}

/**
 * As long again as it has been failing, 30 s to 2 h (5 min at least when the fault is ours); a quarter more or less, so that what failed
 * together isn't tried together.
 */
function pauseMs(kind: Refused['kind'], failingMs: number, retryAfter: number | undefined): number {
  const pause = Math.min(Math.max(failingMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
  if (kind === 'busy') {
    const asked = Math.min((retryAfter ?? 0) * 1000, LONGEST_BUSY_PAUSE_MS)
    return Math.max(asked, pause, BUSY_PAUSE_MS) * (1 + Math.random() / 4)
  }
  return Math.max(pause, kind === 'ours' ? OWN_FAULT_PAUSE_MS : 0) * (0.75 + Math.random() / 2)
}
