import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openWorld, type World } from '../../../../../test/support/world.ts'
import { type Provider, type ProviderMessage, Refused } from '../../../notifications/providers/provider.ts'

let world: World
let sent: ProviderMessage[] = []
let count = 0
/** Receives the codes. Tests may replace it. */
let send: Provider['send']
const sender: Pick<Provider, 'send'> = { send: (message) => send(message) }
beforeAll(async () => {
  world = await openWorld(
    { PASSWORD_MAX_AGE_DAYS: '90' },
    { replaced: { secretCodes: { email: sender, sms: sender } } },
  )
})
afterAll(() => world.close())
beforeEach(() => {
  sent = []
  send = async (message) => ({ providerId: String(sent.push(message)) })
})

const OLD = 'violet-harbour-42'
const NEW = 'copper-lantern-77'

async function someone() {
  count += 1
  const name = `linxi${count}`
  const email = `${name}@example.com`
  const phone = `+8613800${String(138_000 + count)}`
  const made = await world.call('POST', '/api/v1/users/register', {
    payload: { username: name, password: OLD, email, phone },
  })
  expect(made.status).toBe(201)
  return { id: Number(made.body.id), name, email, phone }
}

const ask = (payload: object) => world.call('POST', '/api/v1/users/password/reset-code', { payload })
const reset = (payload: object) => world.call('POST', '/api/v1/users/password/reset', { payload })
const logIn = (username: string, password: string) =>
  world.call('POST', '/api/v1/users/login', { payload: { username, password } })

/** The last code sent. */
async function codeSent(): Promise<string> {
  await world.drain()
  return /\d{6}/.exec(sent.at(-1)?.text ?? '')?.[0] ?? 'none'
}

/** Another code of six digits. */
const otherThan = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0')

