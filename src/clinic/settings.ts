import { clockTime, oneOf, onOff, wholeNumber } from '../config/kinds.ts'
import { defineSettings, setting } from '../config/settings.ts'

/** The environment variables of the clinic product. */
export const clinicSettings = defineSettings({
  compareDays: setting(
    'Clinic',
    'CLINIC_COMPARE_DAYS',
    wholeNumber(1, 365),
    7,
    'Number of days of which the statistics of visits compare the page views with those of the days before.',
  ),
  eveningReminder: setting(
    'Clinic',
    'CLINIC_EVENING_REMINDER',
    clockTime,
    '20:00',
    'Local time at which people are reminded of their visits of the next day.',
  ),
  dayReminderHours: setting(
    'Clinic',
    'CLINIC_DAY_REMINDER_HOURS',
    wholeNumber(0, 6),
    2,
    'How many hours before a session people are reminded of their visit on the same day; 0: they are not.',
  ),
  nearAhead: setting(
    'Clinic',
    'CLINIC_NEAR_AHEAD',
    wholeNumber(0, 20),
    3,
    'Patients are told that their turn is near when at most this many are called before them.',
  ),
  loginReply: setting(
    'Clinic',
    'CLINIC_LOGIN_REPLY',
    oneOf('object', 'token'),
    'object',
    'The answer of a log-in: an object with the token, or the token alone, as the published web clients expect.',
  ),
  payment: setting(
    'Clinic',
    'CLINIC_PAYMENT',
    oneOf('confirm', 'desk'),
    'confirm',
    'How registrations are paid: `confirm` (the client’s call counts as paid) or `desk` (staff confirm it).',
  ),
  singleSession: setting(
    'Clinic',
    'CLINIC_SINGLE_SESSION',
    onOff,
    false,
    'Whether a log-in at the clinic ends the person’s other sessions.',
  ),
})
