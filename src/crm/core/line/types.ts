/** A message object of LINE. */
export type LineMessage = Readonly<Record<string, unknown>> & { readonly type: string }

/**
 * What became of a call that sends.
 * `accepted`: LINE took it, now or at an earlier call with the same key.
 * `refused`: this message or recipient will never work (400, 413 …).
 * `busy`: too many calls; nothing was sent.
 * `quota`: the messages of the month are used up; nothing was sent.
 * `temporary`: nothing was sent, and a later try may work.
 * `unheard`: no answer: it may have been sent. A repeat with the same key is harmless for 24 hours.
 * `ours`: the channel's token is wrong or has no right; nothing was sent.
 */
export type Outcome =
  | { readonly kind: 'accepted'; readonly requestId: string; readonly messageIds: readonly string[] }
  | { readonly kind: 'refused' | 'quota' | 'temporary' | 'unheard' | 'ours'; readonly reason: string }
  | { readonly kind: 'busy'; readonly reason: string; readonly retryAfter: number | undefined }
