import { line, oneOf, timeZone, webAddress, wholeNumber } from '../config/kinds.ts'
import { defineSettings, optional, setting } from '../config/settings.ts'

const GROUP = 'CRM'
const LINE = 'CRM: LINE'
const PMS = 'CRM: PMS'

/** The environment variables of the CRM product. */
export const crmSettings = defineSettings(
  {
    timeZone: setting(
      GROUP,
      'CRM_TIME_ZONE',
      timeZone,
      'Asia/Taipei',
      'Zone of the local dates and times of the CRM: days of the analytics, times of auto-responses and campaigns.',
    ),
    phoneCountry: setting(
      GROUP,
      'CRM_PHONE_COUNTRY',
      oneOf('TW', 'CN', 'HK', 'MO', 'JP', 'SG', 'MY'),
      'TW',
      'Country of members’ phone numbers that are written without one.',
    ),
    conversionDays: setting(
      GROUP,
      'CRM_CONVERSION_DAYS',
      wholeNumber(1, 365),
      7,
      'A consumption record counts as a conversion for at most this many days after a click.',
    ),
    lineToken: optional(
      LINE,
      'LINE_CHANNEL_ACCESS_TOKEN',
      line('a long-lived channel access token', 10, 500),
      'nothing is sent by LINE until the channel is set in the settings',
      'Access token of the LINE Official Account’s Messaging API channel. `PUT /api/v1/settings/line` overrides it.',
      'secret',
    ),
    lineSecret: optional(
      LINE,
      'LINE_CHANNEL_SECRET',
      line('a channel secret', 10, 100),
      'webhook calls are refused',
      'Secret of that channel: it proves that webhook calls come from LINE.',
      'secret',
    ),
    lineBaseUrl: setting(LINE, 'LINE_BASE_URL', webAddress, 'https://api.line.me', 'Address of LINE’s API.'),
    lineDataBaseUrl: setting(
      LINE,
      'LINE_DATA_BASE_URL',
      webAddress,
      'https://api-data.line.me',
      'Address from which LINE serves the pictures that members send.',
    ),
    pushesPerSecond: setting(
      LINE,
      'LINE_PUSHES_PER_SECOND',
      wholeNumber(1, 100_000),
      2000,
      'Most push calls a second, over all processes. LINE allows 2,000.',
    ),
    multicastsPerSecond: setting(
      LINE,
      'LINE_MULTICASTS_PER_SECOND',
      wholeNumber(1, 10_000),
      200,
      'Most multicast calls a second, over all processes. LINE allows 200.',
    ),
    pmsUrl: optional(
      PMS,
      'PMS_API_URL',
      webAddress,
      'no synchronisation by REST',
      'Address of the property management system’s API.',
    ),
    pmsKey: optional(PMS, 'PMS_API_KEY', line('a key', 1, 500), 'none', 'Key of that API, a bearer token.', 'secret'),
    pmsDropDir: optional(
      PMS,
      'PMS_DROP_DIR',
      line('a folder'),
      'no synchronisation by files',
      'Folder into which the property management system drops members*.csv and consumption_records*.csv. Instead of ' +
        'PMS_API_URL.',
    ),
    pmsSyncSeconds: setting(
      PMS,
      'PMS_SYNC_INTERVAL',
      wholeNumber(60, 604_800),
      3600,
      'Seconds between two synchronisations.',
    ),
  },
  {
    needed: [
      ['LINE_CHANNEL_ACCESS_TOKEN', ['LINE_CHANNEL_SECRET']],
      ['LINE_CHANNEL_SECRET', ['LINE_CHANNEL_ACCESS_TOKEN']],
      ['PMS_API_URL', ['PMS_API_KEY']],
      ['PMS_API_KEY', ['PMS_API_URL']],
    ],
    contradictions: (_values, given) =>
      given('PMS_API_URL') && given('PMS_DROP_DIR')
        ? ['PMS_DROP_DIR: set together with PMS_API_URL; only one of them can bring the data']
        : [],
  },
)
