import { isFinal, type RefusalKind } from '../providers/provider.ts'

/**
 * The rules for deliveries, as pure functions without database or clock. `sending.ts` gathers the facts and carries out
 * the decisions.
 */

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/**
 * A delivery is not sent any more after this many claims without a recorded outcome: it may be what ends the process.
 */
const MOST_OPEN_CLAIMS = 5
/** After failing for this long a mandatory message takes another channel, if one is possible. */
const OVERDUE_MS = HOUR_MS
const FIRST_PAUSE_MS = 30 * SECOND_MS
const LONGEST_PAUSE_MS = 2 * HOUR_MS
const BUSY_PAUSE_MS = MINUTE_MS
const LONGEST_BUSY_PAUSE_MS = 24 * HOUR_MS
const OWN_FAULT_PAUSE_MS = 5 * MINUTE_MS

/** Send it now. `capped`: it needs a place under the frequency cap first. */
interface Send {
  readonly do: 'send'
  readonly capped: boolean
}

/** It was not tried and has to wait until `at`. `counted`: it already counts towards the frequency cap. */
interface Wait {
  readonly do: 'wait'
  readonly reason: 'quiet_hours' | 'frequency_cap' | 'provider_limit'
  readonly at: Date
  readonly counted: boolean
}

/** It was tried without success and is tried again at `at`. */
interface TryAgain {
  readonly do: 'tryAgain'
  readonly reason: string
  readonly at: Date
  /** There was no answer: it may have arrived. */
  readonly unanswered: boolean
  /** Another channel takes over if one is possible; otherwise it is tried again. */
  readonly overdue: boolean
}

/** It is not sent, and that is no failure. */
interface Skip {
  readonly do: 'skip'
  readonly reason: 'no_address' | 'switched_off' | 'not_configured' | 'no_longer_true'
}

/** It is not sent, because its address is on the suppression list. */
interface Suppress {
  readonly do: 'suppress'
  readonly reason: 'address_unusable'
}

/** It did not arrive and never will by this channel. `badAddress`: the address is added to the suppression list. */
interface Fail {
  readonly do: 'fail'
  readonly reason: string
  readonly badAddress: boolean
  readonly tried: boolean
}

/** It may have arrived, so it is not repeated automatically: an administrator may retry it as a failed delivery. */
interface AskPerson {
  readonly do: 'askPerson'
  readonly reason: string
  readonly tried: boolean
}

/** The provider accepted it. */
export interface Sent {
  readonly do: 'sent'
  readonly providerId: string
}

/** The outcome of a claimed delivery, as recorded. */
export type Outcome = Sent | Wait | TryAgain | Skip | Suppress | Fail | AskPerson

export interface FactsBeforeSending {
  /** Number of claims without a recorded outcome, this one included. */
  readonly openClaims: number
  /** False when the address was deleted or can't be decrypted. */
  readonly hasAddress: boolean
  /** The person has switched the type off for this channel (and may do so). */
  readonly switchedOff: boolean
  readonly suppressed: boolean
  /** The address matches the pattern of the provider. */
  readonly wellFormed: boolean
  /** Quiet hours and caps apply: it is not urgent, its channel keeps them and its provider rings. */
  readonly disturbs: boolean
  /** The first instant from `now` on that is outside quiet hours and holidays. */
  readonly allowedAt: Date
  readonly now: Date
  /** A frequency cap applies to the person and type, and the delivery has no place under it yet. */
  readonly underCap: boolean
}

/** Decides about a due delivery before it is sent. */
export function beforeSending(facts: FactsBeforeSending): Send | Outcome {
  if (facts.openClaims > MOST_OPEN_CLAIMS) return { do: 'askPerson', reason: 'no_result', tried: false }
  if (!facts.hasAddress) return { do: 'skip', reason: 'no_address' }
  if (facts.switchedOff) return { do: 'skip', reason: 'switched_off' }
  if (facts.suppressed) return { do: 'suppress', reason: 'address_unusable' }
  if (!facts.wellFormed) return { do: 'fail', reason: 'bad_address', badAddress: true, tried: false }
  if (facts.disturbs && facts.allowedAt > facts.now) {
    return { do: 'wait', reason: 'quiet_hours', at: facts.allowedAt, counted: false }
  }
  return { do: 'send', capped: facts.disturbs && facts.underCap }
}

