import {
  address,
  clockTime,
  fieldKeys,
  type Kind,
  line,
  mailbox,
  oidcProviders,
  oneOf,
  onOff,
  origins,
  pathPrefixes,
  proxies,
  redirectAddress,
  someOf,
  timeZone,
  webAddress,
  wholeNumber,
} from './kinds.ts'

/** Products this version has. */
export const PRODUCT_NAMES = ['venue', 'room'] as const
export type ProductName = (typeof PRODUCT_NAMES)[number]

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
  /** No value may be shown, not even a wrong one. */
  readonly isSecret: boolean
}

export const GROUPS = [
  'Process',
  'Web',
  'Data',
  'Secrets',
  'First administrator',
  'Mail',
  'Messages',
  'Files',
  'Limits',
  'Log-in',
  'Third-party log-in',
  'Privacy',
  'Records',
  'Venue',
  'Room',
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
  return { name, group, kind, parse: kind.parse, initial, shown, about, isSecret: false }
}

/** A variable that may stay unset; `shown` says what happens then. */
function optional<T>(
  group: Group,
  name: string,
  kind: Kind<T>,
  shown: string,
  about: string,
  secrecy?: 'secret',
): Variable<T | undefined> {
  return { name, group, kind, parse: kind.parse, initial: undefined, shown, about, isSecret: secrecy === 'secret' }
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
  support: setting(
    'Process',
    'SUPPORT',
    onOff,
    true,
    'Whether people find feedback, frequent questions, tickets and the support chat here.',
  ),
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
  ),
  databaseReadUrl: optional(
    'Data',
    'DATABASE_READ_URL',
    postgres,
    'DATABASE_URL',
    'A read replica for calendars, statistics and exports. Needs DATABASE_URL.',
  ),
  databaseWaitSeconds: setting(
    'Data',
    'DATABASE_WAIT_SECONDS',
    wholeNumber(0, 3600),
    60,
    'How long a start waits for a database server that cannot be reached yet; then it ends with one line and exit code 1.',
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
  ),

  secretKey: optional(
    'Secrets',
    'SECRET_KEY',
    line('at least 32 characters', 32, 1000),
    'generated (embedded database only)',
    'Signs access tokens and links. A new one signs everybody out. Make one: `openssl rand -base64 48`',
    'secret',
  ),
  fieldKeys: optional(
    'Secrets',
    'FIELD_KEYS',
    fieldKeys,
    'generated (embedded database only)',
    'Encrypt phone numbers and other sensitive fields. The first is the current one, the last one makes the indexes and must stay. ' +
      'Make one: `echo "k1:$(openssl rand -base64 32)"`',
    'secret',
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
    'secret',
  ),
  adminEmail: optional('First administrator', 'ADMIN_EMAIL', mailbox, 'none', 'E-mail address of that administrator.'),

  smtpUrl: optional(
    'Mail',
    'SMTP_URL',
    address('an smtp:// or smtps:// address', 'smtp:', 'smtps:'),
    'no mail is sent',
    'Server that mail is handed to, such as `smtps://name:password@smtp.example.com:465`.',
  ),
  mailFrom: setting(
    'Mail',
    'MAIL_FROM',
    mailbox,
    'Yuyue <no-reply@localhost>',
    'Sender of mails. Set it together with SMTP_URL.',
  ),

  mailTracking: setting(
    'Mail',
    'MAIL_TRACKING',
    onOff,
    true,
    'Whether mails hold an image and links that tell when they were opened and followed.',
  ),

  deliveryLeaseSeconds: setting(
    'Messages',
    'DELIVERY_LEASE_SECONDS',
    wholeNumber(2, 3600),
    300,
    'Seconds after which another process sends what a killed one had in hand. A process that is alive renews its hold while it sends.',
  ),
  smsProvider: optional(
    'Messages',
    'SMS_PROVIDER',
    oneOf('aliyun', 'tencent', 'webhook'),
    'no SMS is sent',
    'Who carries SMS: Aliyun, Tencent Cloud, or a service of your own (docs/notifications.md). Needs SMS_KEY_SECRET.',
  ),
  smsBaseUrl: optional('Messages', 'SMS_BASE_URL', webAddress, 'the provider’s', 'Where the SMS provider is reached.'),
  smsKeyId: optional('Messages', 'SMS_KEY_ID', line('a key id', 1, 200), 'none', 'AccessKey id, or SecretId.'),
  smsKeySecret: optional(
    'Messages',
    'SMS_KEY_SECRET',
    line('a secret', 1, 500),
    'none',
    'AccessKey secret, SecretKey, or the key that signs calls of the webhook.',
    'secret',
  ),
  receiptToken: optional(
    'Messages',
    'RECEIPT_TOKEN',
    line('a secret', 24, 200),
    'no receipts',
    'The last part of the address to which Aliyun and Tencent Cloud send receipts: letters and digits that nobody guesses.',
    'secret',
  ),
  receiptSecret: optional(
    'Messages',
    'RECEIPT_SECRET',
    line('a secret', 24, 500),
    'no receipts',
    'The key that signs receipts of other SMS services, and of mails that bounced.',
    'secret',
  ),
  smsSignName: optional('Messages', 'SMS_SIGN_NAME', line('a name', 1, 100), 'none', 'The registered signature.'),
  smsTemplate: optional(
    'Messages',
    'SMS_TEMPLATE',
    line('a code', 1, 100),
    'none',
    'Registered template with one variable `content`, for texts that have no template of their own.',
  ),
  smsAppId: optional('Messages', 'SMS_APP_ID', line('an id', 1, 100), 'none', 'Tencent: SmsSdkAppId.'),
  smsRegion: setting('Messages', 'SMS_REGION', line('a region', 1, 50), 'ap-guangzhou', 'Tencent: region.'),
  wecomBaseUrl: setting(
    'Messages',
    'WECOM_BASE_URL',
    webAddress,
    'https://qyapi.weixin.qq.com',
    'Where WeCom is reached.',
  ),
  wecomCorpId: optional('Messages', 'WECOM_CORP_ID', line('an id', 1, 100), 'none', 'WeCom: corporation.'),
  wecomAgentId: optional(
    'Messages',
    'WECOM_AGENT_ID',
    line('an id', 1, 20),
    'none',
    'WeCom: the application that sends. With WECOM_CORP_ID and WECOM_SECRET, people get messages there.',
  ),
  wecomSecret: optional(
    'Messages',
    'WECOM_SECRET',
    line('a secret', 1, 200),
    'none',
    'WeCom: the application’s secret.',
    'secret',
  ),
  wecomRobotUrl: optional(
    'Messages',
    'WECOM_ROBOT_URL',
    address('an http(s) address', 'http:', 'https:'),
    'no robot',
    'Webhook of a robot in a WeCom group.',
    'secret',
  ),
  dingtalkRobotUrl: optional(
    'Messages',
    'DINGTALK_ROBOT_URL',
    address('an http(s) address', 'http:', 'https:'),
    'no robot',
    'Webhook of a robot in a DingTalk group.',
    'secret',
  ),
  dingtalkRobotSecret: optional(
    'Messages',
    'DINGTALK_ROBOT_SECRET',
    line('a secret', 1, 200),
    'calls are not signed',
    'Signs the calls of that robot.',
    'secret',
  ),
  feishuRobotUrl: optional(
    'Messages',
    'FEISHU_ROBOT_URL',
    address('an http(s) address', 'http:', 'https:'),
    'no robot',
    'Webhook of a robot in a Feishu group.',
    'secret',
  ),
  feishuRobotSecret: optional(
    'Messages',
    'FEISHU_ROBOT_SECRET',
    line('a secret', 1, 200),
    'calls are not signed',
    'Signs the calls of that robot.',
    'secret',
  ),

  s3Bucket: optional(
    'Files',
    'S3_BUCKET',
    line('the name of a bucket', 1, 255),
    'files are in DATA_DIR/files',
    'Bucket of an S3-compatible store that keeps pictures and exports. Needs S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY.',
  ),
  s3Endpoint: optional(
    'Files',
    'S3_ENDPOINT',
    webAddress,
    'Amazon S3',
    'Address of the store, such as `https://s3.example.com`.',
  ),
  s3Region: setting('Files', 'S3_REGION', line('the name of a region', 1, 64), 'us-east-1', 'Region of the bucket.'),
  s3AccessKeyId: optional('Files', 'S3_ACCESS_KEY_ID', line('a key id', 1, 200), 'none', 'Key id for the bucket.'),
  s3SecretAccessKey: optional(
    'Files',
    'S3_SECRET_ACCESS_KEY',
    line('a secret key', 1, 500),
    'none',
    'Secret that belongs to S3_ACCESS_KEY_ID.',
    'secret',
  ),
  s3PathStyle: setting(
    'Files',
    'S3_PATH_STYLE',
    onOff,
    true,
    'Whether the bucket stands in the path (`on`, most stores) or in the host name (`off`, Amazon S3).',
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
    'Minutes an access token is good for; at the room product’s front door, minutes without being used.',
  ),
  sessionMaxDays: setting(
    'Log-in',
    'SESSION_MAX_DAYS',
    wholeNumber(1, 365),
    7,
    'Days after which a session ends that is used all the time (room).',
  ),
  lockoutFailures: setting(
    'Log-in',
    'LOCKOUT_FAILURES',
    wholeNumber(1, 1000),
    5,
    'Failed log-ins within LOCKOUT_MINUTES that lock a person, by whichever name they were tried, or a name that nobody has.',
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
    'Failed log-ins within LOCKOUT_MINUTES that lock an address (of IPv6: its /64 network). A campus may sit behind one.',
  ),
  passwordMaxAgeDays: setting(
    'Log-in',
    'PASSWORD_MAX_AGE_DAYS',
    wholeNumber(0, 3650),
    0,
    'Days after which a password must be changed; 0 is never.',
  ),

  authRedirectUrl: optional(
    'Third-party log-in',
    'AUTH_REDIRECT_URL',
    redirectAddress,
    'PUBLIC_URL/api/v1/auth/{provider}/callback',
    'Where third parties send people back to: a page of your application that posts `code` and `state` to the callback. Register it there.',
  ),
  wechatAppId: optional(
    'Third-party log-in',
    'WECHAT_APP_ID',
    line('an app id', 1, 100),
    'no log-in by WeChat',
    'Website application of the WeChat Open Platform. Needs WECHAT_APP_SECRET.',
  ),
  wechatAppSecret: optional(
    'Third-party log-in',
    'WECHAT_APP_SECRET',
    line('a secret', 1, 200),
    'none',
    'Secret of that application.',
    'secret',
  ),
  wechatBaseUrl: setting(
    'Third-party log-in',
    'WECHAT_BASE_URL',
    webAddress,
    'https://api.weixin.qq.com',
    'Where WeChat’s API is reached.',
  ),
  wechatAuthorizeUrl: setting(
    'Third-party log-in',
    'WECHAT_AUTHORIZE_URL',
    webAddress,
    'https://open.weixin.qq.com/connect/qrconnect',
    'The page on which people scan WeChat’s QR code.',
  ),
  wecomLogin: setting(
    'Third-party log-in',
    'WECOM_LOGIN',
    onOff,
    false,
    '`on` lets members of WECOM_CORP_ID log in by the application WECOM_AGENT_ID.',
  ),
  wecomAuthorizeUrl: setting(
    'Third-party log-in',
    'WECOM_AUTHORIZE_URL',
    webAddress,
    'https://login.work.weixin.qq.com/wwlogin/sso/login',
    'The page on which people scan WeCom’s QR code.',
  ),
  oidcProviders: optional(
    'Third-party log-in',
    'OIDC_PROVIDERS',
    oidcProviders,
    'none',
    'OpenID Connect providers: `[{"name":"sso","title":"Company log-in","issuer":"https://sso.example.com/realms/main","client_id":"yuyue","client_secret":"…"}]`',
    'secret',
  ),

  accountGraceDays: setting(
    'Privacy',
    'ACCOUNT_GRACE_DAYS',
    wholeNumber(0, 365),
    7,
    'Days after which an account is deleted that its owner gave up; logging in before keeps it.',
  ),
  dataExportDays: setting(
    'Privacy',
    'DATA_EXPORT_DAYS',
    wholeNumber(1, 30),
    3,
    'Days for which the copy of somebody’s data can be fetched.',
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
  venueUseSessionMaxMinutes: setting(
    'Venue',
    'VENUE_USE_SESSION_MAX_MINUTES',
    wholeNumber(1, 10_080),
    240,
    'Minutes after which somebody’s use of a facility ends by itself: they forgot to stop.',
  ),
  supportLlmUrl: optional(
    'Venue',
    'SUPPORT_LLM_URL',
    webAddress,
    'the built-in bot answers from the frequent questions',
    'OpenAI-compatible endpoint whose `/chat/completions` answers in the support chat, such as `https://api.example.com/v1`. Needs SUPPORT_LLM_MODEL.',
  ),
  supportLlmKey: optional(
    'Venue',
    'SUPPORT_LLM_KEY',
    line('1 to 1000 characters'),
    'none',
    'Bearer token for SUPPORT_LLM_URL.',
    'secret',
  ),
  supportLlmModel: optional(
    'Venue',
    'SUPPORT_LLM_MODEL',
    line('the name of a model', 1, 200),
    'none',
    'The model that SUPPORT_LLM_URL is asked for.',
  ),
  supportLlmTimeoutSeconds: setting(
    'Venue',
    'SUPPORT_LLM_TIMEOUT_SECONDS',
    wholeNumber(1, 300),
    20,
    'Seconds to wait for SUPPORT_LLM_URL; after that the built-in bot answers.',
  ),

  roomBasePrefixes: setting(
    'Room',
    'ROOM_BASE_PREFIXES',
    pathPrefixes,
    ['/prod-api', '/dev-api', '/stage-api'],
    'Prefixes under which every path of the room product answers too: its published web client is built with one.',
  ),
  roomCaptcha: setting(
    'Room',
    'ROOM_CAPTCHA',
    onOff,
    false,
    'Whether logging in and registering at the room product’s front door ask for the letters of a picture.',
  ),

  exportHours: setting(
    'Records',
    'EXPORT_HOURS',
    wholeNumber(1, 720),
    24,
    'Hours for which a file that was made in the background can be fetched by its link.',
  ),
  operationLogKeepMonths: setting(
    'Records',
    'OPERATION_LOG_KEEP_MONTHS',
    wholeNumber(0, 240),
    0,
    'Whole months that the operation log is kept, besides the month of today; 0 keeps it for ever. Older months are dropped whole.',
  ),
  loginLogKeepMonths: setting(
    'Records',
    'LOGIN_LOG_KEEP_MONTHS',
    wholeNumber(0, 240),
    12,
    'The same for the log-in log, which holds names and addresses. The law may ask for a least time (China: 6 months).',
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
