import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** The data that belong to a code that a fake issued. */
interface Given {
  readonly person: Readonly<Record<string, unknown>>
  readonly redirectUri: string
  readonly challenge: string | null
  readonly nonce: string | null
}

/** A third party on this machine with the protocol of the real one. */
export interface FakeThirdParty {
  readonly url: string
  /**
   * Acts for a person who agrees on the page of `authorizeUrl`; returns the parameters of the redirect.
   * @throws Error when the page would refuse.
   */
  agree(
    authorizeUrl: string,
    person: Readonly<Record<string, unknown>>,
  ): { readonly code: string; readonly state: string }
  /** Fails every call while it is true. */
  down: boolean
  close(): Promise<void>
}

type Answer = (url: URL, request: IncomingMessage, form: URLSearchParams) => Reply
interface Reply {
  readonly status?: number
  readonly type?: string
  readonly body: object
}

async function serve(answer: Answer, state: { down: boolean }) {
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const form = new URLSearchParams(await text(request))
    if (state.down) return void response.writeHead(502).end('down')
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
    const { status = 200, type = 'application/json', body } = answer(url, request, form)
    response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** Issues codes that can be used once. */
function codes() {
  const given = new Map<string, Given>()
  return {
    give(one: Given): string {
      const code = randomBytes(12).toString('base64url')
      given.set(code, one)
      return code
    },
    take(code: string | null): Given | undefined {
      const found = given.get(code ?? '')
      given.delete(code ?? '')
      return found
    },
  }
}

function need(url: URL, expected: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(expected)) {
    if (url.searchParams.get(name) !== value) throw new Error(`${name} is ${url.searchParams.get(name)}, not ${value}`)
  }
}

function came(url: URL): Omit<Given, 'person'> & { readonly state: string } {
  const { searchParams: query } = url
  return {
    redirectUri: query.get('redirect_uri') ?? '',
    challenge: query.get('code_challenge'),
    nonce: query.get('nonce'),
    state: query.get('state') ?? '',
  }
}

/** WeChat's website log-in: sns/oauth2/access_token and sns/userinfo, JSON as text/plain. */
export async function openFakeWeChat(): Promise<FakeThirdParty> {
  const state = { down: false }
  const { give, take } = codes()
  const tokens = new Map<string, Given>()
  const say = (body: object): Reply => ({ type: 'text/plain', body })
  const { url, close } = await serve(({ pathname, searchParams: query }) => {
    if (pathname === '/sns/oauth2/access_token') {
      if (query.get('appid') !== 'wx1' || query.get('secret') !== 's3cret')
        return say({ errcode: 40013, errmsg: 'invalid appid' })
      const given = take(query.get('code'))
      if (!given || query.get('grant_type') !== 'authorization_code')
        return say({ errcode: 40029, errmsg: 'invalid code' })
      const token = randomBytes(12).toString('base64url')
      tokens.set(token, given)
      const { openid, unionid } = given.person
      return say({ access_token: token, expires_in: 7200, refresh_token: 'r', openid, unionid, scope: 'snsapi_login' })
    }
    if (pathname === '/sns/userinfo') {
      const given = tokens.get(query.get('access_token') ?? '')
      if (!given || given.person.openid !== query.get('openid'))
        return say({ errcode: 40001, errmsg: 'invalid credential' })
      return say({ ...given.person, sex: 0, headimgurl: '' })
    }
    return { status: 404, body: {} }
  }, state)
  return Object.assign(state, {
    url,
    close,
    agree(authorizeUrl: string, person: Readonly<Record<string, unknown>>) {
      const page = new URL(authorizeUrl)
      need(page, { appid: 'wx1', response_type: 'code', scope: 'snsapi_login' })
      if (page.hash !== '#wechat_redirect') throw new Error('no #wechat_redirect')
      const { state, ...rest } = came(page)
      return { code: give({ ...rest, person }), state }
    },
  })
}

/** WeCom's web log-in: gettoken, auth/getuserinfo, user/get. `endTokens` makes it forget the tokens it issued. */
export async function openFakeWeCom(): Promise<FakeThirdParty & { endTokens(): void }> {
  const state = { down: false }
  const { give, take } = codes()
  const tokens = new Set<string>()
  const members = new Map<string, Readonly<Record<string, unknown>>>()
  const { url, close } = await serve(({ pathname, searchParams: query }) => {
    if (pathname === '/cgi-bin/gettoken') {
      if (query.get('corpid') !== 'ww1' || query.get('corpsecret') !== 's3cret')
        return { body: { errcode: 40001, errmsg: 'bad secret' } }
      const token = randomBytes(12).toString('base64url')
      tokens.add(token)
      return { body: { errcode: 0, errmsg: 'ok', access_token: token, expires_in: 7200 } }
    }
    if (!tokens.has(query.get('access_token') ?? ''))
      return { body: { errcode: 40014, errmsg: 'invalid access_token' } }
    if (pathname === '/cgi-bin/auth/getuserinfo') {
      const given = take(query.get('code'))
      return {
        body: given ? { errcode: 0, errmsg: 'ok', ...given.person } : { errcode: 40029, errmsg: 'invalid code' },
      }
    }
    if (pathname === '/cgi-bin/user/get') {
      const member = members.get(query.get('userid') ?? '')
      return { body: member ? { errcode: 0, errmsg: 'ok', ...member } : { errcode: 60111, errmsg: 'userid not found' } }
    }
    return { status: 404, body: {} }
  }, state)
  return Object.assign(state, {
    url,
    close,
    endTokens: () => tokens.clear(),
    agree(authorizeUrl: string, person: Readonly<Record<string, unknown>>) {
      const page = new URL(authorizeUrl)
      need(page, { login_type: 'CorpApp', appid: 'ww1', agentid: '1000002' })
      const { state, ...rest } = came(page)
      const { name, ...identity } = person
      if (typeof identity.userid === 'string') members.set(identity.userid, { userid: identity.userid, name })
      return { code: give({ ...rest, person: identity }), state }
    },
  })
}

