import { createHmac } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { openWorld } from '../../../../test/support/world.ts'
import { phoneIndex } from '../../identity/accounts/users.ts'

const TOKEN = 'a-token-that-nobody-guesses-1'
const SECRET = 'a secret that providers sign with'
const world = await openWorld({ RECEIPT_TOKEN: TOKEN, RECEIPT_SECRET: SECRET })
afterAll(() => world.close())

let count = 0
/** Inserts a sent delivery; returns its id and the id of the provider. */
async function sent(channel: 'sms' | 'email', state = 'sent') {
  count += 1
  const email = `person${count}@example.com`
  const phone = `+861380000${1000 + count}`
  const { id: userId } = await world.person('venue:employee', { email })
  await world.rows(`UPDATE users SET phone_encrypted = '${world.kernel.secrets.cipher.encrypt(phone)}',
    phone_index = '${phoneIndex(world.kernel.secrets.cipher, phone)}' WHERE id = ${userId}`)
  const at = world.clock.now().toISOString()
  const providerId = channel === 'email' ? `<yuyue.${count}@example.com>` : `biz-${count}`
  const [row] = await world.rows<{ id: number }>(`
    WITH m AS (INSERT INTO notification_messages (user_id, type, subject, body, data, urgent, created_at)
      VALUES (${userId}, 'reservation.confirmed', '', '', '{}', false, '${at}') RETURNING id)
    INSERT INTO deliveries
      (message_id, user_id, type, channel, lane, state, provider_id, sent_at, created_at, updated_at)
    SELECT id, ${userId}, 'reservation.confirmed', '${channel}', '${channel}', '${state}', '${providerId}', '${at}', '${at}', '${at}'
    FROM m RETURNING id`)
  return { id: row?.id ?? 0, userId, providerId, email, phone, mobile: phone.slice(3) }
}
const stateOf = async (id: number) =>
  (
    await world.rows<{ state: string; reason: string | null }>(`SELECT state, reason FROM deliveries WHERE id = ${id}`)
  )[0]
const suppressed = (userId: number) =>
  world.rows<{ channel: string; masked: string }>(`SELECT channel, masked FROM suppressions WHERE user_id = ${userId}`)
const post = (path: string, payload: unknown, headers = {}) =>
  world.call('POST', path, { payload: payload as object, headers })
const signed = (payload: object, { secret = SECRET, age = 0 } = {}) => {
  const timestamp = String(Math.floor(world.clock.now().getTime() / 1000) - age)
  const body = JSON.stringify(payload)
  const mac = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  return post('/api/v1/receipts', payload, { 'x-yuyue-timestamp': timestamp, 'x-yuyue-signature': `sha256=${mac}` })
}

describe('Receipts of Aliyun', () => {
  const report = (one: Awaited<ReturnType<typeof sent>>, more: object) => [
    {
      phone_number: one.mobile,
      biz_id: one.providerId,
      out_id: 'x',
      send_time: '2026-03-02 09:00:00',
      sms_size: '1',
      ...more,
    },
  ]
  const path = `/api/v1/receipts/aliyun/${TOKEN}`

  it('mark a delivery as delivered, once', async () => {
    const one = await sent('sms')
    for (let n = 0; n < 2; n += 1) {
      const { status, body } = await post(path, report(one, { success: true, err_code: 'DELIVERED' }))
      expect([status, body]).toEqual([200, { code: 0, msg: '接收成功' }])
      expect(await stateOf(one.id)).toEqual({ state: 'delivered', reason: null })
    }
  })

  it('are matched by our own id too', async () => {
    const one = await sent('sms')
    const name = `yuyue-${one.id}-${world.clock.now().getTime()}`
    await post(path, report(one, { biz_id: 'other', out_id: `yuyue-${one.id}-1`, success: true }))
    expect((await stateOf(one.id))?.state).toBe('sent')
    await post(path, report(one, { biz_id: 'other', out_id: name, success: true }))
    expect((await stateOf(one.id))?.state).toBe('delivered')
  })

  it('mark a delivery as failed; a number that never works is not tried again', async () => {
    const [passing, dead] = [await sent('sms'), await sent('sms')]
    await post(path, [
      ...report(passing, { success: false, err_code: 'MOBILE_TERMINAL_ERROR', err_msg: '手机终端问题' }),
      ...report(dead, { success: false, err_code: 'INVALID_NUMBER', err_msg: `号码 ${dead.mobile} 异常` }),
    ])
    expect(await stateOf(passing.id)).toEqual({ state: 'failed', reason: 'MOBILE_TERMINAL_ERROR 手机终端问题' })
    expect(await stateOf(dead.id)).toEqual({ state: 'failed', reason: 'INVALID_NUMBER 号码 *** 异常' })
    expect(await suppressed(passing.userId)).toEqual([])
    expect(await suppressed(dead.userId)).toMatchObject([{ channel: 'sms' }])
  })

  it('about a person’s former number do not affect the new one', async () => {
    const one = await sent('sms')
    await post(path, report({ ...one, mobile: '13911112222' }, { success: false, err_code: 'INVALID_NUMBER' }))
    expect((await stateOf(one.id))?.state).toBe('failed')
    expect(await suppressed(one.userId)).toEqual([])
  })

  it('with unknown ids or unknown contents change nothing', async () => {
    expect((await post(path, [{ biz_id: 'unknown', success: true }, {}, { biz_id: 7 }])).status).toBe(200)
    expect((await post(path, {})).status).toBe(400)
  })

  it('require the secret path', async () => {
    const one = await sent('sms')
    for (const token of [`${TOKEN}x`, TOKEN.slice(1), '%00']) {
      const { status } = await post(`/api/v1/receipts/aliyun/${token}`, report(one, { success: true }))
      expect([400, 404]).toContain(status)
    }
    expect((await stateOf(one.id))?.state).toBe('sent')
  })
})

