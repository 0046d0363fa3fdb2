/** Seconds after the beginning of a payment at which the platform is asked for it. */
export const FIRST_QUESTION_SECONDS = 30

const LONGEST_PAYMENT_SECONDS = 600
const LONGEST_REFUND_SECONDS = 3600

/** The next question about a payment: after 1, 2, 4, … minutes, at most 10. */
export function nextQuestion(now: Date, tries: number): Date {
  return later(now, tries, LONGEST_PAYMENT_SECONDS)
}

/** The next try of a refund: after 1, 2, 4, … minutes, at most an hour. */
export function nextRefundTry(now: Date, tries: number): Date {
  return later(now, tries, LONGEST_REFUND_SECONDS)
}

function later(now: Date, tries: number, longest: number): Date {
  return new Date(now.getTime() + Math.min(60 * 2 ** Math.min(tries, 20), longest) * 1000)
}
