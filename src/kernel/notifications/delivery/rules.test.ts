import { describe, expect, test } from 'vitest'
import type { RefusalKind } from '../providers/provider.ts'
import {
  afterRefusal,
  beforeSending,
  effectiveKind,
  endsChannel,
  type FactsAfterRefusal,
  type FactsBeforeSending,
  fallbackChannels,
  isProvidersFault,
  type Outcome,
} from './rules.ts'

const NOW = new Date('2026-03-14T01:00:00Z')
const MORNING = new Date('2026-03-15T00:00:00Z')
const MINUTE = 60_000
const HOUR = 60 * MINUTE

const yesNo = [false, true] as const
const kinds: readonly RefusalKind[] = ['address', 'message', 'busy', 'ours', 'unheard', 'temporary']

type Choices<T> = { readonly [K in keyof T]: readonly T[K][] }

/** Every combination of the choices. */
function combinations<T extends object>(choices: Choices<T>): readonly T[] {
  let all: object[] = [{}]
  for (const [name, values] of Object.entries<readonly unknown[]>(choices)) {
    all = all.flatMap((before) => values.map((value) => ({ ...before, [name]: value })))
  }
  return all as T[]
}

describe('before a delivery is sent', () => {
  const every = combinations<FactsBeforeSending>({
    openClaims: [1, 5, 6],
    hasAddress: yesNo,
    switchedOff: yesNo,
    suppressed: yesNo,
    wellFormed: yesNo,
    disturbs: yesNo,
    allowedAt: [NOW, MORNING],
    now: [NOW],
    underCap: yesNo,
  })
  /** The obstacles; the first one decides. */
  const obstacles: readonly (readonly [(facts: FactsBeforeSending) => boolean, string])[] = [
    [({ openClaims }) => openClaims > 5, 'askPerson no_result'],
    [({ hasAddress }) => !hasAddress, 'skip no_address'],
    [({ switchedOff }) => switchedOff, 'skip switched_off'],
    [({ suppressed }) => suppressed, 'suppress address_unusable'],
    [({ wellFormed }) => !wellFormed, 'fail bad_address'],
    [({ disturbs, allowedAt }) => disturbs && allowedAt === MORNING, 'wait quiet_hours'],
  ]

  test(`the first obstacle decides, in all ${every.length} combinations`, () => {
    for (const facts of every) {
      const verdict = beforeSending(facts)
      const obstacle = obstacles.find(([stands]) => stands(facts))?.[1]
      const said = verdict.do === 'sent' || verdict.do === 'send' ? verdict.do : `${verdict.do} ${verdict.reason}`
      expect([facts, said]).toEqual([facts, obstacle ?? 'send'])
    }
  })

  test('a delivery that was not sent counts as no try, and a bad address is put on the suppression list', () => {
    for (const verdict of every.map(beforeSending)) {
      if (verdict.do === 'askPerson') expect(verdict.tried).toBe(false)
      if (verdict.do === 'fail') expect(verdict).toMatchObject({ tried: false, badAddress: true })
      if (verdict.do === 'wait') expect(verdict).toMatchObject({ at: MORNING, counted: false })
    }
  })

  test('only disturbing channels count toward the frequency cap, once per message', () => {
    for (const facts of every) {
      const verdict = beforeSending(facts)
      if (verdict.do === 'send') expect(verdict.capped).toBe(facts.disturbs && facts.underCap)
    }
  })
})

