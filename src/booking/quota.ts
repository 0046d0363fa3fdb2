/** How often a person has booked, seen three ways: what is still running, the day of the wish, its week. */
export interface BookedCounts {
  readonly active: number
  readonly day: number
  readonly week: number
}

export type QuotaWindow = keyof BookedCounts

/** True while a person may book once more. A limit of null is no limit. */
export function withinQuota(counts: BookedCounts, window: QuotaWindow, limit: number | null): boolean {
  return limit === null || counts[window] < limit
}
