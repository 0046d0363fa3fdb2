import { afterAll, describe, expect, it } from 'vitest'
import { hospitalAdmin, patient } from '../../../../test/support/clinic.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'
import type { ProviderMessage } from '../../../kernel/notifications/providers/provider.ts'

/** Codes and links that were sent. */
const sent: ProviderMessage[] = []
const send = async (message: ProviderMessage) => {
  sent.push(message)
  return { providerId: 'x' }
}
const world = await openWorld({ PRODUCTS: 'clinic' }, { replaced: { secretCodes: { email: { send }, sms: { send } } } })
afterAll(() => world.close())

const PASSWORD = 'Str0ng-enough-2026'
const post = async (path: string, payload: unknown, as?: Person | string) =>
  (await world.call('POST', path, { payload, as })).body

let count = 0
/** A registered person with their token; with an address, the path of the link that was sent there. */
async function registered(email?: string) {
  const username = `contact${++count}`
  await post('/auth/register', { username, password: PASSWORD, ...(email && { email }) })
  const { userid: id, access_token: token } = (await post('/auth/login', { username, password: PASSWORD })).message
  return { id: Number(id), token: String(token), link: email ? await lastLink() : '' }
}
async function lastLink(): Promise<string> {
  await world.drain()
  return /\/auth\/verify-email\?\S+/.exec(sent.at(-1)?.text ?? '')?.[0] ?? ''
}
async function lastCode(): Promise<string> {
  await world.drain()
  return /\d{6}/.exec(sent.at(-1)?.text ?? '')?.[0] ?? ''
}
const open = async (path: string) => (await world.call('GET', path)).body.code
const addressOf = async (id: number) =>
  (await world.rows<{ email: string | null }>(`SELECT email FROM users WHERE id = ${id}`))[0]?.email
const askFor = (as: string, email: string, password?: string) =>
  post('/auth/email/send-verify-code', { email, ...(password !== undefined && { password }) }, as)
const prove = (as: string, email: string, code: string) => post('/auth/email/verify-code', { email, code }, as)
/** Sets an address by a code. */
async function set(as: string, email: string, password?: string) {
  expect(await askFor(as, email, password)).toMatchObject({ code: 0 })
  expect(await prove(as, email, await lastCode())).toMatchObject({ code: 0 })
}

describe('A link for an address', () => {
  it('works once', async () => {
    const { id, link } = await registered('once@example.com')
    expect(await open(link)).toBe(0)
    expect(await addressOf(id)).toBe('once@example.com')
    expect(await open(link)).toBe(99)
  })

  it('of two at once sets the address once', async () => {
    const { link } = await registered('both@example.com')
    expect((await Promise.all([open(link), open(link)])).sort()).toEqual([0, 99])
  })

  it('is void after another address was set, also if that one is gone again', async () => {
    const { id, token, link } = await registered('first@example.com')
    await set(token, 'second@example.com')
    expect(await open(link)).toBe(99)
    expect(await addressOf(id)).toBe('second@example.com')
    await world.rows(`UPDATE users SET email = NULL WHERE id = ${id}`)
    expect(await open(link)).toBe(99)
  })

  it('is void after staff changed the address', async () => {
    const { id, link } = await registered('mine@example.com')
    const admin = await hospitalAdmin(world)
    const payload = { email: 'staff@example.com' }
    expect((await world.call('PUT', `/auth/users/${id}/updateProfile`, { as: admin, payload })).body.code).toBe(0)
    expect(await open(link)).toBe(99)
  })

  it('is valid for seven days, though old codes are swept before', async () => {
    const [early, late] = [await registered('early@example.com'), await registered('late@example.com')]
    const start = world.clock.now().getTime()
    world.clock.set(new Date(start + 7 * 86_400_000 - 1000))
    await world.system.jobs.runNow('clinic.contact-codes-sweep')
    expect(await open(early.link)).toBe(0)
    world.clock.set(new Date(start + 7 * 86_400_000))
    expect(await open(late.link)).toBe(99)
  })

  it('is needed for a new address in the profile, which needs the password', async () => {
    const { id, token } = await registered()
    await set(token, 'old@example.com')
    const change = async (payload: object) =>
      (await world.call('PUT', `/auth/users/${id}/updateProfile`, { as: token, payload })).body
    // The log-in is fresh, which is not enough.
    expect(await change({ email: 'new@example.com' })).toMatchObject({ code: 104 })
    expect(await change({ email: 'new@example.com', password: PASSWORD })).toMatchObject({
      code: 0,
      message: { user: { email: 'old@example.com' } },
    })
    expect(await open(await lastLink())).toBe(0)
    expect(await addressOf(id)).toBe('new@example.com')
    await world.drain()
    expect(sent.filter(({ to }) => to === 'new@example.com')).toHaveLength(1)
  })
})

describe('A code for an address', () => {
  it('sets the first address without the password, and sends again to the one that is set', async () => {
    const { id, token } = await registered()
    await set(token, 'a1@example.com')
    await set(token, 'A1@example.com')
    expect(await addressOf(id)).toBe('A1@example.com')
  })

  it('replaces an address only with the password', async () => {
    const { id, token } = await registered()
    await set(token, 'b1@example.com')
    const asked = sent.length
    expect(await askFor(token, 'b2@example.com')).toMatchObject({
      code: 104,
      message: { msg: expect.stringContaining('password') },
    })
    expect(await askFor(token, 'b2@example.com', 'wrong')).toMatchObject({ code: 104, message: { msg: '密码错误' } })
    await world.drain()
    expect(sent).toHaveLength(asked)
    await set(token, 'b2@example.com', PASSWORD)
    expect(await addressOf(id)).toBe('b2@example.com')
  })

  it('counts wrong passwords like log-ins, until the account is locked', async () => {
    const { token } = await registered()
    await set(token, 'c1@example.com')
    for (let n = 0; n < world.config.lockoutFailures; n += 1) await askFor(token, 'c2@example.com', `wrong ${n}`)
    const locked = await world.call('POST', '/auth/email/send-verify-code', {
      as: token,
      payload: { email: 'c2@example.com', password: PASSWORD },
    })
    expect(locked.status).toBe(429)
    world.clock.set(new Date(world.clock.now().getTime() + world.config.lockoutMinutes * 60_000 + 1000))
  })

  it('is void after another address was set', async () => {
    const { id, token } = await registered()
    await askFor(token, 'd1@example.com')
    const old = await lastCode()
    await set(token, 'd2@example.com')
    expect(await prove(token, 'd1@example.com', old)).toMatchObject({ code: 99 })
    expect(await addressOf(id)).toBe('d2@example.com')
  })

  it('works for the account that asked for it only, once', async () => {
    const [owner, other] = [await registered(), await registered()]
    await askFor(owner.token, 'e1@example.com')
    const code = await lastCode()
    expect(await prove(other.token, 'e1@example.com', code)).toMatchObject({ code: 99 })
    const both = await Promise.all([1, 2].map(() => prove(owner.token, 'e1@example.com', code)))
    expect(both.map((one) => one.code).sort()).toEqual([0, 99])
  })
})

it('an account without a password sets its first address', async () => {
  const person = await patient(world)
  await set(person.token, 'f1@example.com')
  expect(await askFor(person.token, 'f2@example.com', 'anything')).toMatchObject({ code: 104 })
})
