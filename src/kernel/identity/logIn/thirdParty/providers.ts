import { NotFound } from '../../../errors.ts'
import type { Config } from '../../../settings.ts'
import { openIdConnect } from './oidc.ts'
import type { ThirdParty } from './provider.ts'
import { weChat } from './wechat.ts'
import { weCom } from './wecom.ts'

/** Makes the third parties that are configured. */
export function createThirdParties(config: Config): readonly ThirdParty[] {
  return [...weChatOf(config), ...weComOf(config), ...(config.oidcProviders ?? []).map(openIdConnect)]
}

/** Finds one of them. @throws NotFound */
export function thirdPartyNamed(parties: readonly ThirdParty[], name: string): ThirdParty {
  const party = parties.find((one) => one.name === name)
  if (!party) throw new NotFound('not_found', 'Nobody can log in by this provider here.')
  return party
}

/** Where a third party sends people back to: from the configuration alone. */
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
