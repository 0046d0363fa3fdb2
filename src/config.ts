import type { FieldKeys } from './config/kinds.ts'
import { type Variable, variables } from './config/variables.ts'

export type { FieldKey, FieldKeys, OidcProvider } from './config/kinds.ts'
export { PRODUCT_NAMES } from './config/variables.ts'

type Value<V> = V extends Variable<infer T> ? T : never
type Settings = { readonly [K in keyof typeof variables]: Value<(typeof variables)[K]> }

/** What the environment said, before missing secrets are made (`ensureSecrets` in kernel/secrets/stored.ts turns it into a Config). */
export interface LoadedConfig extends Omit<Settings, 'publicUrl'> {
  /** Without a trailing slash. Derived from HOST and PORT when not given. */
  readonly publicUrl: string
  /** Lines worth a warning in the log: names that look like a misspelt variable. */
  readonly warnings: readonly string[]
}

/** The configuration of a process. Each property is one environment variable: `rateLimitLogin` is RATE_LIMIT_LOGIN. */
export interface Config extends LoadedConfig {
  readonly secretKey: string
  readonly fieldKeys: FieldKeys
}

/** The environment is wrong. The message has one line for each problem; no secret is in it. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}

/**
 * Reads every environment variable once. A variable that is set to nothing counts as unset.
 * @throws ConfigurationError that lists every problem at once: variable, what was given, what is allowed.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): LoadedConfig {
  const problems: string[] = []
  const entries = Object.entries<Variable<unknown>>(variables).map(([property, variable]) => {
    const text = env[variable.name]?.trim() ?? ''
    const value = text === '' ? variable.initial : variable.parse(text)
    if (value === undefined && text !== '') problems.push(describe(variable, text))
    return [property, value] as const
  })
  // The boundary between names and types: every property of `variables` has just been read by its own parser.
  const settings = Object.fromEntries(entries) as Settings
  problems.push(...contradictions(settings, (name) => (env[name]?.trim() ?? '') !== ''))
  if (problems.length > 0) throw new ConfigurationError(problems)
  const publicUrl = settings.publicUrl ?? `http://${reachable(settings.host)}:${settings.port}`
  return { ...settings, publicUrl, warnings: misspelt(Object.keys(env)) }
}

function describe(variable: Variable<unknown>, text: string): string {
  return `${variable.name}: given ${display(variable, text)}; allowed: ${variable.kind.allowed}`
}

function display({ isSecret, kind }: Variable<unknown>, text: string): string {
  if (isSecret) return `${text.length} characters (not shown)`
  // An address keeps its password before the last @ or in its query; what can't be read at all may be anything.
  const safe = kind.isAddress ? text.replace(/[?#].*$/s, '').replace(/^([a-z+]+:\/\/)?.*@/is, '$1***@') : text
  return JSON.stringify(safe.length > 100 ? `${safe.slice(0, 100)}…` : safe)
}

/** What two variables say together. A variable that is given but wrong is undefined here; it has its own line already. */
function contradictions(settings: Settings, given: (name: string) => boolean): string[] {
  const problems: string[] = []
  if (settings.nodeEnv === 'production' && settings.clock === 'manual') {
    problems.push('CLOCK: given "manual"; allowed: system, because NODE_ENV is production')
  }
  if (given('DATABASE_READ_URL') && !given('DATABASE_URL')) {
    problems.push('DATABASE_URL: not set; needed because DATABASE_READ_URL is set')
  }
  if (given('DATABASE_URL') && !given('SECRET_KEY')) {
    problems.push(
      'SECRET_KEY: not set; needed because DATABASE_URL is set: at least 32 characters, the same for every process. ' +
        `Make one: openssl rand -base64 48, or: node -p "crypto.randomBytes(48).toString('base64')"`,
    )
  }
  if (given('DATABASE_URL') && !given('FIELD_KEYS')) {
    problems.push(
      'FIELD_KEYS: not set; needed because DATABASE_URL is set: id:key pairs, the same for every process. ' +
        `Make one: echo "k1:$(openssl rand -base64 32)", or: node -p "'k1:' + crypto.randomBytes(32).toString('base64')"`,
    )
  }
  if (given('ADMIN_USERNAME') && !given('ADMIN_PASSWORD')) {
    problems.push('ADMIN_PASSWORD: not set; needed because ADMIN_USERNAME is set')
  }
  if (!given('ADMIN_USERNAME') && (given('ADMIN_PASSWORD') || given('ADMIN_EMAIL'))) {
    problems.push(
      `ADMIN_USERNAME: not set; needed because ${given('ADMIN_PASSWORD') ? 'ADMIN_PASSWORD' : 'ADMIN_EMAIL'} is set`,
    )
  }
  const sms = settings.smsProvider
  if (sms === 'webhook' && !given('SMS_BASE_URL')) {
    problems.push('SMS_BASE_URL: not set; needed because SMS_PROVIDER is webhook')
  }
  if ((sms === 'aliyun' || sms === 'tencent') && !given('SMS_KEY_ID')) {
    problems.push(`SMS_KEY_ID: not set; needed because SMS_PROVIDER is ${sms}`)
  }
  if (given('SUPPORT_LLM_URL') && !given('SUPPORT_LLM_MODEL')) {
    problems.push('SUPPORT_LLM_MODEL: not set; needed because SUPPORT_LLM_URL is set: the name of a model')
  }
  if (given('SMTP_URL') && !given('MAIL_FROM')) {
    problems.push(
      'MAIL_FROM: not set; needed because SMTP_URL is set: an address such as "Yuyue <no-reply@example.com>"',
    )
  }
  return [...problems, ...missing(given)]
}

