import { NotFound } from '../../../errors.ts'
import type { Config } from '../../../settings.ts'
import { openIdConnect } from './oidc.ts'
import type { ThirdParty } from './provider.ts'
import { weChat } from './wechat.ts'
import { weCom } from './wecom.ts'

/** Creates the configured third parties. */
export function createThirdParties(config: Config): readonly ThirdParty[] {
  return [...weChatOf(config), ...weComOf(config), ...(config.oidcProviders ?? []).map(openIdConnect)]
}

/** Finds a third party by its name. @throws NotFound */
export function thirdPartyNamed(parties: readonly ThirdParty[], name: string): ThirdParty {
  const party = parties.find((one) => one.name === name)
  if (!party) throw new NotFound('not_found', 'There is no log-in by this provider here.')
  return party
}

/** The address to which a third party sends the browser back; depends on the configuration only. */
export function redirectUriOf(config: Config, provider: string): string {
  const template = config.authRedirectUrl ?? `${config.publicUrl}/api/v1/auth/{provider}/callback`
  return template.replace('{provider}', provider)
}

function weChatOf({ wechatAppId: appId, wechatAppSecret: appSecret, ...config }: Config): ThirdParty[] {
  if (appId === undefined || appSecret === undefined) return []
  return [weChat({ appId, appSecret, baseUrl: config.wechatBaseUrl, authorizeUrl: config.wechatAuthorizeUrl })]
}

function weComOf({ wecomLogin, wecomCorpId, wecomAgentId, wecomSecret, ...config }: Config): ThirdParty[] {
  if (!wecomLogin || wecomCorpId === undefined || wecomAgentId === undefined || wecomSecret === undefined) return []
  return [
    weCom({
      corpId: wecomCorpId,
      agentId: wecomAgentId,
      secret: wecomSecret,
      baseUrl: config.wecomBaseUrl,
      authorizeUrl: config.wecomAuthorizeUrl,
    }),
  ]
}
