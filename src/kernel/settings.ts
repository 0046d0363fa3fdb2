import type { FieldKeys } from '../config/kinds.ts'
import { defineSettings, type Given, type HoldsSettings, type Values } from '../config/settings.ts'
import { dataVariables } from './settings/data.ts'
import { messageVariables } from './settings/messages.ts'
import { peopleVariables } from './settings/people.ts'
import { processVariables } from './settings/process.ts'

const variables = { ...processVariables, ...dataVariables, ...messageVariables, ...peopleVariables } as const

/** The kernel's settings, under the names they have in `Config`. */
type KernelValues = Values<typeof variables>

/**
 * The values of the environment, before missing secrets are created (`ensureSecrets` in secrets/stored.ts completes it
 * to a Config).
 */
export interface LoadedConfig extends Omit<KernelValues, 'publicUrl'>, HoldsSettings {
  /** Without a trailing slash. Derived from HOST and PORT if it is not set. */
  readonly publicUrl: string
  /** Warnings for the log: names that look like a misspelt variable. */
  readonly warnings: readonly string[]
}

/**
 * The configuration of a process. Each property is one environment variable of the kernel: `rateLimitLogin` is
 * RATE_LIMIT_LOGIN. A part reads its own variables through its settings: `venueSettings.of(config)`.
 */
export interface Config extends LoadedConfig {
  readonly secretKey: string
  readonly fieldKeys: FieldKeys
}

/** The variables of the kernel. */
export const kernelSettings = defineSettings(variables, {
  contradictions: (values, given) => [
    ...processFaults(values),
    ...dataFaults(given),
    ...administratorFaults(given),
    ...messageFaults(values, given),
  ],
  needed: [
    ['DATABASE_READ_URL', ['DATABASE_URL']],
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
  ],
})

/** The kernel's configuration from the values that were read. */
export function configOf(read: HoldsSettings, warnings: readonly string[]): LoadedConfig {
  const values = kernelSettings.of(read)
  const publicUrl = values.publicUrl ?? `http://${reachable(values.host)}:${values.port}`
  return { ...values, ...read, publicUrl, warnings }
}

/** The host by which a browser on this machine reaches the address that the server listens on. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function processFaults({ nodeEnv, clock }: KernelValues): string[] {
  if (nodeEnv !== 'production' || clock !== 'manual') return []
  return ['CLOCK: given "manual"; allowed: system, because NODE_ENV is production']
}

function dataFaults(given: Given): string[] {
  if (!given('DATABASE_URL')) return []
  const problems: string[] = []
  if (!given('SECRET_KEY')) {
    problems.push(
      'SECRET_KEY: not set; needed because DATABASE_URL is set: at least 32 characters, the same for every process. ' +
        'Make one: openssl rand -base64 48, ' +
        `or: node -p "crypto.randomBytes(48).toString('base64')"`,
    )
  }
  if (!given('FIELD_KEYS')) {
    problems.push(
      'FIELD_KEYS: not set; needed because DATABASE_URL is set: id:key pairs, the same for every process. ' +
        'Make one: echo "k1:$(openssl rand -base64 32)", ' +
        `or: node -p "'k1:' + crypto.randomBytes(32).toString('base64')"`,
    )
  }
  return problems
}

function administratorFaults(given: Given): string[] {
  if (given('ADMIN_USERNAME')) {
    return given('ADMIN_PASSWORD') ? [] : ['ADMIN_PASSWORD: not set; needed because ADMIN_USERNAME is set']
  }
  const other = ['ADMIN_PASSWORD', 'ADMIN_EMAIL'].find(given)
  return other === undefined ? [] : [`ADMIN_USERNAME: not set; needed because ${other} is set`]
}

function messageFaults({ smsProvider }: KernelValues, given: Given): string[] {
  const problems: string[] = []
  if (smsProvider === 'webhook' && !given('SMS_BASE_URL')) {
    problems.push('SMS_BASE_URL: not set; needed because SMS_PROVIDER is webhook')
  }
  if ((smsProvider === 'aliyun' || smsProvider === 'tencent') && !given('SMS_KEY_ID')) {
    problems.push(`SMS_KEY_ID: not set; needed because SMS_PROVIDER is ${smsProvider}`)
  }
  if (given('SMTP_URL') && !given('MAIL_FROM')) {
    problems.push(
      'MAIL_FROM: not set; needed because SMTP_URL is set: an address such as "Yuyue <no-reply@example.com>"',
    )
  }
  return problems
}
