import type { Clock } from '../../clock.ts'
import type { Config } from '../../settings.ts'
import { dingtalkRobot, feishuRobot, wecomApplication, wecomRobot } from './im.ts'
import { createMailer } from './mailer.ts'
import type { Provider } from './provider.ts'
import { aliyunSms, type SmsAccount, tencentSms, webhookSms } from './sms.ts'

const DEFAULT_BASE = {
  aliyun: 'https://dysmsapi.aliyuncs.com',
  tencent: 'https://sms.tencentcloudapi.com',
  webhook: '',
}

/** Creates the configured providers. */
export function createProviders(config: Config, clock: Clock): readonly Provider[] {
  const mailer = createMailer({
    smtpUrl: config.smtpUrl,
    from: config.mailFrom,
    production: config.nodeEnv === 'production',
    folder: `${config.dataDir}/outbox`,
  })
  return [mailer, smsProvider(config, clock), ...imProviders(config, clock)].filter((one) => one !== undefined)
}

function smsProvider(config: Config, clock: Clock): Provider | undefined {
  if (config.smsProvider === undefined) return undefined
  const account: SmsAccount = {
    baseUrl: config.smsBaseUrl ?? DEFAULT_BASE[config.smsProvider],
    keyId: config.smsKeyId ?? '',
    secret: config.smsKeySecret ?? '',
    signName: config.smsSignName ?? '',
    template: config.smsTemplate ?? '',
    appId: config.smsAppId ?? '',
    region: config.smsRegion,
  }
  const make = { aliyun: aliyunSms, tencent: tencentSms, webhook: webhookSms }
  return make[config.smsProvider](account, clock)
}

function imProviders(config: Config, clock: Clock): readonly (Provider | undefined)[] {
  const { wecomCorpId: corpId, wecomAgentId: agentId, wecomSecret: secret, wecomBaseUrl: baseUrl, timeZone } = config
  return [
    corpId && agentId && secret ? wecomApplication({ baseUrl, corpId, agentId, secret, timeZone }, clock) : undefined,
    config.wecomRobotUrl === undefined ? undefined : wecomRobot(config.wecomRobotUrl),
    config.dingtalkRobotUrl === undefined
      ? undefined
      : dingtalkRobot(config.dingtalkRobotUrl, config.dingtalkRobotSecret, clock),
    config.feishuRobotUrl === undefined
      ? undefined
      : feishuRobot(config.feishuRobotUrl, config.feishuRobotSecret, clock),
  ]
}
