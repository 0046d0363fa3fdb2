/** Number of a person's bookings in three windows: still active, on the day of the new booking, and in its week. */
export interface BookedCounts {
  readonly active: number
  readonly day: number
  readonly week: number
}

export type QuotaWindow = keyof BookedCounts

/** Whether a person may book once more. A limit of null means no limit. */
export function withinQuota(counts: BookedCounts, window: QuotaWindow, limit: number | null): boolean {
  return limit === null || counts[window] < limit
}
