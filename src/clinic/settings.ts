import { rsaPrivateKey, rsaPublicKey } from '../config/keys.ts'
import { clockTime, type Kind, line, oneOf, onOff, webAddress, wholeNumber } from '../config/kinds.ts'
import { defineSettings, optional, setting } from '../config/settings.ts'

/** Text of certain characters. */
function characters(allowed: string, pattern: RegExp): Kind<string> {
  return { allowed, parse: (text) => (pattern.test(text) ? text : undefined) }
}

const GROUP = 'Clinic: WeChat Pay'

/** The account at WeChat Pay. */
const weChatPayVariables = {
  wechatPayAppId: optional(
    GROUP,
    'WECHATPAY_APP_ID',
    line('an app id', 1, 32),
    'none',
    'App id bound to the merchant.',
  ),
  wechatPayMerchantId: optional(
    GROUP,
    'WECHATPAY_MERCHANT_ID',
    characters('6 to 32 digits', /^\d{6,32}$/),
    'none',
    'Number of the merchant (mchid).',
  ),
  wechatPayMerchantSerial: optional(
    GROUP,
    'WECHATPAY_MERCHANT_SERIAL',
    characters('the serial number of a certificate: 16 to 64 hexadecimal digits', /^[0-9A-Fa-f]{16,64}$/),
    'none',
    'Serial number of the merchant’s API certificate.',
  ),
  wechatPayPrivateKey: optional(
    GROUP,
    'WECHATPAY_PRIVATE_KEY',
    rsaPrivateKey,
    'none',
    'Private key of that certificate (`apiclient_key.pem`): it signs our requests.',
    'secret',
  ),
  wechatPayApiKey: optional(
    GROUP,
    'WECHATPAY_API_V3_KEY',
    characters('32 letters and digits', /^[0-9A-Za-z]{32}$/),
    'none',
    'The merchant’s APIv3 key: it decrypts the notifications.',
    'secret',
  ),
  wechatPayPublicKey: optional(
    GROUP,
    'WECHATPAY_PUBLIC_KEY',
    rsaPublicKey,
    'none',
    'WeChat Pay’s public key (`pub_key.pem`): it checks the signatures of answers and notifications.',
  ),
  wechatPayPublicKeyId: optional(
    GROUP,
    'WECHATPAY_PUBLIC_KEY_ID',
    characters('PUB_KEY_ID_ and digits', /^PUB_KEY_ID_\d{6,64}$/),
    'none',
    'Id of that key.',
  ),
  wechatPayUrl: setting(
    GROUP,
    'WECHATPAY_URL',
    webAddress,
    'https://api.mch.weixin.qq.com',
    'Address of WeChat Pay’s API. Notifications go to PUBLIC_URL/common/wechat-pay/notify.',
  ),
} as const

/** The variables without which there is no account. */
const ACCOUNT = Object.values(weChatPayVariables).filter(({ initial }) => initial === undefined)

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
    openBootstrap: setting(
      'Clinic',
      'CLINIC_OPEN_BOOTSTRAP',
      onOff,
      false,
      'Whether anybody may open the account of the hospital’s first administrator, without the set-up token of the log.',
    ),
    payment: setting(
      'Clinic',
      'CLINIC_PAYMENT',
      oneOf('confirm', 'desk', 'wechat'),
      'confirm',
      'How registrations are paid: `confirm` (the client’s call counts as paid), `desk` (staff confirm it) or `wechat` ' +
        '(WeChat Pay, by a QR code; needs the WECHATPAY_… variables).',
    ),
    singleSession: setting(
      'Clinic',
      'CLINIC_SINGLE_SESSION',
      onOff,
      false,
      'Whether a log-in at the clinic ends the person’s other sessions.',
    ),
    ...weChatPayVariables,
  },
  {
    needed: [
      ['CLINIC_CAMPUS_URL', ['CLINIC_CAMPUS_KEY']],
      ['CLINIC_CAMPUS_KEY', ['CLINIC_CAMPUS_URL']],
    ],
    contradictions: ({ payment }, given) =>
      ACCOUNT.filter(({ name }) => payment === 'wechat' && !given(name)).map(
        ({ name, kind }) => `${name}: not set; needed because CLINIC_PAYMENT is wechat: ${kind.allowed}`,
      ),
  },
)
