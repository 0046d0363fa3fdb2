import { line, oneOf, onOff, origins, proxies, timeZone, webAddress, wholeNumber } from '../../config/kinds.ts'
import { optional, setting } from '../../config/settings.ts'

const PROCESS_LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** The process, its network, its limits and its records. */
export const processVariables = {
  nodeEnv: setting(
    'Process',
    'NODE_ENV',
    oneOf('development', 'production', 'test'),
    'development',
    'Purpose of this process. `production` writes JSON logs and refuses development aids.',
  ),
  dataDir: setting(
    'Process',
    'DATA_DIR',
    line('a folder'),
    './data',
    'Folder for the embedded database, generated secrets, files and the development outbox. Created when absent.',
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
    'Seconds that requests and jobs in flight have to finish after SIGTERM.',
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
    'Public address of this site; links in mails start with it.',
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
    'Proxies whose `X-Forwarded-For` names the caller. `on` trusts everybody: ' +
      'use it only where nothing but a proxy can reach the port.',
  ),
  rateLimit: setting('Limits', 'RATE_LIMIT', onOff, true, '`off` for load tests and closed networks.'),
  rateLimitGeneral: setting(
    'Limits',
    'RATE_LIMIT_GENERAL',
    wholeNumber(1, 1_000_000),
    100,
    'Requests per minute of one user or, signed out, of one address.',
  ),
  rateLimitLogin: setting(
    'Limits',
    'RATE_LIMIT_LOGIN',
    wholeNumber(1, 1_000_000),
    5,
    'Log-ins per minute from one address.',
  ),
  rateLimitMessage: setting(
    'Limits',
    'RATE_LIMIT_MESSAGE',
    wholeNumber(1, 1_000_000),
    50,
    'Messages per minute that one user may send.',
  ),
  exportHours: setting(
    'Records',
    'EXPORT_HOURS',
    wholeNumber(1, 720),
    24,
    'Hours for which an export made in the background can be downloaded by its link.',
  ),
  operationLogKeepMonths: setting(
    'Records',
    'OPERATION_LOG_KEEP_MONTHS',
    wholeNumber(0, 240),
    0,
    'Whole months for which the operation log is kept, besides the current one; 0 keeps it without limit. ' +
      'Older months are deleted as a whole.',
  ),
  loginLogKeepMonths: setting(
    'Records',
    'LOGIN_LOG_KEEP_MONTHS',
    wholeNumber(0, 240),
    12,
    'The same for the log-in log, which holds names and addresses. The law may require a minimum (China: 6 months).',
  ),
  logLevel: setting(
    'Logging',
    'LOG_LEVEL',
    oneOf(...PROCESS_LOG_LEVELS),
    'info',
    'The lowest level of log lines that are written.',
  ),
  logDir: optional(
    'Logging',
    'LOG_DIR',
    line('a folder'),
    'no files',
    'Folder for one log file a day, besides standard output.',
  ),
  logRetentionDays: setting(
    'Logging',
    'LOG_RETENTION_DAYS',
    wholeNumber(1, 3650),
    14,
    'Days for which log files are kept.',
  ),
} as const
