import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { openCrm } from '../../../../test/support/crm.ts'

const world = await openCrm()
afterAll(() => world.close())
const PATH = '/api/v1/settings/line'
const as = world.admin
const WEBHOOK = 'https://crm.example.com/api/v1/line/webhook'
const payload = { channel_access_token: 'another-token-1234', channel_secret: 'another-secret-9876' }
const get = async () => (await world.call('GET', PATH, { as })).body.data
const test = async () => (await world.call('POST', `${PATH}/test`, { as })).body
const put = (change: object) => world.call('PUT', PATH, { as, payload: change })

describe('The LINE channel', () => {
  it('is that of the environment, and shows only its ends', async () => {
    expect(await get()).toEqual({
      source: 'environment',
      channel_access_token: `****${world.line.token.slice(-4)}`,
      channel_secret: `****${world.line.secret.slice(-4)}`,
      webhook_url: WEBHOOK,
      updated_at: null,
    })
  })

  it('is tested by asking LINE for the account and the messages of the month', async () => {
    world.line.limit = 500
    world.line.used = 20
    expect((await test()).data).toEqual({
      ok: true,
      fault: null,
      account: { name: '力麗飯店', basic_id: '@hotel' },
      quota: { limit: 500, used: 20 },
      webhook_url: WEBHOOK,
    })
    world.line.limit = null
    expect((await test()).data.quota).toEqual({ limit: null, used: 20 })
  })

  it('is set encrypted, overrides the environment, and goes back to it', async () => {
    const set = await put(payload)
    expect(set.body.data).toMatchObject({
      source: 'settings',
      channel_access_token: '****1234',
      channel_secret: '****9876',
      updated_at: expect.any(String),
    })
    expect(set.text).not.toContain('another')
    expect(JSON.stringify(await world.rows(`SELECT value FROM settings WHERE key = 'crm.line'`))).not.toContain(
      'another',
    )
    expect((await test()).data).toMatchObject({ ok: false, fault: 'LINE refuses the channel access token.' })
    for (let n = 0; n < 2; n += 1)
      expect((await world.call('DELETE', PATH, { as })).body).toMatchObject({ code: 200, message: 'success' })
    expect((await get()).source).toBe('environment')
    expect((await test()).data.ok).toBe(true)
    await world.drain()
    const log = await world.rows(
      `SELECT action, changes FROM operation_log WHERE resource = 'line_channel' ORDER BY id`,
    )
    expect(log).toEqual([
      { action: 'line_channel.set', changes: { channel: ['***', '***'] } },
      { action: 'line_channel.reset', changes: { channel: ['***', null] } },
    ])
  })

  it.each([
    [{ ...payload, channel_access_token: '****1234' }, 'channel_access_token'],
    [{ ...payload, channel_secret: 'a secret with spaces' }, 'channel_secret'],
    [{ channel_secret: payload.channel_secret }, 'channel_access_token'],
    [{ ...payload, channel_access_token: `${payload.channel_access_token}\r\nx: y` }, 'channel_access_token'],
  ])('refuses %o', async (change, field) => {
    expect(await put(change)).toMatchObject({ status: 422, body: { errors: [{ field }] } })
  })

  it('is for administrators only', async () => {
    for (const person of [world.marketing, world.service, await world.person(), undefined])
      for (const [method, path] of [
        ['GET', PATH],
        ['PUT', PATH],
        ['DELETE', PATH],
        ['POST', `${PATH}/test`],
      ] as const)
        expect((await world.call(method, path, { as: person, payload })).status).toBe(person ? 403 : 401)
  })
})

describe('Testing the channel', () => {
  it('says that none is set', async () => {
    const bare = await openCrm({ LINE_CHANNEL_ACCESS_TOKEN: '', LINE_CHANNEL_SECRET: '' })
    try {
      expect((await bare.call('GET', PATH, { as: bare.admin })).body.data).toMatchObject({
        source: 'none',
        channel_access_token: null,
      })
      expect(await bare.call('POST', `${PATH}/test`, { as: bare.admin })).toMatchObject({
        status: 409,
        body: { reason: 'line_not_set' },
      })
    } finally {
      await bare.close()
    }
  })

  it.each<[string, number, string]>([
    ['an error', 500, '{}'],
    ['no JSON', 200, '<html>'],
    ['other JSON', 200, '[]'],
    ['numbers that are none', 200, '{"type":"limited","value":"many","totalUsage":{}}'],
    ['a redirect', 302, ''],
  ])('names a fault when LINE answers %s', async (_what, status, body) => {
    const odd = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', location: 'http://127.0.0.1:1/' })
      response.end(body)
    })
    await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve))
    const { port } = odd.address() as AddressInfo
    const other = await openCrm({ LINE_BASE_URL: `http://127.0.0.1:${port}` })
    try {
      const answer = await other.call('POST', `${PATH}/test`, { as: other.admin })
      expect(answer).toMatchObject({
        status: 200,
        body: { data: { ok: false, fault: expect.stringMatching(/^LINE: ./) } },
      })
    } finally {
      await other.close()
      odd.closeAllConnections()
      odd.close()
    }
  })

  it('names a fault when LINE can’t be reached', async () => {
    const other = await openCrm({ LINE_BASE_URL: 'http://127.0.0.1:1' })
    try {
      const { body } = await other.call('POST', `${PATH}/test`, { as: other.admin })
      expect(body.data).toMatchObject({ ok: false, fault: expect.stringMatching(/^LINE: ./), account: null })
    } finally {
      await other.close()
    }
  })
})