describe('Receipts of Tencent Cloud', () => {
  it('mark deliveries as delivered or failed', async () => {
    const [fine, dead] = [await sent('sms'), await sent('sms')]
    const path = `/api/v1/receipts/tencent/${TOKEN}`
    const { body } = await post(path, [
      { sid: fine.providerId, report_status: 'SUCCESS', errmsg: 'DELIVRD', nationcode: '86', mobile: fine.mobile },
      {
        sid: dead.providerId,
        report_status: 'FAIL',
        errmsg: 'MK:0001',
        description: '空号',
        nationcode: '86',
        mobile: dead.mobile,
      },
    ])
    expect(body).toEqual({ result: 0, errmsg: 'OK' })
    expect((await stateOf(fine.id))?.state).toBe('delivered')
    expect(await stateOf(dead.id)).toEqual({ state: 'failed', reason: 'MK:0001 空号' })
    expect(await suppressed(dead.userId)).toHaveLength(1)
  })
})

describe('Signed receipts', () => {
  it('mark bounced mails, even after acceptance, and delivered SMS', async () => {
    const [mail, sms] = [await sent('email', 'delivered'), await sent('sms')]
    const { status, body } = await signed({
      receipts: [
        {
          channel: 'email',
          id: mail.providerId.slice(1, -1),
          to: mail.email,
          outcome: 'failed',
          permanent: true,
          reason: '550 5.1.1 no such user',
        },
        { channel: 'sms', id: sms.providerId, to: sms.phone, outcome: 'delivered' },
      ],
    })
    expect([status, body]).toEqual([200, { received: 2 }])
    expect(await stateOf(mail.id)).toEqual({ state: 'failed', reason: '550 5.1.1 no such user' })
    expect(await suppressed(mail.userId)).toMatchObject([{ channel: 'email', masked: 'p***@example.com' }])
    expect((await stateOf(sms.id))?.state).toBe('delivered')
    await signed({ receipts: [{ channel: 'email', id: mail.providerId, to: mail.email, outcome: 'delivered' }] })
    expect((await stateOf(mail.id))?.state).toBe('failed')
  })

  it('are refused when unsigned, wrongly signed or late', async () => {
    const { providerId, phone, id } = await sent('sms')
    const payload = { receipts: [{ channel: 'sms', id: providerId, to: phone, outcome: 'failed' }] }
    for (const answer of [
      await post('/api/v1/receipts', payload),
      await signed(payload, { secret: 'another secret, as long as it' }),
      await signed(payload, { age: 301 }),
    ]) {
      expect(answer).toMatchObject({ status: 401, body: { code: 'bad_signature' } })
    }
    expect((await stateOf(id))?.state).toBe('sent')
    expect((await signed(payload, { age: 299 })).status).toBe(200)
  })

  it('have no route when no secret is configured', async () => {
    const other = await openWorld()
    expect((await other.call('POST', '/api/v1/receipts', { payload: { receipts: [] } })).status).toBe(404)
    expect((await other.call('POST', `/api/v1/receipts/aliyun/${TOKEN}`, { payload: [] })).status).toBe(404)
    await other.close()
  })
})
