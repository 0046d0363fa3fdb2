import { addDays, instantAt, localDate, localTime } from '../../time.ts'
import type { Category } from '../texts/types.ts'

/** At most `limit` messages of a category to one person in any `hours`. */
export interface Cap {
  readonly limit: number
  readonly hours: number
}

/** Quiet hours, holidays and frequency caps. They do not apply to urgent messages. */
export interface Policy {
  /** Local times of day (HH:MM), the end exclusive and possibly on the next day; null for none. */
  readonly quietHours: { readonly start: string; readonly end: string } | null
  readonly caps: Readonly<Record<Category, Cap | null>>
  /** Local dates (YYYY-MM-DD). */
  readonly holidays: ReadonlySet<string>
}

/** The policy until an administrator changes it. */
export const DEFAULT_POLICY: Omit<Policy, 'holidays'> = {
  quietHours: { start: '22:00', end: '08:00' },
  caps: {
    reservation: { limit: 60, hours: 24 },
    account: null,
    notice: { limit: 5, hours: 24 },
    system: { limit: 20, hours: 24 },
  },
}

/** More days than public holidays can last, so that a wrongly filled calendar does not hold messages up for ever. */
const LONGEST_HOLIDAY = 60

/**
 * The first instant from `at` on that is outside quiet hours and not on a holiday; `at` itself if that is allowed.
 * `zone`: the IANA zone of the policy.
 */
export function nextAllowed(policy: Pick<Policy, 'quietHours' | 'holidays'>, at: Date, zone: string): Date {
  let from = at
  for (let n = 0; n <= LONGEST_HOLIDAY; n += 1) {
    const date = localDate(from, zone)
    const later = policy.holidays.has(date)
      ? instantAt(addDays(date, 1), '00:00', zone)
      : endOfQuiet(policy.quietHours, from, zone)
    if (later.getTime() <= from.getTime()) return from
    from = later
  }
  return from
}

/** The end of the quiet hours that contain an instant; the instant itself outside of them. */
function endOfQuiet(quiet: Policy['quietHours'], at: Date, zone: string): Date {
  if (quiet === null || quiet.start === quiet.end) return at
  const [date, time] = [localDate(at, zone), localTime(at, zone)]
  const overnight = quiet.start > quiet.end
  const inside = overnight ? time >= quiet.start || time < quiet.end : time >= quiet.start && time < quiet.end
  if (!inside) return at
  const end = instantAt(overnight && time >= quiet.start ? addDays(date, 1) : date, quiet.end, zone)
  // The local end time occurs twice when clocks are set back, so it may map to an earlier instant.
  return end.getTime() > at.getTime() ? end : at
}
