import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { startFake } from '../../../../test/support/fakes/http.ts'
import { startRobots, startWecom } from '../../../../test/support/fakes/im.ts'
import { startAliyun, startTencent } from '../../../../test/support/fakes/sms.ts'
import { ManualClock } from '../../clock.ts'
import { createBreaker } from './breaker.ts'
import { dingtalkRobot, feishuRobot, wecomApplication, wecomRobot } from './im.ts'
import type { ProviderMessage } from './provider.ts'
import { aliyunSms, type SmsAccount, tencentSms, webhookSms } from './sms.ts'

const clock = new ManualClock(new Date('2026-03-14T01:00:00Z'))
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
function open<T extends { close(): Promise<void> }>(fake: T): T {
  closing.push(fake.close)
  return fake
}

const sms: ProviderMessage = {
  id: 7,
  at: new Date('2026-03-14T01:00:00Z'),
  to: '+8613800138000',
  toName: '林',
  subject: '预约成功',
  text: '您已预约 (羽毛球馆)*!',
}
const account = (baseUrl: string): SmsAccount => ({
  ...{
    baseUrl,
    keyId: 'id',
    secret: 'shh',
    signName: '预约',
    template: 'SMS_1',
    appId: '1400',
    region: 'ap-guangzhou',
  },
})

describe('Aliyun SMS', () => {
  test('accepts a signed call and returns its message id', async () => {
    const fake = open(await startAliyun('shh'))
    const template = { code: 'SMS_77', params: [['place', '羽毛球馆']] as const }
    expect(await aliyunSms(account(fake.url), clock).send({ ...sms, template })).toEqual({ providerId: 'biz-1' })
    expect(Object.fromEntries(fake.asked[0]?.query ?? [])).toMatchObject({
      ...{ Action: 'SendSms', PhoneNumbers: '13800138000', SignName: '预约', TemplateCode: 'SMS_77' },
      TemplateParam: '{"place":"羽毛球馆"}',
    })
  })

  test.each([
    ['isv.BUSINESS_LIMIT_CONTROL', 'busy'],
    ['isv.MOBILE_NUMBER_ILLEGAL', 'address'],
    ['isv.TEMPLATE_MISSING_PARAMETERS', 'message'],
    ['isv.AMOUNT_NOT_ENOUGH', 'ours'],
    ['isp.SYSTEM_ERROR', 'temporary'],
  ])('says %s: %s', async (Code, kind) => {
    const fake = open(await startAliyun('shh', () => ({ body: { Code, Message: 'of 13800138000' } })))
    const refused = aliyunSms(account(fake.url), clock).send(sms)
    await expect(refused).rejects.toMatchObject({ kind, message: `${Code} of ***` })
  })

  test('that got through without our hearing of it is not sent again', async () => {
    let lost = true
    const fake = open(await startAliyun('shh', () => (lost ? { status: 500, body: {} } : undefined)))
    const provider = aliyunSms(account(fake.url), clock)
    await expect(provider.send(sms)).rejects.toMatchObject({ kind: 'unheard' })
    lost = false
    await provider.send(sms, true)
    expect(fake.receipts).toHaveLength(1)
    await provider.send({ ...sms, id: 8 }, true)
    expect(fake.receipts).toHaveLength(2)
  })

  test('reports a wrong secret as an error of ours, not of the number', async () => {
    const fake = open(await startAliyun('another'))
    await expect(aliyunSms(account(fake.url), clock).send(sms)).rejects.toMatchObject({ kind: 'ours' })
  })
})