export interface FactsAfterRefusal {
  /** See `effectiveKind`. */
  readonly kind: RefusalKind
  readonly reason: string
  /** Seconds that the provider asked us to wait. */
  readonly retryAfter: number | undefined
  /** An earlier try got no answer either. */
  readonly unansweredBefore: boolean
  /** Milliseconds since the first failed try; 0 for the first. */
  readonly failingMs: number
  /** Milliseconds after which it is given up. */
  readonly goodForMs: number
  /** The message can't be switched off. */
  readonly mandatory: boolean
  readonly now: Date
  /** From 0 to 1; spreads the retries of deliveries that failed together. */
  readonly random: number
}

/** Decides about a delivery that its provider did not accept. */
export function afterRefusal(facts: FactsAfterRefusal): TryAgain | Fail | AskPerson {
  const { kind, reason, failingMs, unansweredBefore } = facts
  const unanswered = kind === 'unheard'
  if (isFinal(kind)) return { do: 'fail', reason, badAddress: kind === 'address', tried: true }
  if (unanswered && unansweredBefore) return { do: 'askPerson', reason, tried: true }
  if (failingMs >= facts.goodForMs) {
    if (unanswered || unansweredBefore) return { do: 'askPerson', reason, tried: true }
    return { do: 'fail', reason, badAddress: false, tried: true }
  }
  const overdue = failingMs >= OVERDUE_MS && facts.mandatory && !unanswered && !unansweredBefore
  const at = new Date(facts.now.getTime() + pauseMs(facts))
  return { do: 'tryAgain', reason, at, unanswered, overdue }
}

/** The kind to decide by: if the provider recognises repeats, a missing answer is like any other temporary fault. */
export function effectiveKind(of: { readonly kind: RefusalKind; readonly knowsRepeats: boolean }): RefusalKind {
  const { kind, knowsRepeats } = of
  return kind === 'unheard' && knowsRepeats ? 'temporary' : kind
}

/** Whether the fault is with the provider or our account, not with this one message. */
export function isProvidersFault(kind: RefusalKind): boolean {
  return kind === 'temporary' || kind === 'ours' || kind === 'unheard'
}

/**
 * The pause before the next try, in milliseconds: as long as it has been failing, 30 s to 2 h (at least 5 min when the
 * fault is ours), ± 25 %, so that deliveries that failed together are not retried together. For a busy provider: at
 * least a minute and as long as it asks (up to 24 h), + 0–25 %.
 */
function pauseMs({ kind, failingMs, retryAfter = 0, random }: FactsAfterRefusal): number {
  const pause = Math.min(Math.max(failingMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
  if (kind === 'busy') {
    const asked = Math.min(retryAfter * SECOND_MS, LONGEST_BUSY_PAUSE_MS)
    return Math.max(asked, pause, BUSY_PAUSE_MS) * (1 + random / 4)
  }
  return Math.max(pause, kind === 'ours' ? OWN_FAULT_PAUSE_MS : 0) * (0.75 + random / 2)
}

/**
 * Whether an outcome ends the delivery by its channel, so that an address may be suppressed and another channel tried.
 */
export function endsChannel(outcome: Outcome): boolean {
  const ends = outcome.do === 'fail' || outcome.do === 'askPerson' || outcome.do === 'suppress'
  return ends || (outcome.do === 'tryAgain' && outcome.overdue)
}

export interface FactsOfFallback {
  readonly outcome: Outcome
  /** The channel by which it could not be delivered. */
  readonly channel: string
  /** It belongs to a message; otherwise it goes to a bare address. */
  readonly hasMessage: boolean
  /** Its sender chose the channels. */
  readonly chosen: boolean
  /** An earlier try got no answer. */
  readonly unansweredBefore: boolean
  readonly mandatory: boolean
  readonly candidates: readonly Candidate[]
}

interface Candidate {
  readonly channel: string
  /** A provider is configured. */
  readonly configured: boolean
  readonly place: number
  readonly mandatoryOnly: boolean
}

/**
 * The channels that may take over a delivery that `endsChannel`, the best first. None if the message may have arrived:
 * a missed message is better than a repeated one. The database decides for which of them the person has an address and
 * has not switched it off.
 */
export function fallbackChannels(facts: FactsOfFallback): readonly string[] {
  const { outcome, mandatory } = facts
  const failed = outcome.do === 'fail'
  const mayHaveArrived = outcome.do === 'askPerson' || (!failed && facts.unansweredBefore)
  if (!facts.hasMessage || facts.chosen || mayHaveArrived) return []
  return facts.candidates
    .filter(({ channel, configured, mandatoryOnly }) => {
      return configured && channel !== facts.channel && (mandatory || !mandatoryOnly)
    })
    .toSorted((a, b) => a.place - b.place)
    .map(({ channel }) => channel)
}
