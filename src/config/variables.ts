import {
  address,
  clockTime,
  fieldKeys,
  type Kind,
  line,
  mailbox,
  oneOf,
  onOff,
  origins,
  proxies,
  someOf,
  timeZone,
  webAddress,
  wholeNumber,
} from './kinds.ts'

/** Products this version has. */
export const PRODUCT_NAMES = ['venue'] as const

/** One environment variable: the program reads it by this, and docs/configuration.md is written from it. */
export interface Variable<T> {
  readonly name: string
  readonly group: Group
  readonly kind: Kind<unknown>
  readonly parse: (text: string) => T | undefined
  readonly initial: T
  /** The default as people read it. */
  readonly shown: string
  readonly about: string
  /** How much of a value may be shown: all of it, an address without its password, or nothing. */
  readonly show: 'all' | 'address' | 'nothing'
}

export const GROUPS = [
  'Process',
  'Web',
  'Data',
  'Secrets',
  'First administrator',
  'Mail',
  'Limits',
  'Log-in',
  'Venue',
  'Logging',
] as const
type Group = (typeof GROUPS)[number]

const PROCESS_LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** A variable with a value when it is not set. */
function setting<T extends string | number | boolean | readonly unknown[]>(
  group: Group,
  name: string,
  kind: Kind<T>,
  initial: T,
  about: string,
): Variable<T> {
  const shown = typeof initial === 'boolean' ? (initial ? 'on' : 'off') : String(initial)
  return { name, group, kind, parse: kind.parse, initial, shown, about, show: 'all' }
}

/** A variable that may stay unset; `shown` says what happens then. */
function optional<T>(
  group: Group,
  name: string,
  kind: Kind<T>,
  shown: string,
  about: string,
  show: 'all' | 'address' | 'nothing' = 'all',
): Variable<T | undefined> {
  return { name, group, kind, parse: kind.parse, initial: undefined, shown, about, show }
}

const postgres = address('a postgres:// or postgresql:// address', 'postgres:', 'postgresql:')

/**
 * Every environment variable of the program, under the name it has in `Config`. A new one is one row here;
 * what two variables say together is checked in `config.ts`.
 */