describe('after a refusal', () => {
  const every = combinations<FactsAfterRefusal>({
    kind: kinds,
    reason: ['it was refused'],
    retryAfter: [undefined, 30, 7200, 1e9],
    unansweredBefore: yesNo,
    failingMs: [0, MINUTE, HOUR - 1, HOUR, 5 * HOUR, 23 * HOUR, 24 * HOUR, 80 * HOUR],
    goodForMs: [HOUR, 24 * HOUR, 72 * HOUR],
    mandatory: yesNo,
    now: [NOW],
    random: [0, 0.5, 1],
  })

  /** The rules as documented in docs/notifications.md. */
  function expected({ kind, unansweredBefore, failingMs, goodForMs }: FactsAfterRefusal): string {
    if (kind === 'address') return 'fail, suppress the address'
    if (kind === 'message') return 'fail'
    if (kind === 'unheard') return unansweredBefore || failingMs >= goodForMs ? 'askPerson' : 'tryAgain'
    if (failingMs < goodForMs) return 'tryAgain'
    return unansweredBefore ? 'askPerson' : 'fail'
  }

  test(`a delivery fails permanently, is left to a person or is retried, in all ${every.length} combinations`, () => {
    for (const facts of every) {
      const verdict = afterRefusal(facts)
      const said = verdict.do === 'fail' && verdict.badAddress ? 'fail, suppress the address' : verdict.do
      expect([facts, said]).toEqual([facts, expected(facts)])
      if (verdict.do !== 'tryAgain') expect(verdict.tried).toBe(true)
    }
  })

  test('another channel takes over a mandatory message after an hour, unless it may have arrived', () => {
    for (const facts of every) {
      const verdict = afterRefusal(facts)
      if (verdict.do !== 'tryAgain') continue
      const mayHaveArrived = facts.kind === 'unheard' || facts.unansweredBefore
      expect(verdict.unanswered).toBe(facts.kind === 'unheard')
      expect(verdict.overdue).toBe(facts.mandatory && facts.failingMs >= HOUR && !mayHaveArrived)
    }
  })

  test('the pause equals the time it has been failing, within bounds, plus or minus a quarter', () => {
    for (const facts of every) {
      const verdict = afterRefusal(facts)
      if (verdict.do !== 'tryAgain') continue
      const pause = verdict.at.getTime() - NOW.getTime()
      const usual = Math.min(Math.max(facts.failingMs, 30_000), 2 * HOUR)
      if (facts.kind === 'busy') {
        const asked = Math.min((facts.retryAfter ?? 0) * 1000, 24 * HOUR)
        const least = Math.max(usual, MINUTE, asked)
        expect(pause).toBeGreaterThanOrEqual(least)
        expect(pause).toBeLessThanOrEqual(least * 1.25)
      } else {
        const middle = facts.kind === 'ours' ? Math.max(usual, 5 * MINUTE) : usual
        expect(pause).toBe(Math.floor(middle * (0.75 + facts.random / 2)))
      }
    }
  })

  test('no answer from a provider that recognizes repeats is a temporary error', () => {
    for (const { kind, knowsRepeats } of combinations({ kind: kinds, knowsRepeats: yesNo })) {
      const changed = kind === 'unheard' && knowsRepeats
      expect(effectiveKind({ kind, knowsRepeats })).toBe(changed ? 'temporary' : kind)
    }
  })

  test('only errors that are not about the message count against the provider', () => {
    expect(kinds.filter(isProvidersFault)).toEqual(['ours', 'unheard', 'temporary'])
  })
})

describe('falling back to another channel', () => {
  const outcomes: readonly Outcome[] = [
    { do: 'sent', providerId: 'theirs' },
    { do: 'wait', reason: 'quiet_hours', at: MORNING, counted: false },
    ...yesNo.flatMap((unanswered) =>
      yesNo.map((overdue) => ({ do: 'tryAgain', reason: 'r', at: NOW, unanswered, overdue }) as const),
    ),
    { do: 'skip', reason: 'no_address' },
    { do: 'skip', reason: 'switched_off' },
    { do: 'skip', reason: 'not_configured' },
    { do: 'suppress', reason: 'address_unusable' },
    ...yesNo.map((badAddress) => ({ do: 'fail', reason: 'r', badAddress, tried: true }) as const),
    { do: 'askPerson', reason: 'no_result', tried: false },
  ]

  test('starts when the channel has failed, or when a mandatory message takes too long', () => {
    const ends = outcomes.filter(endsChannel).map((outcome) => outcome.do)
    expect(new Set(ends)).toEqual(new Set(['tryAgain', 'suppress', 'fail', 'askPerson']))
    for (const outcome of outcomes) if (outcome.do === 'tryAgain') expect(endsChannel(outcome)).toBe(outcome.overdue)
  })

  const cases = combinations({
    outcome: outcomes,
    channel: ['email', 'im', 'sms'],
    hasMessage: yesNo,
    chosen: yesNo,
    unansweredBefore: yesNo,
    mandatory: yesNo,
    im: yesNo,
    email: yesNo,
    sms: yesNo,
  })

  test(`takes the cheapest configured channel, never if it may have arrived: ${cases.length} combinations`, () => {
    for (const { im, email, sms, ...facts } of cases) {
      const candidates = [
        { channel: 'email', configured: email, place: 2, mandatoryOnly: false },
        { channel: 'sms', configured: sms, place: 3, mandatoryOnly: true },
        { channel: 'im', configured: im, place: 1, mandatoryOnly: false },
      ]
      const ended = facts.outcome.do
      const mayHaveArrived = ended === 'askPerson' || (ended !== 'fail' && facts.unansweredBefore)
      const possible = facts.hasMessage && !facts.chosen && !mayHaveArrived
      const wanted = [im && 'im', email && 'email', sms && facts.mandatory && 'sms'].filter(
        (channel) => channel && channel !== facts.channel,
      )
      expect([facts, fallbackChannels({ ...facts, candidates })]).toEqual([facts, possible ? wanted : []])
    }
  })
})
