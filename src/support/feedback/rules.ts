export const FEEDBACK_TYPES = ['suggestion', 'complaint', 'problem', 'praise', 'other'] as const
export type FeedbackType = (typeof FEEDBACK_TYPES)[number]

export const FEEDBACK_STATUSES = ['open', 'replied', 'closed'] as const
export type FeedbackStatus = (typeof FEEDBACK_STATUSES)[number]

/** Events of feedback: support replies, its owner adds to it, support closes it or opens it again. */
export type FeedbackEvent = 'reply' | 'addition' | 'close' | 'reopen'

const moves: Readonly<Record<FeedbackStatus, Partial<Readonly<Record<FeedbackEvent, FeedbackStatus>>>>> = {
  open: { reply: 'replied', addition: 'open', close: 'closed' },
  replied: { reply: 'replied', addition: 'open', close: 'closed' },
  closed: { reopen: 'open' },
}

/** The state after an event, or undefined if the event is not allowed. */
export function afterEvent(status: FeedbackStatus, event: FeedbackEvent): FeedbackStatus | undefined {
  return moves[status][event]
}