describe('Resetting a password by a code', () => {
  it('sends six digits by e-mail; with them a new password is set and every session ends', async () => {
    const { name, email } = await someone()
    const token = (await logIn(name, OLD)).body.access_token
    expect(await ask({ name })).toMatchObject({ status: 202, body: { expires_in: 600 } })
    const code = await codeSent()
    expect(code).toMatch(/^\d{6}$/)
    expect(sent[0]?.to).toBe(email)
    expect(sent[0]?.text).toContain(code)
    expect(sent[0]?.subject).not.toContain(code)

    expect((await reset({ name, code, new_password: NEW })).status).toBe(204)
    const headers = { authorization: `Bearer ${token}` }
    expect((await world.call('GET', '/api/v1/users/me', { headers })).status).toBe(401)
    expect((await logIn(name, OLD)).status).toBe(401)
    expect((await logIn(name, NEW)).status).toBe(200)
  })

  it('accepts an e-mail address or a phone number as the name, and sends by SMS when asked', async () => {
    const { email, phone } = await someone()
    await ask({ phone, channel: 'sms' })
    const code = await codeSent()
    expect(sent.map((message) => message.to)).toEqual([phone])
    expect((await reset({ email, code, new_password: NEW })).status).toBe(204)
  })

  it('stores the code nowhere: not in the database, its queues, the inbox or the operation log', async () => {
    const { id, name } = await someone()
    await ask({ name })
    const code = await codeSent()
    const tables = ['password_resets', 'pgboss.job', 'outbox', 'operation_log', 'notification_messages']
    for (const table of tables) {
      const rows = await world.rows<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM ${table} t`)
      expect(
        rows.filter(({ row }) => new RegExp(`\\D${code}\\D`).test(row)),
        table,
      ).toEqual([])
    }
    expect((await world.inbox({ id, token: '' })).map(({ type }) => type)).toEqual(['account.welcome'])
  })

  it('accepts a code only once', async () => {
    const { name } = await someone()
    await ask({ name })
    const code = await codeSent()
    expect((await reset({ name, code, new_password: NEW })).status).toBe(204)
    expect(await reset({ name, code, new_password: 'marble-orchard-19' })).toMatchObject({
      status: 400,
      body: { code: 'bad_code' },
    })
  })

  it('refuses the code after the address was changed, by anybody', async () => {
    const admin = await world.person('admin')
    for (const others of [false, true]) {
      const { id, name } = await someone()
      await ask({ name })
      const code = await codeSent()
      const as = { id, token: (await logIn(name, OLD)).body.access_token }
      const path = others ? `/api/v1/users/${id}` : '/api/v1/users/me'
      const payload = { email: `${name}@new.example` }
      expect((await world.call('PUT', path, { as: others ? admin : as, payload })).status).toBe(200)
      expect((await reset({ name, code, new_password: NEW })).body.code).toBe('bad_code')
    }
  })

  it('accepts a code for 10 minutes', async () => {
    const { name } = await someone()
    await ask({ name })
    const code = await codeSent()
    world.clock.advance(10)
    expect((await reset({ name, code, new_password: NEW })).body.code).toBe('bad_code')
  })

  it('allows five attempts, even in parallel', async () => {
    const { name } = await someone()
    await ask({ name })
    const code = await codeSent()
    const wrong = { name, code: otherThan(code), new_password: NEW }
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => reset(wrong)))
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400])
    expect((await reset({ name, code, new_password: NEW })).body.code).toBe('bad_code')
    expect((await logIn(name, OLD)).status).toBe(200)
  })

  it('makes the previous code invalid', async () => {
    const { name } = await someone()
    await ask({ name })
    const first = await codeSent()
    await ask({ name })
    const second = await codeSent()
    if (first !== second) expect((await reset({ name, code: first, new_password: NEW })).body.code).toBe('bad_code')
    expect((await reset({ name, code: second, new_password: NEW })).status).toBe(204)
  })

  it('gives the same answer and writes the same rows for an unknown name', async () => {
    const { name } = await someone()
    await ask({ name })
    const known = await ask({ name })
    const unknown = await ask({ name: 'nobody-here' })
    expect({ ...unknown, headers: {} }).toEqual({ ...known, headers: {} })
    const { body: wrong } = await reset({ name, code: '000000', new_password: NEW })
    const { body: nobody } = await reset({ name: 'nobody-here', code: '000000', new_password: NEW })
    expect({ ...nobody, request_id: '' }).toEqual({ ...wrong, request_id: '' })
    const rows = await world.rows<{ jobs: number; resets: number }>(`SELECT
      (SELECT count(*) FROM password_resets WHERE subject LIKE 'name:%') AS resets,
      (SELECT count(*) FROM pgboss.job WHERE name = 'kernel.password-reset-code' AND (data->'payload'->>'id')::bigint IN
        (SELECT id FROM password_resets WHERE subject LIKE 'name:%')) AS jobs`)
    expect(rows).toEqual([{ resets: 1, jobs: 1 }])
    await world.drain()
    expect(sent.map((message) => message.toName)).not.toContain('nobody-here')
  })

  it('sends one person at most five codes an hour and ten a day', async () => {
    const { name } = await someone()
    for (let n = 0; n < 7; n += 1) expect((await ask({ name })).status).toBe(202)
    await world.drain()
    // Of several waiting codes only the last is still valid, and only that one is sent.
    const made = () =>
      world.rows<{ n: number }>(`SELECT count(*) AS n FROM password_resets r
      JOIN users u ON u.id = r.user_id WHERE u.username = '${name}'`)
    expect(await made()).toEqual([{ n: 5 }])
    for (let hour = 0; hour < 4; hour += 1) {
      world.clock.advance(61)
      for (let n = 0; n < 5; n += 1) await ask({ name })
    }
    expect(await made()).toEqual([{ n: 10 }])
    await world.drain()
  })

  it('checks the password strength before the code, and refuses the person’s own address after a right code', async () => {
    const { name, email } = await someone()
    await ask({ name })
    const code = await codeSent()
    expect((await reset({ name, code: otherThan(code), new_password: '12345678' })).body.code).toBe('weak_password')
    expect((await reset({ name, code: otherThan(code), new_password: email })).body.code).toBe('bad_code')
    expect((await reset({ name, code, new_password: email })).body.code).toBe('weak_password')
    expect((await reset({ name, code, new_password: NEW })).status).toBe(204)
  })

  it('does nothing for a disabled account', async () => {
    const { id, name } = await someone()
    const as = await world.person('admin')
    await world.call('PUT', `/api/v1/users/${id}`, { as, payload: { status: 'disabled' } })
    expect((await ask({ name })).status).toBe(202)
    await world.drain()
    expect(sent).toEqual([])
  })

  it('sends again after a temporary refusal, not after a permanent one or if the mail may have been accepted', async () => {
    const { name } = await someone()
    let tries = 0
    send = async (message) => {
      tries += 1
      if (tries === 1) throw new Refused('busy', 'temporary')
      return { providerId: String(sent.push(message)) }
    }
    await ask({ name })
    await world.drain()
    expect([tries, sent.length]).toEqual([2, 1])
    for (const kind of ['address', 'unheard'] as const) {
      tries = 0
      send = async () => {
        tries += 1
        throw new Refused(kind, kind)
      }
      await ask({ name })
      await world.drain()
      expect(tries).toBe(1)
    }
  })

  it('requires a name, an e-mail address or a phone number', async () => {
    expect((await ask({})).body.code).toBe('validation')
  })
})

describe('A password that is about to expire', () => {
  it('is announced once, 7 days before', async () => {
    const { id } = await someone()
    const expiring = async () =>
      (await world.inbox({ id, token: '' })).filter(({ type }) => type === 'account.password_expiring')
    const daily = () => world.system.jobs.runNow('kernel.password-expiry')
    world.clock.advance(82 * 24 * 60)
    await daily()
    expect(await expiring()).toEqual([])
    world.clock.advance(2 * 24 * 60)
    await daily()
    await daily()
    expect(await expiring()).toHaveLength(1)
    world.clock.advance(24 * 60)
    await daily()
    expect(await expiring()).toHaveLength(1)
  })
})
