import { line, oneOf, onOff, wholeNumber } from '../config/kinds.ts'
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
  hospitalName: setting(
    'Clinic',
    'CLINIC_HOSPITAL_NAME',
    line('the name of the hospital', 1, 100),
    '校医院',
    'The name of the hospital on medical records.',
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
