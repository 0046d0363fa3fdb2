import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type FakeOidc,
  type FakeThirdParty,
  openFakeOidc,
  openFakeWeChat,
  openFakeWeCom,
} from '../../../../../test/support/fakes/thirdParties.ts'
import { openWorld, type Person, type World } from '../../../../../test/support/world.ts'

let world: World
let weChat: FakeThirdParty
let weCom: Awaited<ReturnType<typeof openFakeWeCom>>
let oidc: FakeOidc
let count = 0

beforeAll(async () => {
  weChat = await openFakeWeChat()
  weCom = await openFakeWeCom()
  oidc = await openFakeOidc()
  world = await openWorld({
    PUBLIC_URL: 'https://booking.example.com',
    WECHAT_APP_ID: 'wx1',
    WECHAT_APP_SECRET: 's3cret',
    WECHAT_BASE_URL: weChat.url,
    WECOM_LOGIN: 'on',
    WECOM_CORP_ID: 'ww1',
    WECOM_AGENT_ID: '1000002',
    WECOM_SECRET: 's3cret',
    WECOM_BASE_URL: weCom.url,
    OIDC_PROVIDERS: JSON.stringify([
      { name: 'sso', title: 'Company', issuer: oidc.url, client_id: 'yuyue', client_secret: 's3cret' },
    ]),
  })
})
afterAll(async () => {
  await world.close()
  for (const fake of [weChat, weCom, oidc]) await fake.close()
})
beforeEach(() => {
  count += 1
})

const PASSWORD = 'violet-harbour-42'

async function begin(provider: string, as?: Person) {
  const { status, body, headers } = await world.call('GET', `/api/v1/auth/${provider}/authorize`, as ? { as } : {})
  expect(status).toBe(200)
  const [cookie = ''] = String(headers['set-cookie']).split(';')
  return { ...body, cookie, setCookie: String(headers['set-cookie']) }
}

interface Back {
  readonly code?: string
  readonly state?: string
  readonly error?: string
}

/** Follows the redirect in the browser that holds this cookie. */
function comeBack(provider: string, back: Back, cookie: string) {
  const query = new URLSearchParams({ ...back })
  return world.call('GET', `/api/v1/auth/${provider}/callback?${query}`, { headers: { cookie } })
}

/** Runs a complete log-in. */
async function logIn(provider: string, fake: FakeThirdParty, person: Record<string, unknown>, as?: Person) {
  const { url, cookie } = await begin(provider, as)
  return await comeBack(provider, fake.agree(url, person), cookie)
}

const identities = async (as: Person) =>
  (await world.call('GET', '/api/v1/users/me/identities', { as })).body.items.map(
    (one: { provider: string }) => one.provider,
  )

describe.each([
  ['wechat', () => weChat, { openid: 'o1', unionid: 'u1', nickname: '小林' }],
  ['wecom', () => weCom, { userid: 'LinXi', name: '小林' }],
  ['sso', () => oidc, { sub: 's1', name: '小林' }],
] as const)('Logging in by %s', (provider, fake, person) => {
  it('creates an account the first time and logs in to it the next time', async () => {
    const first = await logIn(provider, fake(), person)
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject({
      token_type: 'bearer',
      user: { display_name: '小林', roles: ['venue:employee'] },
    })
    expect(first.headers['cache-control']).toBe('no-store')
    const as = { id: first.body.user.id, token: first.body.access_token }
    expect((await world.call('GET', '/api/v1/users/me', { as })).status).toBe(200)
    expect(await identities(as)).toEqual([provider])
    const second = await logIn(provider, fake(), person)
    expect(second.body.user.id).toBe(first.body.user.id)
  })

  it('links the account of the signed-in user', async () => {
    const as = await world.person()
    const own = { openid: `o${count}${provider}`, userid: `m${count}`, sub: `s${count}` }
    const linked = await logIn(provider, fake(), own, as)
    expect(linked.body).toMatchObject({ linked: true, user: { id: as.id } })
    expect(linked.body).not.toHaveProperty('access_token')
    expect((await world.inbox(as)).map(({ type }) => type)).toEqual(['account.identity_linked'])
    expect((await logIn(provider, fake(), own)).body.user.id).toBe(as.id)
    expect(await identities(as)).toEqual([provider])
  })

  it('refuses a used state, a used code and a denied log-in', async () => {
    const { url, cookie } = await begin(provider)
    const back = fake().agree(url, { ...person, openid: 'o9', unionid: 'u9', userid: 'm9', sub: 's9' })
    expect((await comeBack(provider, back, cookie)).status).toBe(200)
    expect(await comeBack(provider, back, cookie)).toMatchObject({ status: 400, body: { code: 'bad_state' } })
    const again = await begin(provider)
    const replayed = await comeBack(provider, { code: back.code, state: again.state }, again.cookie)
    expect(replayed).toMatchObject({ status: 401, body: { code: 'third_party_refused' } })
    const denied = await begin(provider)
    expect(await comeBack(provider, { error: 'access_denied', state: denied.state }, denied.cookie)).toMatchObject({
      status: 401,
      body: { code: 'third_party_refused' },
    })
  })

  it('reports that the third party is down', async () => {
    const { url, cookie } = await begin(provider)
    const back = fake().agree(url, person)
    fake().down = true
    try {
      const { status, body, headers } = await comeBack(provider, back, cookie)
      expect([status, body.code, headers['retry-after']]).toEqual([503, 'third_party_unavailable', '30'])
    } finally {
      fake().down = false
    }
  })
})

