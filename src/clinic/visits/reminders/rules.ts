import { minutesAfter } from '../../../booking/interval.ts'
import { addDays, instantAt, localDate } from '../../../kernel/time.ts'
import type { ScheduleRules } from '../../core/configuration/types.ts'
import { sessionOf } from '../../core/sections/rules.ts'
import { TIME_SECTIONS, type TimeSection } from '../../core/types.ts'

/** Sessions whose patients are to be reminded. */
export interface Reminder {
  readonly kind: 'evening' | 'day'
  readonly date: string
  readonly sections: readonly TimeSection[]
  /** The instant from which on it is due. Orders that were made after it need no reminder. */
  readonly since: Date
}

/**
 * The reminders that are due now: of tomorrow's visits from `evening` (local time) until midnight, and of those sessions
 * of today that begin within `hours`. Hours of 0: no reminder on the day.
 */
export function remindersDue(
  now: Date,
  zone: string,
  rules: ScheduleRules,
  { evening, hours }: { readonly evening: string; readonly hours: number },
): readonly Reminder[] {
  const today = localDate(now, zone)
  const since = instantAt(today, evening, zone)
  const ofTomorrow = { kind: 'evening' as const, date: addDays(today, 1), sections: TIME_SECTIONS, since }
  const ofToday = TIME_SECTIONS.flatMap((timeSection) => {
    const { startAt } = sessionOf(rules, { date: today, timeSection }, zone)
    const due = minutesAfter(startAt, -60 * hours)
    if (now < due || now >= startAt) return []
    return [{ kind: 'day' as const, date: today, sections: [timeSection], since: due }]
  })
  return [...(now >= since ? [ofTomorrow] : []), ...ofToday]
}