export interface FakeOidc extends FakeThirdParty {
  /** Spoils the next id_token in one way. */
  spoil: 'signature' | 'audience' | 'issuer' | 'nonce' | 'expired' | undefined
  /** How clients must prove themselves, and what the discovery document says about it. */
  takes: 'client_secret_basic' | 'client_secret_post'
  announces: readonly string[] | undefined
  /** The id_token has the subject alone; the other claims are at the userinfo endpoint, whose subject may be another. */
  bare: boolean
  userinfoSubject: string | undefined
}

/** An OpenID Connect provider: discovery, authorization code with PKCE (S256) and client_secret, id_tokens, JWKS. */
export async function openFakeOidc(): Promise<FakeOidc> {
  const { give, take } = codes()
  const good = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const bad = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const state: Pick<FakeOidc, 'down' | 'spoil' | 'takes' | 'announces' | 'bare' | 'userinfoSubject'> = {
    down: false,
    spoil: undefined,
    takes: 'client_secret_basic',
    announces: ['client_secret_basic'],
    bare: false,
    userinfoSubject: undefined,
  }
  let latest: Given | undefined

  const idToken = (issuer: string, { person, nonce }: Given): string => {
    // Real time, because the client compares it with the system clock.
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: state.spoil === 'issuer' ? 'http://127.0.0.1:1' : issuer,
      aud: state.spoil === 'audience' ? 'another' : 'yuyue',
      iat: state.spoil === 'expired' ? now - 7200 : now,
      exp: state.spoil === 'expired' ? now - 3600 : now + 300,
      nonce: state.spoil === 'nonce' ? 'another' : nonce,
      ...(state.bare ? { sub: person.sub } : person),
    }
    const key = state.spoil === 'signature' ? bad.privateKey : good.privateKey
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const head = `${encode({ alg: 'RS256', kid: 'k1' })}.${encode(claims)}`
    return `${head}.${sign('sha256', Buffer.from(head), key).toString('base64url')}`
  }

  const { url, close } = await serve(({ pathname, origin }, request, form) => {
    if (pathname === '/.well-known/openid-configuration') {
      return {
        body: {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          jwks_uri: `${origin}/jwks`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
          code_challenge_methods_supported: ['S256'],
          userinfo_endpoint: `${origin}/userinfo`,
          ...(state.announces && { token_endpoint_auth_methods_supported: state.announces }),
        },
      }
    }
    if (pathname === '/jwks') {
      return { body: { keys: [{ ...good.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }] } }
    }
    if (pathname === '/userinfo') {
      if (request.headers.authorization !== 'Bearer a' || !latest) return { status: 401, body: {} }
      return { body: { ...latest.person, sub: state.userinfoSubject ?? latest.person.sub } }
    }
    if (pathname !== '/token' || request.method !== 'POST') return { status: 404, body: {} }
    const basic = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString()
    const isPost = form.get('client_id') === 'yuyue' && form.get('client_secret') === 's3cret'
    const isClient =
      state.takes === 'client_secret_basic' ? basic === 'yuyue:s3cret' && !form.has('client_secret') : isPost
    if (!isClient) return { status: 401, body: { error: 'invalid_client' } }
    const given = take(form.get('code'))
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (!given || given.challenge !== challenge || given.redirectUri !== form.get('redirect_uri')) {
      return { status: 400, body: { error: 'invalid_grant' } }
    }
    latest = given
    return { body: { access_token: 'a', token_type: 'Bearer', expires_in: 300, id_token: idToken(origin, given) } }
  }, state)
  return Object.assign(state, {
    url,
    close,
    agree(authorizeUrl: string, person: Readonly<Record<string, unknown>>) {
      const page = new URL(authorizeUrl)
      need(page, { client_id: 'yuyue', response_type: 'code', code_challenge_method: 'S256' })
      const { state, ...rest } = came(page)
      if (!rest.nonce || !rest.challenge || !page.searchParams.get('scope')?.includes('openid'))
        throw new Error('not OIDC')
      return { code: give({ ...rest, person }), state }
    },
  })
}