export const variables = {
  nodeEnv: setting(
    'Process',
    'NODE_ENV',
    oneOf('development', 'production', 'test'),
    'development',
    'What this process is for. `production` writes JSON logs and refuses development aids.',
  ),
  dataDir: setting(
    'Process',
    'DATA_DIR',
    line('a folder'),
    './data',
    'Folder for the embedded database, generated secrets, files and the development outbox. Created when absent.',
  ),
  products: setting('Process', 'PRODUCTS', someOf(PRODUCT_NAMES), PRODUCT_NAMES, 'The products this site switches on.'),
  timeZone: setting(
    'Process',
    'TIME_ZONE',
    timeZone,
    'Asia/Shanghai',
    'Zone of every local date and time: opening hours, days, weeks, dates without a zone.',
  ),
  clock: setting(
    'Process',
    'CLOCK',
    oneOf('system', 'manual'),
    'system',
    '`manual` stands still until `POST /dev/clock` moves it; refused in production.',
  ),
  workerConcurrency: setting(
    'Process',
    'WORKER_CONCURRENCY',
    wholeNumber(1, 100),
    4,
    'Background jobs of one queue that one process runs at the same time.',
  ),
  shutdownGraceSeconds: setting(
    'Process',
    'SHUTDOWN_GRACE_SECONDS',
    wholeNumber(0, 600),
    10,
    'After SIGTERM: seconds that requests and jobs in flight get to finish.',
  ),

  host: setting(
    'Web',
    'HOST',
    line('an address or host name', 1, 255),
    '127.0.0.1',
    'Address to listen on; `0.0.0.0` for all.',
  ),
  port: setting('Web', 'PORT', wholeNumber(0, 65_535), 3000, 'Port to listen on; 0 takes a free one.'),
  publicUrl: optional(
    'Web',
    'PUBLIC_URL',
    webAddress,
    'http://HOST:PORT',
    'Address under which people reach this site; links in mails start with it.',
  ),
  corsOrigins: setting(
    'Web',
    'CORS_ORIGINS',
    origins,
    [],
    'Web pages of other origins that may call the API from a browser.',
  ),
  trustProxy: setting(
    'Web',
    'TRUST_PROXY',
    proxies,
    false,
    'Proxies whose `X-Forwarded-For` names the caller. `on` believes anybody: only where nothing but a proxy can reach the port.',
  ),

  databaseUrl: optional(
    'Data',
    'DATABASE_URL',
    postgres,
    'the embedded database',
    'PostgreSQL 14 or newer. Without it, an embedded PostgreSQL runs in `DATA_DIR`.',
    'address',
  ),
  databaseReadUrl: optional(
    'Data',
    'DATABASE_READ_URL',
    postgres,
    'DATABASE_URL',
    'A read replica for calendars, statistics and exports. Needs DATABASE_URL.',
    'address',
  ),
  databasePoolSize: setting(
    'Data',
    'DATABASE_POOL_SIZE',
    wholeNumber(1, 200),
    10,
    'Connections of one process to DATABASE_URL. The embedded database always has one.',
  ),
  redisUrl: optional(
    'Data',
    'REDIS_URL',
    address('a redis:// or rediss:// address', 'redis:', 'rediss:'),
    'each process counts for itself',
    'Redis for rate limits shared by all processes.',
    'address',
  ),

  secretKey: optional(
    'Secrets',
    'SECRET_KEY',
    line('at least 32 characters', 32, 1000),
    'generated (embedded database only)',
    'Signs access tokens and links. A new one signs everybody out. Make one: `openssl rand -base64 48`',
    'nothing',
  ),
  fieldKeys: optional(
    'Secrets',
    'FIELD_KEYS',
    fieldKeys,
    'generated (embedded database only)',
    'Encrypt phone numbers and other sensitive fields. The first is the current one, the last one makes the indexes and must stay. ' +
      'Make one: `echo "k1:$(openssl rand -base64 32)"`',
    'nothing',
  ),

  adminUsername: optional(
    'First administrator',
    'ADMIN_USERNAME',
    line('3 to 64 characters', 3, 64),
    'a one-time set-up token in the log',
    'Name of the administrator created at the first start. Needs ADMIN_PASSWORD.',
  ),
  adminPassword: optional(
    'First administrator',
    'ADMIN_PASSWORD',
    line('8 to 200 characters', 8, 200),
    'none',
    'Password of that administrator. Needs ADMIN_USERNAME.',
    'nothing',
  ),
  adminEmail: optional('First administrator', 'ADMIN_EMAIL', mailbox, 'none', 'E-mail address of that administrator.'),

  smtpUrl: optional(
    'Mail',
    'SMTP_URL',
    address('an smtp:// or smtps:// address', 'smtp:', 'smtps:'),
    'no mail is sent',
    'Server that mail is handed to, such as `smtps://name:password@smtp.example.com:465`.',
    'address',
  ),
  mailFrom: setting(
    'Mail',
    'MAIL_FROM',
    mailbox,
    'Yuyue <no-reply@localhost>',
    'Sender of mails. Set it together with SMTP_URL.',
  ),

  rateLimit: setting('Limits', 'RATE_LIMIT', onOff, true, '`off` for load tests and closed networks.'),
  rateLimitGeneral: setting(
    'Limits',
    'RATE_LIMIT_GENERAL',
    wholeNumber(1, 1_000_000),
    100,
    'Requests a minute of one user or, signed out, of one address.',
  ),
  rateLimitLogin: setting(
    'Limits',
    'RATE_LIMIT_LOGIN',
    wholeNumber(1, 1_000_000),
    5,
    'Log-ins a minute from one address.',
  ),
  rateLimitMessage: setting(
    'Limits',
    'RATE_LIMIT_MESSAGE',
    wholeNumber(1, 1_000_000),
    50,
    'Messages a minute one user may send.',
  ),

  jwtTtlMinutes: setting(
    'Log-in',
    'JWT_TTL_MINUTES',
    wholeNumber(1, 43_200),
    60,
    'Minutes an access token is good for.',
  ),
  lockoutFailures: setting(
    'Log-in',
    'LOCKOUT_FAILURES',
    wholeNumber(1, 1000),
    5,
    'Failed log-ins within LOCKOUT_MINUTES that lock a name.',
  ),
  lockoutMinutes: setting(
    'Log-in',
    'LOCKOUT_MINUTES',
    wholeNumber(1, 10_080),
    15,
    'Minutes within which failures count, and for which a name or address stays locked.',
  ),
  lockoutAddressFailures: setting(
    'Log-in',
    'LOCKOUT_ADDRESS_FAILURES',
    wholeNumber(1, 100_000),
    50,
    'Failed log-ins within LOCKOUT_MINUTES that lock an address. A campus may sit behind one.',
  ),
  passwordMaxAgeDays: setting(
    'Log-in',
    'PASSWORD_MAX_AGE_DAYS',
    wholeNumber(0, 3650),
    0,
    'Days after which a password must be changed; 0 is never.',
  ),

  venueCreditNoShow: setting('Venue', 'VENUE_CREDIT_NO_SHOW', wholeNumber(0, 100), 10, 'Credit a no-show costs.'),
  venueCreditLateCancel: setting(
    'Venue',
    'VENUE_CREDIT_LATE_CANCEL',
    wholeNumber(0, 100),
    3,
    'Credit a late cancellation costs.',
  ),
  venueCreditKept: setting('Venue', 'VENUE_CREDIT_KEPT', wholeNumber(0, 100), 1, 'Credit a kept booking gives back.'),
  venueRemindDayBeforeAt: setting(
    'Venue',
    'VENUE_REMIND_DAY_BEFORE_AT',
    clockTime,
    '18:00',
    'Local time at which people are reminded of tomorrow’s reservations.',
  ),
  venueRemindMinutesBefore: setting(
    'Venue',
    'VENUE_REMIND_MINUTES_BEFORE',
    wholeNumber(1, 1440),
    60,
    'Minutes before the start at which people are reminded once more.',
  ),

  logLevel: setting(
    'Logging',
    'LOG_LEVEL',
    oneOf(...PROCESS_LOG_LEVELS),
    'info',
    'The least important lines that are written.',
  ),
  logDir: optional(
    'Logging',
    'LOG_DIR',
    line('a folder'),
    'no files',
    'Folder for one log file a day, besides standard output.',
  ),
  logRetentionDays: setting('Logging', 'LOG_RETENTION_DAYS', wholeNumber(1, 3650), 14, 'Days that log files are kept.'),
} as const
