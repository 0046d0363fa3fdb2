import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type World } from '../../../../test/support/world.ts'

const PASSWORD = 'violet-harbour-42'

const world = await openWorld()
afterAll(() => world.close())

const post = (path: string, payload: unknown, of = world) => of.call('POST', path, { payload })
const logIn = (username: string, of = world) => post('/login', { username, password: PASSWORD, code: '', uuid: '' }, of)

/** Registers and logs in a user; returns a person for `call`. */
async function enter(username: string, of = world) {
  expect((await post('/register', { username, password: PASSWORD }, of)).body).toEqual({ code: 200, msg: '操作成功' })
  return { id: 0, token: String((await logIn(username, of)).body.token) }
}

describe('The API for the published web client', () => {
  it('says that no captcha is required', async () => {
    const { status, body } = await world.call('GET', '/prod-api/captchaImage')
    expect([status, body]).toEqual([200, { code: 200, msg: '操作成功', captchaEnabled: false }])
  })

  it('lets a user register, log in with the fields that the client sends, read their profile and log out', async () => {
    const as = await enter('li.hua')
    expect((await world.call('GET', '/getInfo', { as })).body).toEqual({
      code: 200,
      msg: '操作成功',
      user: { userId: expect.any(Number), userName: 'li.hua', nickName: 'li.hua', avatar: '' },
      roles: [],
      permissions: [],
      isDefaultModifyPwd: false,
      isPasswordExpired: false,
    })
    expect((await world.call('GET', '/getRouters', { as })).body).toEqual({ code: 200, msg: '操作成功', data: [] })
    expect((await world.call('POST', '/logout', { as })).body).toEqual({ code: 200, msg: '操作成功' })
    expect(await world.call('GET', '/getInfo', { as })).toMatchObject({ status: 200, body: { code: 401 } })
  })

  it('accepts a log-out without a valid token', async () => {
    for (const as of [undefined, { id: 0, token: 'gone' }]) {
      expect((await world.call('POST', '/logout', as && { as })).body).toEqual({ code: 200, msg: '操作成功' })
    }
  })

  it('accepts the password form of OAuth 2.0, as the API reference sends it', async () => {
    await enter('form')
    const { body } = await world.call('POST', '/login', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: `grant_type=password&username=form&password=${PASSWORD}&client_id=&scope=`,
    })
    expect(body).toEqual({
      code: 200,
      msg: '操作成功',
      token: body.access_token,
      access_token: expect.any(String),
      token_type: 'bearer',
    })
  })

  it('answers a wrong password with HTTP 200 and code 500, which the client shows, never 401', async () => {
    await enter('careful')
    expect(await post('/login', { username: 'careful', password: 'wrong' })).toMatchObject({
      status: 200,
      body: { code: 500, msg: '用户名或密码错误' },
    })
    expect((await post('/login', { username: 'nobody', password: 'wrong' })).body.code).toBe(500)
    expect((await post('/login', { username: 'careful' })).body).toEqual({
      code: 500,
      msg: '参数不全或有误：缺少 password',
    })
  })

  it('answers for a locked user name in the same way', async () => {
    await enter('locked')
    for (let time = 0; time < 5; time += 1) await post('/login', { username: 'locked', password: 'wrong' })
    expect(await logIn('locked')).toMatchObject({
      status: 200,
      body: { code: 500, msg: '登录失败次数过多，账号已暂时锁定，请稍后再试' },
    })
  })

  it('gives the reason why a registration is refused', async () => {
    await enter('taken')
    const msg = async (payload: unknown) => (await post('/register', payload)).body
    expect(await msg({ username: 'Taken', password: PASSWORD })).toEqual({ code: 409, msg: '该用户名已被注册' })
    expect(await msg({ username: 'weak', password: '12345678' })).toMatchObject({
      code: 500,
      msg: expect.stringContaining('密码强度不足'),
    })
    expect(await msg({ password: PASSWORD })).toMatchObject({ code: 500, msg: '参数不全或有误：缺少 username' })
  })

  it.each([
    ['admin', ['admin'], ['*:*:*']],
    ['room:admin', ['admin'], ['*:*:*']],
    ['room:user', [], []],
    ['venue:admin', [], []],
  ])('gives the roles and permissions of a user with the role %s', async (role, roles, permissions) => {
    const as = await world.person(role)
    expect((await world.call('GET', '/getInfo', { as })).body).toMatchObject({ roles, permissions })
  })

  it('gives the permissions of a student worker by their names in the document', async () => {
    const as = await world.person('room:student_worker')
    const { body } = await world.call('GET', '/getInfo', { as })
    expect(body.roles).toEqual(['student_worker'])
    expect(body.permissions).toContain('manage:facility:booking:audit:approve')
    expect(body.permissions).not.toContain('manage:facility:ban:add')
  })

  it('reports an expired password, and allows only the menus and the log-out then', async () => {
    const strict = await openWorld({ PASSWORD_MAX_AGE_DAYS: '30' })
    await enter('old', strict)
    strict.clock.advance(31 * 1440)
    const as = { id: 0, token: String((await logIn('old', strict)).body.token) }
    expect((await strict.call('GET', '/getInfo', { as })).body).toMatchObject({ code: 200, isPasswordExpired: true })
    // The client asks for its menus before it shows any page.
    expect((await strict.call('GET', '/getRouters', { as })).body).toMatchObject({ code: 200 })
    expect((await strict.call('GET', '/portal/facility/room/list', { as })).body).toEqual({
      code: 403,
      msg: '密码已过期，请先修改密码',
    })
    expect((await strict.call('POST', '/logout', { as })).body.code).toBe(200)
    await strict.close()
  })
})

