import { isFinal, type RefusalKind } from '../providers/provider.ts'

/**
 * What is decided about deliveries: facts in, verdict out. No database, no clock of its own; `sending.ts` gathers the facts and carries the
 * verdicts out.
 */

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** A delivery that ended its process so often without a record is handed over no more. */
const MOST_OPEN_CLAIMS = 5
/** After so long without success a mandatory message takes another channel, where one is possible. */
const OVERDUE_MS = HOUR_MS
const FIRST_PAUSE_MS = 30 * SECOND_MS
const LONGEST_PAUSE_MS = 2 * HOUR_MS
const BUSY_PAUSE_MS = MINUTE_MS
const LONGEST_BUSY_PAUSE_MS = 24 * HOUR_MS
const OWN_FAULT_PAUSE_MS = 5 * MINUTE_MS

/** Send it now. `capped`: it first needs a place under the frequency cap. */
interface Send {
  readonly do: 'send'
  readonly capped: boolean
}

/** It was not tried: not before `at`. `counted`: it has its place under the frequency cap. */
interface Wait {
  readonly do: 'wait'
  readonly reason: 'quiet_hours' | 'frequency_cap' | 'provider_limit'
  readonly at: Date
  readonly counted: boolean
}

/** It was tried in vain: again at `at`. */
interface TryAgain {
  readonly do: 'tryAgain'
  readonly reason: string
  readonly at: Date
  /** Nobody answered: it may have arrived. */
  readonly unanswered: boolean
  /** Another channel takes over, where one is possible; else it is tried again. */
  readonly overdue: boolean
}

/** Nothing to do any more. */
interface Skip {
  readonly do: 'skip'
  readonly reason: 'no_address' | 'switched_off' | 'not_configured'
}

/** Its address is on the suppression list. */
interface Suppress {
  readonly do: 'suppress'
  readonly reason: 'address_unusable'
}

/** It did not arrive and never will by this channel. `badAddress`: the address goes on the suppression list. */
interface Fail {
  readonly do: 'fail'
  readonly reason: string
  readonly badAddress: boolean
  readonly tried: boolean
}

/** It may have arrived and must not leave again by itself: a person finds it among the failed ones and may have it sent again. */
interface AskPerson {
  readonly do: 'askPerson'
  readonly reason: string
  readonly tried: boolean
}

/** The provider took it. */
export interface Sent {
  readonly do: 'sent'
  readonly providerId: string
}

/** What became of a claimed delivery, as it is recorded. */
export type Outcome = Sent | Wait | TryAgain | Skip | Suppress | Fail | AskPerson

export interface FactsBeforeSending {
  /** Claims without a recorded result, this one included. */
  readonly openClaims: number
  /** None: the address was deleted, or its key is gone. */
  readonly hasAddress: boolean
  /** The person does not want it by this channel, and may say so. */
  readonly switchedOff: boolean
  readonly suppressed: boolean
  /** The provider can take such an address. */
  readonly wellFormed: boolean
  /** It is not urgent, its channel keeps quiet hours and its provider rings. */
  readonly disturbs: boolean
  /** The first instant from `now` on at which somebody may be disturbed. */
  readonly allowedAt: Date
  readonly now: Date
  /** There is a frequency cap for the person and type under which it has no place yet. */
  readonly underCap: boolean
}

/** Decides about a delivery that is due, before it is handed over. */
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
  /** Seconds the other side asked us to wait. */
  readonly retryAfter: number | undefined
  /** An earlier try got no answer either. */
  readonly unansweredBefore: boolean
  /** How long it has been failing; 0 the first time. */
  readonly failingMs: number
  /** How long it is worth trying. */
  readonly goodForMs: number
  /** The person must be told. */
  readonly mandatory: boolean
  readonly now: Date
  /** From 0 to 1: spreads what failed together. */
  readonly random: number
}

/** Decides about a delivery that its provider did not take. */
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

/** Where the provider recognises repeated messages, an answer that did not come is like any other fault that may pass. */
export function effectiveKind(of: { readonly kind: RefusalKind; readonly knowsRepeats: boolean }): RefusalKind {
  const { kind, knowsRepeats } = of
  return kind === 'unheard' && knowsRepeats ? 'temporary' : kind
}

/** Whether a refusal says that the provider or our account there has a fault, and not this one message. */
export function isProvidersFault(kind: RefusalKind): boolean {
  return kind === 'temporary' || kind === 'ours' || kind === 'unheard'
}

/**
 * As long again as it has been failing, 30 s to 2 h (5 min at least when the fault is ours); a quarter more or less, so that what failed
 * together is not tried together. Busy providers: a minute at least, or as long as they ask, and up to a quarter more.
 */
function pauseMs({ kind, failingMs, retryAfter = 0, random }: FactsAfterRefusal): number {
  const pause = Math.min(Math.max(failingMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
  if (kind === 'busy') {
    const asked = Math.min(retryAfter * SECOND_MS, LONGEST_BUSY_PAUSE_MS)
    return Math.max(asked, pause, BUSY_PAUSE_MS) * (1 + random / 4)
  }
  return Math.max(pause, kind === 'ours' ? OWN_FAULT_PAUSE_MS : 0) * (0.75 + random / 2)
}

/** Whether more has to be done than to record an outcome: suppress an address, try another channel. */
export function endsChannel(outcome: Outcome): boolean {
  const ends = outcome.do === 'fail' || outcome.do === 'askPerson' || outcome.do === 'suppress'
  return ends || (outcome.do === 'tryAgain' && outcome.overdue)
}

export interface FactsOfFallback {
  readonly outcome: Outcome
  /** The channel by which it could not be delivered. */
  readonly channel: string
  /** It belongs to a message; else it goes to a bare address. */
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
 * The channels that may take over a delivery that `endsChannel`, the best first; none when it may have arrived, since a message is rather
 * missed than repeated. Whether the person has an address for them and wants them is known to the database.
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
