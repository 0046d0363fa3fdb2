import { getJson, refused, type ThirdParty, text, unavailable } from './provider.ts'

export interface WeComOptions {
  readonly corpId: string
  readonly agentId: string
  readonly secret: string
  readonly baseUrl: string
  readonly authorizeUrl: string
}

const title = '企业微信'
/** Error codes for an invalid, missing or expired access token. */
const TOKEN_ENDED = [40014, 41001, 42001]

/** Log-in on a web page as a member of one WeCom corporation. It supports neither PKCE nor a nonce. */
export function weCom({ corpId, agentId, secret, baseUrl, authorizeUrl }: WeComOptions): ThirdParty {
  let known: string | undefined

  const address = (path: string, query: Readonly<Record<string, string>>) => {
    const url = new URL(`${baseUrl}${path}`)
    url.search = String(new URLSearchParams(query))
    return url
  }

  /**
   * Calls the API with the cached application token. Repeats the call with a new token if the cached one is refused.
   */
  const call = async (path: string, query: Readonly<Record<string, string>>) => {
    const before = known
    const answer = await getJson(title, address(path, { access_token: before ?? (await newToken()), ...query }))
    if (before === undefined || !TOKEN_ENDED.includes(Number(answer.errcode))) return answer
    return await getJson(title, address(path, { access_token: await newToken(), ...query }))
  }

  const newToken = async (): Promise<string> => {
    const answer = await getJson(title, address('/cgi-bin/gettoken', { corpid: corpId, corpsecret: secret }))
    const token = text(answer.access_token)
    // WeCom refuses our own application: the person cannot do anything about it.
    if (!token) throw unavailable(title, new Error(`gettoken errcode ${String(answer.errcode)}`))
    known = token
    return token
  }

  return {
    name: 'wecom',
    title,
    async authorizeUrl({ state, redirectUri }) {
      const query = { login_type: 'CorpApp', appid: corpId, agentid: agentId, redirect_uri: redirectUri, state }
      return `${authorizeUrl}?${new URLSearchParams(query)}`
    },
    async identify(_handshake, { code = '' }) {
      const answer = await call('/cgi-bin/auth/getuserinfo', { code })
      const userId = text(answer.userid)
      // Guests are not members: they have an openid instead of a userid.
      if (answer.errcode !== 0 || !userId) throw refused(title, new Error(`errcode ${String(answer.errcode)}`))
      const member = await call('/cgi-bin/user/get', { userid: userId }).catch(() => undefined)
      const name = text(member?.name)
      // WeCom treats user ids as case-insensitive.
      return { subject: `${corpId}:${userId.toLowerCase()}`, displayName: name ?? userId, email: null }
    },
  }
}
