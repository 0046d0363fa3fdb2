import { line, oneOf, onOff, webAddress, wholeNumber } from '../config/kinds.ts'
import { defineSettings, optional, setting } from '../config/settings.ts'

/** The environment variables of the clinic product. */
export const clinicSettings = defineSettings(
  {
    campusKey: optional(
      'Clinic',
      'CLINIC_CAMPUS_KEY',
      line('a secret', 8, 500),
      'none',
      'The key that this server shows to the campus system, as a bearer token.',
      'secret',
    ),
    campusUrl: optional(
      'Clinic',
      'CLINIC_CAMPUS_URL',
      webAddress,
      'identities are confirmed at the desk only',
      'Address of the campus system that confirms the numbers and passwords of students and staff (docs/clinic.md). Use ' +
        'https: passwords are sent there.',
    ),
    compareDays: setting(
      'Clinic',
      'CLINIC_COMPARE_DAYS',
      wholeNumber(1, 365),
      7,
      'Number of days of which the statistics of visits compare the page views with those of the days before.',
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
  },
  {
    needed: [
      ['CLINIC_CAMPUS_URL', ['CLINIC_CAMPUS_KEY']],
      ['CLINIC_CAMPUS_KEY', ['CLINIC_CAMPUS_URL']],
    ],
  },
)