describe('Tencent Cloud SMS', () => {
  test('takes a signed call', async () => {
    const fake = open(await startTencent('id', 'shh'))
    expect(await tencentSms(account(fake.url), clock).send(sms)).toEqual({ providerId: 'serial-1' })
    expect(fake.asked[0]?.body).toMatchObject({
      ...{ SmsSdkAppId: '1400', SignName: '预约', TemplateId: 'SMS_1', TemplateParamSet: [sms.text] },
      PhoneNumberSet: ['+8613800138000'],
    })
  })

  test.each([
    ['LimitExceeded.PhoneNumberDailyLimit', 'busy'],
    ['InvalidParameterValue.IncorrectPhoneNumber', 'address'],
    ['FailedOperation.TemplateIncorrectOrUnapproved', 'message'],
    ['FailedOperation.InsufficientBalanceInSmsPackage', 'ours'],
    ['InternalError.Timeout', 'temporary'],
  ])('says %s: %s', async (Code, kind) => {
    const fake = open(await startTencent('id', 'shh', () => ({ Code })))
    await expect(tencentSms(account(fake.url), clock).send(sms)).rejects.toMatchObject({ kind })
  })

  test('does not send again a message that was accepted without an answer, if its receipt exists', async () => {
    let lost = true
    const fake = open(
      await startTencent(
        'id',
        'shh',
        () => undefined,
        () => lost,
      ),
    )
    const provider = tencentSms(account(fake.url), clock)
    await expect(provider.send(sms)).rejects.toMatchObject({ kind: 'unheard' })
    lost = false
    expect(await provider.send(sms, true)).toEqual({ providerId: `yuyue-7-${sms.at.getTime()}` })
    expect(fake.receipts).toHaveLength(1)
    await provider.send({ ...sms, id: 8 }, true)
    expect(fake.receipts).toHaveLength(2)
  })

  test('sends again after a failed delivery', async () => {
    const fake = open(await startTencent('id', 'shh'))
    const provider = tencentSms(account(fake.url), clock)
    await provider.send(sms)
    for (const receipt of fake.receipts) receipt.ReportStatus = 'FAIL'
    await provider.send(sms, true)
    expect(fake.receipts).toHaveLength(2)
  })

  test('requests no receipts older than the provider keeps', async () => {
    const fake = open(await startTencent('id', 'shh'))
    await tencentSms(account(fake.url), clock).send({ ...sms, at: new Date('2026-01-01T00:00:00Z') }, true)
    const week = 7 * 24 * 3600
    expect(fake.asked[0]?.body).toMatchObject({ BeginTime: clock.now().getTime() / 1000 - week, PhoneNumber: sms.to })
  })

  test('with the wrong secret is our fault', async () => {
    const fake = open(await startTencent('id', 'another'))
    await expect(tencentSms(account(fake.url), clock).send(sms)).rejects.toMatchObject({ kind: 'ours' })
  })
})

describe('a call', () => {
  const send = (baseUrl: string) => tencentSms(account(baseUrl), clock).send(sms)

  test.each([
    [500, 'unheard'],
    [502, 'unheard'],
    [504, 'unheard'],
    [503, 'temporary'],
    [429, 'busy'],
    [302, 'temporary'],
  ])('that is answered %i: %s', async (status, kind) => {
    const fake = open(await startFake(() => ({ status, headers: { location: '/elsewhere' }, body: {} })))
    await expect(send(fake.url)).rejects.toMatchObject({ kind })
    expect(fake.asked).toHaveLength(1)
  })

  test('to a closed port was certainly not received', async () => {
    const fake = await startFake(() => ({ body: {} }))
    await fake.close()
    await expect(send(fake.url)).rejects.toMatchObject({ kind: 'temporary' })
  })
})

describe('the SMS webhook', () => {
  test('receives a signed call with the same key for every try', async () => {
    const fake = open(await startFake(() => ({ body: { id: 'theirs' } })))
    const provider = webhookSms(account(`${fake.url}/send`), clock)
    expect(await provider.send(sms)).toEqual({ providerId: 'theirs' })
    await provider.send(sms)
    const [first, second] = fake.asked
    expect(first?.headers['idempotency-key']).toBe(second?.headers['idempotency-key'])
    const signed = `${first?.headers['x-yuyue-timestamp']}.${first?.text}`
    const signature = createHmac('sha256', 'shh').update(signed).digest('hex')
    expect(first?.headers['x-yuyue-signature']).toBe(`sha256=${signature}`)
  })

  test.each([
    [410, 'address'],
    [422, 'message'],
    [401, 'ours'],
    [429, 'busy'],
    [503, 'temporary'],
  ])('that answers %i says: %s', async (status, kind) => {
    const fake = open(await startFake(() => ({ status, headers: { 'retry-after': '7' }, body: {} })))
    const refused = webhookSms(account(fake.url), clock).send(sms)
    await expect(refused).rejects.toMatchObject({ kind, ...(kind === 'busy' && { retryAfter: 7 }) })
  })
})

