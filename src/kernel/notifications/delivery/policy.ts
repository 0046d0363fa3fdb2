import { addDays, instantAt, localDate, localTime } from '../../time.ts'
import type { Category } from '../texts/types.ts'

/** At most `limit` messages of a category to one person in any `hours`. */
export interface Cap {
  readonly limit: number
  readonly hours: number
}

/** When and how much people may be disturbed. Urgent messages pass all of it. */
export interface Policy {
  /** Local times of day, the start included, the end not; null for none. The end may be on the next day. */
  readonly quietHours: { readonly start: string; readonly end: string } | null
  readonly caps: Readonly<Record<Category, Cap | null>>
  /** Local dates. */
  readonly holidays: ReadonlySet<string>
}

/** What holds until an administrator says otherwise. */
export const DEFAULT_POLICY: Omit<Policy, 'holidays'> = {
  quietHours: { start: '22:00', end: '08:00' },
  caps: {
    reservation: { limit: 60, hours: 24 },
    account: null,
    notice: { limit: 5, hours: 24 },
    system: { limit: 20, hours: 24 },
  },
}

/** Longer than any run of public holidays: a calendar that is full by mistake holds nothing up for ever. */
const LONGEST_HOLIDAY = 60

/**
 * The first instant from `at` on at which somebody may be disturbed: outside the quiet hours, and on no holiday. That is `at` itself when it
 * may be now.
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

/** When the quiet hours that an instant lies in are over; the instant itself outside of them. */
function endOfQuiet(quiet: Policy['quietHours'], at: Date, zone: string): Date {
  if (quiet === null || quiet.start === quiet.end) return at
  const [date, time] = [localDate(at, zone), localTime(at, zone)]
  const overnight = quiet.start > quiet.end
  const inside = overnight ? time >= quiet.start || time < quiet.end : time >= quiet.start && time < quiet.end
  if (!inside) return at
  const end = instantAt(overnight && time >= quiet.start ? addDays(date, 1) : date, quiet.end, zone)
  // A clock that is set back passes the end twice.
  return end.getTime() > at.getTime() ? end : at
}
