/** The initial and highest credit score. */
export const FULL_CREDIT = 100

/** The part of a change to a credit score that keeps the score within 0 and 100. */
export function creditChange(score: number, wanted: number): number {
  return Math.max(0, Math.min(FULL_CREDIT, score + wanted)) - score
}
