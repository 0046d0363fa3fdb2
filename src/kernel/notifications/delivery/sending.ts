import type { Kernel } from '../../kernel.ts'
import type { Breaker } from '../providers/breaker.ts'
import { type Provider, type ProviderMessage, Refused, recordable, type Taken } from '../providers/provider.ts'
import type { Catalogue } from '../texts/catalogue.ts'
import { addressFor, isMandatoryFor, messageFor } from './composing.ts'
import { type Claimed, type Done, renew } from './deliveryStore.ts'
import { acquirePace } from './pace.ts'
import { nextAllowed } from './policy.ts'
import { afterRefusal, beforeSending, effectiveKind, isProvidersFault, type Outcome } from './rules.ts'

/** The dependencies of sending. */
export interface Context {
  readonly kernel: Pick<Kernel, 'clock' | 'config' | 'db' | 'log' | 'secrets' | 'transaction'>
  readonly catalogue: Catalogue
}

/** A provider with the state that this process keeps about it. */
export interface Sender {
  readonly provider: Provider
  readonly breaker: Breaker
  /** Outcomes that could not be recorded yet. They are recorded before anything else is sent. */
  unrecorded: readonly Done[]
}

/** A claimed delivery that may be sent, with its address. */
interface Ready {
  readonly claimed: Claimed
  readonly address: string
}

/** The result of sending one message. */
type Answer = Taken | { readonly error: unknown }

const HOUR_MS = 60 * 60_000

/** Decides about claimed deliveries and sends those that may be sent. Returns the outcome of each. */
export async function sendClaimed(
  context: Context,
  sender: Sender,
  claimed: readonly Claimed[],
): Promise<readonly Done[]> {
  const provider = sender.provider.name
  const done: Done[] = []
  const ready: Ready[] = []
  for (const one of claimed) {
    const decided = await decide(context, sender.provider, one)
    if ('address' in decided) ready.push(decided)
    else done.push({ claimed: one, provider, outcome: decided })
  }
  if (ready.length === 0) return done
  const answers = await handOver(context, sender.provider, ready)
  for (const [n, answer] of answers.entries()) {
    const one = ready[n]?.claimed
    if (one) done.push({ claimed: one, provider, outcome: outcomeOf(context, sender, one, answer) })
  }
  return done
}

/** Applies the rules to one delivery, and takes its places under the frequency cap and the provider's rate limit. */
async function decide(context: Context, provider: Provider, claimed: Claimed): Promise<Outcome | Ready> {
  const { kernel, catalogue } = context
  const now = kernel.clock.now()
  const policy = catalogue.policy()
  const address = addressFor(kernel, catalogue, claimed)
  const type = catalogue.typeOf(claimed.type)
  const category = type?.category ?? 'notice'
  const cap = policy.caps[category]
  const quiet = catalogue.channels.delivery(claimed.channel)?.quietHours === true
  const disturbs = !claimed.urgent && quiet && provider.rings
  const verdict = beforeSending({
    openClaims: claimed.open_claims,
    hasAddress: address !== null,
    switchedOff: claimed.switched_off,
    suppressed: claimed.suppressed,
    wellFormed: address !== null && provider.address.test(address),
    disturbs,
    allowedAt: disturbs ? nextAllowed(policy, now, kernel.config.timeZone) : now,
    now,
    underCap: cap !== null && !claimed.counted && claimed.user_id !== null,
  })
  if (verdict.do !== 'send') return verdict
  if (address === null) return { do: 'skip', reason: 'no_address' }
  if (type?.stillTrue && claimed.data && !(await type.stillTrue(kernel.db, claimed.data)))
    return { do: 'skip', reason: 'no_longer_true' }
  if (verdict.capped && cap !== null) {
    const limit = { limit: cap.limit, seconds: cap.hours * 3600 }
    const asked = { wholeMinutes: true, holder: claimed.message_id }
    const free = await acquirePace(kernel.db, `cap:${category}:${claimed.user_id}`, now, limit, asked)
    if (free) return { do: 'wait', reason: 'frequency_cap', at: free, counted: false }
  }
  if (provider.pace) {
    const key = provider.pace.per === 'recipient' ? `${provider.lane}:${address}` : provider.lane
    const free = await acquirePace(kernel.db, `pace:${key}`, now, provider.pace)
    if (free) return { do: 'wait', reason: 'provider_limit', at: free, counted: claimed.counted || verdict.capped }
  }
  return { claimed, address }
}

