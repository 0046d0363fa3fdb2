import { clockTime, wholeNumber } from '../config/kinds.ts'
import { defineSettings, setting } from '../config/settings.ts'

/** Settings of the venue product. */
export const venueSettings = defineSettings({
  creditNoShow: setting('Venue', 'VENUE_CREDIT_NO_SHOW', wholeNumber(0, 100), 10, 'Credit that a no-show costs.'),
  creditLateCancel: setting(
    'Venue',
    'VENUE_CREDIT_LATE_CANCEL',
    wholeNumber(0, 100),
    3,
    'Credit that a late cancellation costs.',
  ),
  creditKept: setting('Venue', 'VENUE_CREDIT_KEPT', wholeNumber(0, 100), 1, 'Credit that a kept booking gives back.'),
  remindDayBeforeAt: setting(
    'Venue',
    'VENUE_REMIND_DAY_BEFORE_AT',
    clockTime,
    '18:00',
    'Local time at which people are reminded of tomorrow’s reservations.',
  ),
  remindMinutesBefore: setting(
    'Venue',
    'VENUE_REMIND_MINUTES_BEFORE',
    wholeNumber(1, 1440),
    60,
    'Minutes before the start at which people are reminded once more.',
  ),
  useSessionMaxMinutes: setting(
    'Venue',
    'VENUE_USE_SESSION_MAX_MINUTES',
    wholeNumber(1, 10_080),
    240,
    'Minutes after which a use session of a facility ends by itself.',
  ),
})
