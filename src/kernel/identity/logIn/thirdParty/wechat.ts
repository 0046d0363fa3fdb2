import { getJson, refused, type ThirdParty, text } from './provider.ts'

export interface WeChatOptions {
  readonly appId: string
  readonly appSecret: string
  readonly baseUrl: string
  readonly authorizeUrl: string
}

const title = '微信'

/**
 * Log-in on a web page by WeChat's QR code (WeChat Open Platform, website application). It supports neither PKCE nor a
 * nonce.
 */
export function weChat({ appId, appSecret, baseUrl, authorizeUrl }: WeChatOptions): ThirdParty {
  return {
    name: 'wechat',
    title,
    async authorizeUrl({ state, redirectUri }) {
      const query = new URLSearchParams({
        appid: appId,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: 'snsapi_login',
        state,
      })
      return `${authorizeUrl}?${query}#wechat_redirect`
    },
    async identify(_handshake, { code = '' }) {
      const exchange = new URL(`${baseUrl}/sns/oauth2/access_token`)
      exchange.search = String(
        new URLSearchParams({ appid: appId, secret: appSecret, code, grant_type: 'authorization_code' }),
      )
      const token = await getJson(title, exchange)
      const [accessToken, openId] = [text(token.access_token), text(token.openid)]
      if (!accessToken || !openId) throw refused(title, new Error(`errcode ${String(token.errcode)}`))
      const profile = new URL(`${baseUrl}/sns/userinfo`)
      profile.search = String(new URLSearchParams({ access_token: accessToken, openid: openId, lang: 'zh_CN' }))
      const person = await getJson(title, profile)
      if (text(person.openid) !== openId) throw refused(title, new Error(`errcode ${String(person.errcode)}`))
      // The unionid is the same in all applications of one owner; the openid differs per application.
      const subject = text(person.unionid) ?? text(token.unionid) ?? openId
      return { subject, displayName: text(person.nickname), email: null }
    },
  }
}