describe('A log-in at a third party', () => {
  it('redirects only to the configured address', async () => {
    const asked = await world.call(
      'GET',
      '/api/v1/auth/sso/authorize?redirect_uri=https://evil.example&next=//evil.example',
    )
    const { searchParams } = new URL(asked.body.url)
    expect(searchParams.get('redirect_uri')).toBe('https://booking.example.com/api/v1/auth/sso/callback')
    expect(asked.body.url).not.toContain('evil')
  })

  it('can be finished only in the browser that began it', async () => {
    const { url, state } = await begin('sso')
    const back = oidc.agree(url, { sub: `s${count}` })
    const other = await begin('sso')
    for (const cookie of ['', other.cookie, `yuyue_sign_in_${state.slice(0, 12)}=x`]) {
      expect((await comeBack('sso', back, cookie)).body.code).toBe('bad_state')
    }
  })

  it('hides its cookie from scripts and other sites', async () => {
    const { setCookie } = await begin('sso')
    expect(setCookie).toMatch(/^yuyue_sign_in_\w+=[\w-]{43}; Path=\/api; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/)
  })

  it('can end on an application’s own page, which sends the binding', async () => {
    const { url, binding } = await begin('sso')
    const back = oidc.agree(url, { sub: `s${count}` })
    const wrong = await world.call('POST', '/api/v1/auth/sso/callback', { payload: { ...back, binding: 'another' } })
    expect(wrong.body.code).toBe('bad_state')
    const { status } = await world.call('POST', '/api/v1/auth/sso/callback', { payload: { ...back, binding } })
    expect(status).toBe(200)
  })

  it('expires after 10 minutes', async () => {
    const { url, cookie } = await begin('sso')
    const back = oidc.agree(url, { sub: `s${count}` })
    world.clock.advance(10)
    expect((await comeBack('sso', back, cookie)).body.code).toBe('bad_state')
  })

  it('cannot be finished at another provider', async () => {
    const { url, state, cookie } = await begin('sso')
    const { code } = oidc.agree(url, { sub: `s${count}` })
    expect((await comeBack('wechat', { code, state }, cookie)).body.code).toBe('bad_state')
  })

  it('succeeds once when two requests use one state at the same time', async () => {
    const { url, cookie } = await begin('sso')
    const back = oidc.agree(url, { sub: `s${count}` })
    const answers = await Promise.all([1, 2, 3].map(() => comeBack('sso', back, cookie)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
  })

  it.each(['signature', 'audience', 'issuer', 'nonce', 'expired'] as const)(
    'is refused when the %s of the id_token is wrong',
    async (spoil) => {
      const { url, cookie } = await begin('sso')
      const back = oidc.agree(url, { sub: 'victim' })
      oidc.spoil = spoil
      try {
        expect(await comeBack('sso', back, cookie)).toMatchObject({
          status: 401,
          body: { code: 'third_party_refused' },
        })
      } finally {
        oidc.spoil = undefined
      }
      expect(await world.rows(`SELECT id FROM user_identities WHERE subject = 'victim'`)).toEqual([])
    },
  )

  it('stores no readable state, verifier or nonce', async () => {
    const { url, state, binding } = await begin('sso')
    const nonce = new URL(url).searchParams.get('nonce') ?? '?'
    const [row] = await world.rows<{ row: string }>('SELECT to_jsonb(s)::text AS row FROM sign_in_states s')
    for (const secret of [state, binding, nonce]) expect(row?.row).not.toContain(secret)
  })

  it('adopts only a verified address that no other account has', async () => {
    const emailOf = async (sub: string, claims: object) =>
      (await logIn('sso', oidc, { sub, ...claims })).body.user.email
    const address = `person${count}@example.com`
    expect(await emailOf('e1', { email: address, email_verified: true })).toBe(address)
    expect(await emailOf('e2', { email: address, email_verified: true })).toBeNull()
    expect(await emailOf('e3', { email: `other${count}@example.com`, email_verified: false })).toBeNull()
  })

  it('never logs in to an account because of an equal address', async () => {
    const email = `owner${count}@example.com`
    const owner = await world.person('venue:employee', { email })
    const { body } = await logIn('sso', oidc, { sub: `thief${count}`, email, email_verified: true })
    expect(body.user.id).not.toBe(owner.id)
  })

  it('refuses a disabled account', async () => {
    const { body } = await logIn('sso', oidc, { sub: `d${count}` })
    const as = await world.person('admin')
    await world.call('PUT', `/api/v1/users/${body.user.id}`, { as, payload: { status: 'disabled' } })
    expect((await logIn('sso', oidc, { sub: `d${count}` })).body.code).toBe('account_disabled')
  })

  it('is recorded in the log-in log', async () => {
    const { body } = await logIn('sso', oidc, { sub: `l${count}` })
    expect(await world.rows(`SELECT name, result FROM login_log WHERE user_id = ${body.user.id} ORDER BY id`)).toEqual([
      { name: `sso:${body.user.username}`, result: 'success' },
    ])
  })

  it('at WeCom survives an application token that expires early, and refuses guests', async () => {
    weCom.endTokens()
    expect((await logIn('wecom', weCom, { userid: `w${count}`, name: 'A' })).status).toBe(200)
    expect((await logIn('wecom', weCom, { openid: 'guest' })).body.code).toBe('third_party_refused')
  })

  it('is offered where it is configured', async () => {
    const { body } = await world.call('GET', '/api/v1/auth/providers')
    expect(body.items.map((one: { name: string }) => one.name)).toEqual(['wechat', 'wecom', 'sso'])
    expect((await world.call('GET', '/api/v1/auth/github/authorize')).status).toBe(404)
    expect((await world.call('GET', '/api/v1/auth/GitHub%2f/authorize')).status).toBe(400)
  })
})

describe('Linking', () => {
  it('is refused for another user’s third-party account, and for a second one at the same provider', async () => {
    const [mine, theirs] = [`a${count}`, `b${count}`]
    await logIn('sso', oidc, { sub: theirs })
    const as = await world.person()
    expect((await logIn('sso', oidc, { sub: theirs }, as)).body.code).toBe('identity_taken')
    expect((await logIn('sso', oidc, { sub: mine }, as)).status).toBe(200)
    expect((await logIn('sso', oidc, { sub: `c${count}` }, as)).body.code).toBe('already_linked')
    expect((await logIn('sso', oidc, { sub: mine }, as)).status).toBe(200)
  })

  it('needs a log-in of the last ten minutes, or the password, and opens no session that could stand in for one', async () => {
    const name = `owner${count}`
    await world.call('POST', '/api/v1/users/register', { payload: { username: name, password: PASSWORD } })
    const entered = await world.call('POST', '/api/v1/users/login', { payload: { username: name, password: PASSWORD } })
    const as = { id: entered.body.user.id, token: entered.body.access_token }
    const changeEmail = () =>
      world.call('PUT', '/api/v1/users/me', { as, payload: { email: `thief${count}@example.com` } })
    const path = '/api/v1/users/me/identities/sso'
    const link = async (password?: string) =>
      await world.call('POST', path, { as, payload: password === undefined ? null : { password } })
    const before = world.clock.now()
    world.clock.set(new Date(before.getTime() + 10 * 60_000 + 1000))
    try {
      expect((await changeEmail()).body.code).toBe('password_required')
      expect((await world.call('GET', '/api/v1/auth/sso/authorize', { as })).body.code).toBe('password_required')
      expect((await link()).body.code).toBe('password_required')
      expect((await link('wrong-harbour-42')).body.code).toBe('bad_password')
      const begun = await link(PASSWORD)
      const back = oidc.agree(begun.body.url, { sub: `own${count}` })
      const ended = await comeBack('sso', back, String(begun.headers['set-cookie']).split(';')[0] ?? '')
      expect(ended.body).toMatchObject({ linked: true, user: { id: as.id } })
      expect((await changeEmail()).body.code).toBe('password_required')
      const drop = (payload: unknown) => world.call('DELETE', path, { as, payload })
      expect((await drop(null)).body.code).toBe('password_required')
      expect(await identities(as)).toEqual(['sso'])
      expect((await drop({ password: PASSWORD })).status).toBe(204)
      expect((await world.inbox(as)).map(({ type }) => type)).toEqual([
        'account.welcome',
        'account.identity_linked',
        'account.identity_unlinked',
      ])
    } finally {
      world.clock.set(before)
    }
  })

  it('is refused when the session in which it began has ended', async () => {
    const as = await world.person()
    const { url, cookie } = await begin('sso', as)
    const back = oidc.agree(url, { sub: `x${count}` })
    await world.call('POST', '/api/v1/users/logout', { as })
    expect((await comeBack('sso', back, cookie)).body.code).toBe('bad_state')
  })

  it('cannot begin with an ended session, which would create a second account', async () => {
    const as = await world.person()
    await world.call('POST', '/api/v1/users/logout', { as })
    const refused = await world.call('GET', '/api/v1/auth/sso/authorize', { as })
    expect(refused).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(refused.headers).not.toHaveProperty('set-cookie')
  })

  it('can be removed while another way to log in is left', async () => {
    const made = await world.call('POST', '/api/v1/users/register', {
      payload: { username: `linxi${count}`, password: PASSWORD },
    })
    const entered = await world.call('POST', '/api/v1/users/login', {
      payload: { username: `linxi${count}`, password: PASSWORD },
    })
    const as = { id: made.body.id, token: entered.body.access_token }
    await logIn('sso', oidc, { sub: `y${count}` }, as)
    const path = '/api/v1/users/me/identities/sso'
    expect((await world.call('DELETE', path, { as })).status).toBe(204)
    expect((await world.call('DELETE', path, { as })).status).toBe(404)
    expect((await logIn('sso', oidc, { sub: `y${count}` })).body.user.id).not.toBe(as.id)
  })

  it('keeps one way to log in when two links are removed at the same time', async () => {
    const { body } = await logIn('sso', oidc, { sub: `z${count}` })
    const as = { id: body.user.id, token: body.access_token }
    expect((await world.call('DELETE', '/api/v1/users/me/identities/sso', { as })).body.code).toBe('last_log_in')
    await logIn('wechat', weChat, { openid: `z${count}` }, as)
    const both = await Promise.all(
      ['sso', 'wechat'].map((one) => world.call('DELETE', `/api/v1/users/me/identities/${one}`, { as })),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([204, 409])
    expect(await identities(as)).toHaveLength(1)
  })
})

describe('A provider of OpenID Connect', () => {
  const as = async (change: Partial<FakeOidc>, person: Record<string, unknown>) => {
    // Every case has a provider of its own, because what a provider announces is remembered.
    const fake = await openFakeOidc()
    const own = await openWorld({
      PUBLIC_URL: 'https://booking.example.com',
      OIDC_PROVIDERS: JSON.stringify([
        { name: 'sso', title: 'Company', issuer: fake.url, client_id: 'yuyue', client_secret: 's3cret' },
      ]),
    })
    try {
      Object.assign(fake, change)
      const begun = await own.call('GET', '/api/v1/auth/sso/authorize')
      const back = fake.agree(begun.body.url, person)
      const cookie = String(begun.headers['set-cookie']).split(';')[0] ?? ''
      return await own.call('GET', `/api/v1/auth/sso/callback?${new URLSearchParams(back)}`, { headers: { cookie } })
    } finally {
      await own.close()
      await fake.close()
    }
  }

  it.each([
    ['announces Basic', { takes: 'client_secret_basic', announces: ['client_secret_basic'] }],
    ['announces nothing, which means Basic', { takes: 'client_secret_basic', announces: undefined }],
    ['announces post', { takes: 'client_secret_post', announces: ['client_secret_post'] }],
  ] as const)('that %s gets the secret that way', async (_what, change) => {
    expect((await as(change, { sub: 's1' })).status).toBe(200)
  })

  it('whose id_token has the subject alone is asked for the rest', async () => {
    const person = { sub: 's1', name: '小林', email: 'lin@example.com', email_verified: 'true' }
    const { body } = await as({ bare: true }, person)
    expect(body.user).toMatchObject({ display_name: '小林', email: 'lin@example.com' })
    expect((await as({ bare: true, userinfoSubject: 'another' }, person)).body.code).toBe('third_party_refused')
  })

  it.each([
    [{ given_name: '小明', family_name: '王' }, '王小明'],
    [{ given_name: 'Ada', family_name: 'Lovelace' }, 'Ada Lovelace'],
    [{ nickname: 'ada', preferred_username: 'al' }, 'ada'],
    [{ name: ' ', preferred_username: 'al' }, 'al'],
    [{ name: `${'x'.repeat(99)}🏀z` }, `${'x'.repeat(99)}🏀`],
    [{ name: '会议\u000b讨论' }, '会议 讨论'],
    [{ name: 7, nickname: ['a'] }, expect.stringMatching(/^sso-/)],
  ])('that says %j names the person %j', async (claims, name) => {
    expect((await as({}, { sub: 's1', ...claims })).body.user.display_name).toEqual(name)
  })

  it.each([
    ['not an address', true],
    [`${'a'.repeat(300)}@example.com`, true],
    ['lin@example.com', 'false'],
    [7, true],
  ])('whose e-mail address is %j, verified %j, leaves the account without one', async (email, isVerified) => {
    const { status, body } = await as({}, { sub: 's1', name: 'A', email, email_verified: isVerified })
    expect([status, body.user.email]).toEqual([200, null])
  })
})
