import { daysBetween } from '../../../kernel/time.ts'

/** The fewest and the most weeks of a series. */
export const FEWEST_WEEKS = 2
export const MOST_WEEKS = 26

/**
 * Number of weeks from the local date of the first booking to the last day of a series. Null if a series can't have
 * this number.
 */
export function weeksUntil(first: string, until: string): number | null {
  const weeks = Math.floor(daysBetween(first, until) / 7) + 1
  return weeks >= FEWEST_WEEKS && weeks <= MOST_WEEKS ? weeks : null
}

/** The reasons why weeks can't be booked, as text for people: each reason once, after its dates. */
export function failedWords(failed: readonly { readonly date: string; readonly msg: string }[]): string {
  const byReason = Map.groupBy(failed, ({ msg }) => msg)
  return [...byReason].map(([msg, weeks]) => `${weeks.map(({ date }) => date).join('、')}：${msg}`).join('；')
}
