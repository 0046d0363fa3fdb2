/** The score everybody starts with, and the most one can have. */
export const FULL_CREDIT = 100

/** What remains of a change to a credit score when the score must stay within 0 and 100. */
export function creditChange(score: number, wanted: number): number {
  return Math.max(0, Math.min(FULL_CREDIT, score + wanted)) - score
}