describe('Changing the password on a site with only the room product', () => {
  const NEW = 'amber-lantern-77'
  const UPDATE = '/prod-api/system/user/profile/updatePwd'
  let site: World
  beforeAll(async () => {
    site = await openWorld({ PRODUCTS: 'room', PASSWORD_MAX_AGE_DAYS: '30' })
  })
  afterAll(() => site.close())
  const query = (oldPassword: string, newPassword: string) => `?oldPassword=${oldPassword}&newPassword=${newPassword}`

  it('ends all other sessions, and only the new password works afterwards', async () => {
    const as = await enter('mover', site)
    const other = { id: 0, token: String((await logIn('mover', site)).body.token) }
    const payload = { oldPassword: PASSWORD, newPassword: NEW }
    expect((await site.call('PUT', UPDATE, { as, payload })).body).toEqual({ code: 200, msg: '操作成功' })
    expect((await site.call('GET', '/getInfo', { as })).body.code).toBe(200)
    expect((await site.call('GET', '/getInfo', { as: other })).body.code).toBe(401)
    expect((await logIn('mover', site)).body.code).toBe(500)
    expect((await post('/login', { username: 'mover', password: NEW }, site)).body.code).toBe(200)
  })

  it('is allowed with an expired password, and requires a new log-in', async () => {
    await enter('aged', site)
    site.clock.advance(31 * 1440)
    const as = { id: 0, token: String((await logIn('aged', site)).body.token) }
    expect((await site.call('GET', '/portal/facility/room/list', { as })).body.code).toBe(403)
    // Older clients send the passwords in the query.
    expect((await site.call('PUT', `${UPDATE}${query(PASSWORD, NEW)}`, { as })).body).toMatchObject({ code: 200 })
    expect((await site.call('GET', '/getInfo', { as })).body.code).toBe(401)
    const { body } = await post('/login', { username: 'aged', password: NEW }, site)
    const again = { id: 0, token: String(body.token) }
    expect((await site.call('GET', '/getInfo', { as: again })).body).toMatchObject({
      code: 200,
      isPasswordExpired: false,
    })
    expect((await site.call('GET', '/portal/facility/room/list', { as: again })).body.code).toBe(200)
  })

  it('gives the reason for a refusal', async () => {
    const as = await enter('clumsy', site)
    const msg = async (path: string, payload?: object) =>
      (await site.call('PUT', `${UPDATE}${path}`, { as, payload })).body
    expect(await msg('', { oldPassword: 'nonsense', newPassword: NEW })).toEqual({ code: 500, msg: '旧密码错误' })
    expect(await msg(query(PASSWORD, PASSWORD))).toEqual({ code: 500, msg: '新密码不能与旧密码相同' })
    expect(await msg(query(PASSWORD, '12345678'))).toMatchObject({
      code: 500,
      msg: expect.stringContaining('强度不足'),
    })
    expect(await msg('', { oldPassword: PASSWORD })).toEqual({ code: 500, msg: '参数不全或有误：缺少 newPassword' })
    expect(await msg('')).toEqual({ code: 500, msg: '参数不全或有误：缺少 oldPassword' })
    expect((await site.call('PUT', UPDATE, { payload: {} })).body.code).toBe(401)
    expect((await logIn('clumsy', site)).body.code).toBe(200)
  })
})