describe('a WeCom application', () => {
  const message = { ...sms, to: 'zhangsan' }
  const application = (baseUrl: string) =>
    wecomApplication({ baseUrl, corpId: 'corp', agentId: '1000002', secret: 'shh', timeZone: 'Asia/Shanghai' }, clock)

  test('keeps its token while it is valid, and fetches another when it has expired', async () => {
    const fake = open(await startWecom('shh', ['zhangsan']))
    const provider = application(fake.url)
    for (let n = 0; n < 3; n += 1) await provider.send({ ...message, text: `${n}` })
    expect(fake.tokens()).toBe(1)
    clock.advance(120)
    await provider.send({ ...message, text: 'later' })
    expect(fake.tokens()).toBe(2)
    expect(fake.received.map(({ text }) => text)).toEqual(
      ['0', '1', '2', 'later'].map((text) => `预约成功\n\n${text}\n\n2026-03-14 09:00:00 #7`),
    )
  })

  test('sends with a new token when the old one expired early', async () => {
    const fake = open(await startWecom('shh', ['zhangsan']))
    const provider = application(fake.url)
    await provider.send({ ...message, text: 'a' })
    fake.endTokens()
    expect(await provider.send({ ...message, text: 'b' })).toEqual({ providerId: 'msg-2' })
    expect(fake.tokens()).toBe(2)
  })

  test('recognizes every answer that means an unreachable member', async () => {
    const fake = open(await startWecom('shh', ['zhangsan']))
    // The code can also mean that the application may not write to the member; the name may be right.
    await expect(application(fake.url).send({ ...message, to: 'nobody' })).rejects.toMatchObject({ kind: 'message' })
    const kinder = open(
      await startFake(({ path }) => ({
        body: path.endsWith('gettoken') ? { errcode: 0, access_token: 't' } : { errcode: 0, invaliduser: 'nobody' },
      })),
    )
    await expect(application(kinder.url).send({ ...message, to: 'nobody' })).rejects.toMatchObject({ kind: 'message' })
  })

  test('alerts once for a repeated message, and again for another message with the same text', async () => {
    const fake = open(await startWecom('shh', ['zhangsan']))
    await application(fake.url).send(message)
    await application(fake.url).send(message)
    expect(fake.received).toHaveLength(1)
    await application(fake.url).send({ ...message, id: 8 })
    await application(fake.url).send({ ...message, at: new Date('2026-03-14T01:10:00Z') })
    expect(fake.received).toHaveLength(3)
  })

  test('distinguishes messages even when their texts are too long', async () => {
    const fake = open(await startWecom('shh', ['zhangsan']))
    const long = { ...message, text: '羽'.repeat(3000) }
    await application(fake.url).send(long)
    await application(fake.url).send({ ...long, id: 8 })
    const texts = fake.received.map(({ text }) => text)
    expect(texts).toEqual([expect.stringMatching(/…\n\n.* #7$/), expect.stringMatching(/…\n\n.* #8$/)])
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2048)
  })

  test('with the wrong secret is our fault', async () => {
    const fake = open(await startWecom('another', ['zhangsan']))
    await expect(application(fake.url).send(message)).rejects.toMatchObject({ kind: 'ours' })
  })
})

describe('robots', () => {
  test('of WeCom, DingTalk and Feishu accept signed messages, cut to their size limit', async () => {
    const fake = open(await startRobots('shh'))
    const long = { ...sms, text: '羽'.repeat(3000) }
    await wecomRobot(`${fake.url}/wecom?key=k`).send({ ...long, to: 'wecom_robot' })
    await dingtalkRobot(`${fake.url}/dingtalk?access_token=t`, 'shh', clock).send({ ...long, to: 'dingtalk_robot' })
    await feishuRobot(`${fake.url}/feishu`, 'shh', clock).send({ ...long, to: 'feishu_robot' })
    const content = String(fake.asked[0]?.body.text.content)
    expect(Buffer.byteLength(content)).toBeLessThanOrEqual(2048)
    expect(content).toMatch(/^预约成功\n\n羽+…$/)
    expect(fake.asked.map(({ body }) => body.msgtype ?? body.msg_type)).toEqual(['text', 'text', 'text'])
  })

  test('report a wrong signature', async () => {
    const fake = open(await startRobots('shh'))
    const ding = dingtalkRobot(`${fake.url}/dingtalk?access_token=t`, 'wrong', clock).send(sms)
    await expect(ding).rejects.toMatchObject({ kind: 'ours' })
    await expect(feishuRobot(`${fake.url}/feishu`, 'wrong', clock).send(sms)).rejects.toMatchObject({ kind: 'ours' })
  })

  test('do not show the key of their URL when they cannot be reached', async () => {
    const fake = await startRobots('shh')
    await fake.close()
    const refused = wecomRobot(`${fake.url}/wecom?key=topsecret`).send(sms)
    await expect(refused).rejects.toMatchObject({ kind: 'temporary' })
    await expect(refused).rejects.not.toThrow(/topsecret/)
  })
})

describe('a breaker', () => {
  test('opens for a minute after five failures in a row, allows one try, and closes if it succeeds', () => {
    const breaker = createBreaker(clock)
    for (let n = 0; n < 4; n += 1) breaker.failed()
    expect(breaker.openUntil()).toBeUndefined()
    breaker.failed()
    expect(breaker.openUntil()).toEqual(new Date(clock.now().getTime() + 60_000))
    clock.advance(1)
    expect(breaker.openUntil()).toBeUndefined()
    breaker.failed()
    expect(breaker.openUntil()).toEqual(new Date(clock.now().getTime() + 120_000))
    clock.advance(2)
    breaker.succeeded()
    breaker.failed()
    expect(breaker.openUntil()).toBeUndefined()
  })
})