/**
 * Sends deliveries by their provider and renews their leases meanwhile. Returns the results in the order of the
 * deliveries.
 */
async function handOver(context: Context, provider: Provider, ready: readonly Ready[]): Promise<readonly Answer[]> {
  const { kernel, catalogue } = context
  const leaseMs = kernel.config.deliveryLeaseSeconds * 1000
  // Errors are ignored: if the database can't be reached, recording the outcome fails and reports it.
  const renewAll = () => {
    for (const { claimed } of ready) void renew(kernel.db, claimed, kernel.clock.now(), leaseMs).catch(() => {})
  }
  const renewing = setInterval(renewAll, leaseMs / 3).unref()
  const compose = ({ claimed, address }: Ready) => messageFor(kernel, catalogue, claimed, address)
  const isRepeat = ({ claimed }: Ready) => claimed.open_claims > 1 || claimed.unheard
  try {
    if (provider.several && ready.length > 1 && !ready.some(isRepeat)) {
      return await handOverTogether(provider.several, ready, compose)
    }
    const answers: Answer[] = []
    for (const one of ready) {
      try {
        answers.push(await provider.send(compose(one), isRepeat(one)))
      } catch (error) {
        answers.push({ error })
      }
    }
    return answers
  } finally {
    clearInterval(renewing)
  }
}

async function handOverTogether(
  several: NonNullable<Provider['several']>,
  ready: readonly Ready[],
  compose: (one: Ready) => ProviderMessage,
): Promise<readonly Answer[]> {
  try {
    const answers = await several.send(ready.map(compose))
    return ready.map((_, n) => {
      const answer = answers[n] ?? new Refused('no answer for this message', 'unheard')
      return answer instanceof Refused ? { error: answer } : answer
    })
  } catch (error) {
    return ready.map(() => ({ error }))
  }
}

/** Derives the outcome of a delivery from the provider's answer, and tells the breaker. */
function outcomeOf(context: Context, { provider, breaker }: Sender, claimed: Claimed, answer: Answer): Outcome {
  if ('providerId' in answer) {
    breaker.succeeded()
    return { do: 'sent', providerId: recordable(answer.providerId) }
  }
  const { kernel, catalogue } = context
  const { error } = answer
  const reason = recordable(error instanceof Error ? error.message : String(error))
  const refusal = error instanceof Refused ? error : undefined
  const knowsRepeats = provider.knowsRepeats === true
  const kind = effectiveKind({ kind: refusal?.kind ?? 'temporary', knowsRepeats })
  if (isProvidersFault(kind)) breaker.failed()
  else breaker.succeeded()
  const now = kernel.clock.now()
  const failingMs = Math.max(now.getTime() - (claimed.failing_since ?? now).getTime(), 0)
  const typeGoodFor = catalogue.typeOf(claimed.type)?.goodForHours ?? Number.POSITIVE_INFINITY
  const channelGoodFor = catalogue.channels.delivery(claimed.channel)?.goodForHours ?? Number.POSITIVE_INFINITY
  const outcome = afterRefusal({
    kind,
    reason,
    retryAfter: refusal?.retryAfter,
    unansweredBefore: claimed.unheard,
    failingMs,
    goodForMs: Math.min(typeGoodFor, channelGoodFor) * HOUR_MS,
    mandatory: isMandatoryFor(catalogue, claimed),
    now,
    random: Math.random(),
  })
  const final = outcome.do !== 'tryAgain'
  const { id: deliveryId, channel, attempts } = claimed
  kernel.log.warn({ deliveryId, channel, attempts: attempts + 1, final, kind, reason }, 'a message was not accepted')
  return outcome
}