describe('Registration after legal texts are published', () => {
  let site: World
  beforeAll(async () => {
    site = await openWorld()
    const as = await site.person('admin')
    for (const kind of ['privacy', 'terms', 'terms']) {
      const published = await site.call('POST', `/api/v1/legal/${kind}`, {
        as,
        payload: { title: '标题', body: '正文' },
      })
      expect(published.status).toBe(201)
    }
  })
  afterAll(() => site.close())

  const agreedTo = async (username: string) =>
    await site.rows(`SELECT kind, version FROM consents c JOIN users u ON u.id = c.user_id
      WHERE username = '${username}' ORDER BY kind`)

  it('leaves the consent for later, because the published client has no box to tick', async () => {
    const as = await enter('later', site)
    expect(await agreedTo('later')).toEqual([])
    expect((await site.call('GET', '/api/v1/users/me', { as })).body.consent_required).toBe(true)
  })

  it('can include the consent to current versions, and refuses outdated ones', async () => {
    const register = async (username: string, accepted: object) =>
      (await post('/register', { username, password: PASSWORD, ...accepted }, site)).body
    expect(await register('both', { accepted_terms: 2, accepted_privacy: 1 })).toMatchObject({ code: 200 })
    expect(await agreedTo('both')).toEqual([
      { kind: 'privacy', version: 1 },
      { kind: 'terms', version: 2 },
    ])
    expect(await register('one', { accepted_privacy: 1 })).toMatchObject({ code: 200 })
    expect(await agreedTo('one')).toEqual([{ kind: 'privacy', version: 1 }])
    expect(await register('old', { accepted_terms: 1 })).toEqual({ code: 500, msg: '请先同意最新的服务条款与隐私政策' })
  })
})

describe('The captcha of ROOM_CAPTCHA', () => {
  let guarded: World
  beforeAll(async () => {
    guarded = await openWorld({ ROOM_CAPTCHA: 'on' })
    const uuid = await captcha()
    const reader = { username: 'reader', password: PASSWORD, code: 'AC4X', uuid }
    expect((await post('/register', reader, guarded)).body.code).toBe(200)
  })
  afterAll(() => guarded.close())

  /** Requests a captcha, gives it letters that the test knows, and returns its id. */
  async function captcha(letters = 'AC4X'): Promise<string> {
    const { uuid } = (await guarded.call('GET', '/captchaImage')).body
    const hash = guarded.kernel.secrets.keyedHash('room captcha', `${uuid} ${letters}`)
    await sql`UPDATE captchas SET code_hash = ${hash} WHERE id = ${uuid}`.execute(guarded.database.db)
    return uuid
  }
  const tryIt = (reading: Readonly<Record<string, unknown>>) =>
    post('/login', { username: 'reader', password: PASSWORD, ...reading }, guarded)

  it('is a different picture each time', async () => {
    const { body } = await guarded.call('GET', '/captchaImage')
    expect(body).toMatchObject({ code: 200, captchaEnabled: true, uuid: expect.any(String) })
    const image = Buffer.from(body.img, 'base64')
    expect([image.toString('latin1', 0, 6), image.readUInt16LE(6), image.readUInt16LE(8)]).toEqual(['GIF89a', 120, 40])
    expect((await guarded.call('GET', '/captchaImage')).body.img).not.toBe(body.img)
  })

  it('accepts its letters in upper or lower case', async () => {
    expect((await tryIt({ code: ' ac4x ', uuid: await captcha() })).body).toMatchObject({
      code: 200,
      token: expect.any(String),
    })
  })

  it('is valid once, even if the first try was wrong', async () => {
    const uuid = await captcha()
    expect((await tryIt({ code: 'AAAA', uuid })).body).toEqual({ code: 500, msg: '验证码错误' })
    expect((await tryIt({ code: 'AC4X', uuid })).body).toEqual({ code: 500, msg: '验证码已失效' })
  })

  it('accepts one of several simultaneous tries', async () => {
    const uuid = await captcha()
    const tries = await Promise.all([1, 2, 3, 4].map(() => tryIt({ code: 'AC4X', uuid })))
    expect(tries.map(({ body }) => body.code).sort()).toEqual([200, 500, 500, 500])
  })

  it('expires after two minutes, and a job deletes it', async () => {
    const uuid = await captcha()
    guarded.clock.advance(2)
    expect((await tryIt({ code: 'AC4X', uuid })).body).toEqual({ code: 500, msg: '验证码已失效' })
    await captcha()
    guarded.clock.advance(2)
    await guarded.system.jobs.runNow('room.captchas')
    await guarded.drain()
    expect(await guarded.rows('SELECT FROM captchas')).toEqual([])
  })

  it.each([[{}], [{ code: null, uuid: null }], [{ code: '', uuid: '' }], [{ code: 'AC4X', uuid: 'not one of ours' }]])(
    'is required to log in and to register: %j',
    async (reading) => {
      expect((await tryIt(reading)).body).toEqual({ code: 500, msg: '验证码已失效' })
      expect((await post('/register', { username: 'robot', password: PASSWORD, ...reading }, guarded)).body.code).toBe(
        500,
      )
    },
  )
})
