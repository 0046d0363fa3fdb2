import type { Outcome } from '../../core/line/types.ts'

/** What becomes of a recipient after a call. `again`: LINE did not take it. `unheard`: it may have. */
export type Fate =
  | { readonly kind: 'sent'; readonly requestId: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'again'; readonly reason: string; readonly counts: boolean; readonly afterSeconds?: number }
  | { readonly kind: 'unheard'; readonly reason: string }

/** Why a whole campaign has to stop: a person must do something first. */
export type Stop = { readonly code: 'quota' | 'line_refused'; readonly reason: string }

/** Tries of a batch that LINE did not take, after which its recipients fail. */
export const MOST_TRIES = 3
/** LINE knows a retry key for this long. Some minutes are left for clocks that differ. */
const KEY_LIFE_MS = 24 * 3_600_000 - 10 * 60_000

/** What an outcome means for the recipient or recipients of the call. */
export function fateOf(outcome: Outcome): Fate {
  if (outcome.kind === 'accepted') return { kind: 'sent', requestId: outcome.requestId }
  const { reason } = outcome
  if (outcome.kind === 'refused') return { kind: 'failed', reason }
  if (outcome.kind === 'unheard') return { kind: 'unheard', reason }
  if (outcome.kind === 'busy') {
    const { retryAfter } = outcome
    return { kind: 'again', reason, counts: false, ...(retryAfter !== undefined && { afterSeconds: retryAfter }) }
  }
  // A full quota or a refused channel stops the campaign; the recipient waits and has lost nothing.
  return { kind: 'again', reason, counts: outcome.kind === 'temporary' }
}

/** Why an outcome stops the whole campaign; undefined if it doesn't. */
export function stopOf(outcome: Outcome): Stop | undefined {
  if (outcome.kind === 'quota') return { code: 'quota', reason: outcome.reason }
  return outcome.kind === 'ours' ? { code: 'line_refused', reason: outcome.reason } : undefined
}

/** Whether the answer to an earlier call is lost for good: its key is no longer known. */
export function isLost(unheardSince: Date | null, now: Date): boolean {
  return unheardSince !== null && now.getTime() - unheardSince.getTime() >= KEY_LIFE_MS
}

/** Seconds until the next try: LINE's own wish, or 2, 4, 8 … at most 5 minutes. */
export function pauseSeconds(tries: number, asked: number | undefined): number {
  return Math.min(300, asked ?? 2 ** Math.min(tries + 1, 9))
}