/** What a provider needs to be used at all. */
const needed: readonly (readonly [string, readonly string[]])[] = [
  ['SMS_PROVIDER', ['SMS_KEY_SECRET']],
  ['SMS_KEY_SECRET', ['SMS_PROVIDER']],
  ['WECOM_CORP_ID', ['WECOM_AGENT_ID', 'WECOM_SECRET']],
  ['WECOM_AGENT_ID', ['WECOM_CORP_ID']],
  ['DINGTALK_ROBOT_SECRET', ['DINGTALK_ROBOT_URL']],
  ['FEISHU_ROBOT_SECRET', ['FEISHU_ROBOT_URL']],
  ['S3_BUCKET', ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY']],
  ['S3_ENDPOINT', ['S3_BUCKET']],
  ['WECHAT_APP_ID', ['WECHAT_APP_SECRET']],
  ['WECHAT_APP_SECRET', ['WECHAT_APP_ID']],
  ['WECOM_LOGIN', ['WECOM_CORP_ID']],
]

function missing(given: (name: string) => boolean): string[] {
  return needed.flatMap(([name, others]) =>
    others
      .filter((other) => given(name) && !given(other))
      .map((other) => `${other}: not set; needed because ${name} is set`),
  )
}

/** The address by which a browser on this machine reaches a host that is listened on. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** Names that are nearly one of ours: set with care, and silently without effect. Short names have too many neighbours. */
function misspelt(names: readonly string[]): string[] {
  const known = Object.values<Variable<unknown>>(variables).map((variable) => variable.name)
  return names.flatMap((name) => {
    if (name.length < 6 || known.includes(name)) return []
    const near = known.find((other) => other.length >= 6 && isNear(name.toUpperCase(), other))
    return near ? [`${name} is set, but the program reads ${near}`] : []
  })
}

/** One letter too many, too few, wrong or swapped with its neighbour. */
function isNear(a: string, b: string): boolean {
  if (a === b) return true
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  const [restA, restB] = [a.slice(start), b.slice(start)]
  const swapped =
    restA.length > 1 && restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2)
  return swapped || restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1)
}
