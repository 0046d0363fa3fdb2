import { createHmac } from 'node:crypto'
import { type FakeProvider, startFake } from './http.ts'

export interface FakeWecom extends FakeProvider {
  /** Ends all tokens before they expire. */
  endTokens(): void
  /** Messages that members received. Repeated ones are dropped when the duplicate check is on, as WeCom does. */
  readonly received: { readonly user: string; readonly text: string }[]
  /** Number of tokens that were issued. */
  tokens(): number
}

/** WeCom's API for applications, with tokens that can end early, unknown members, and the duplicate check. */
export async function startWecom(secret: string, members: readonly string[]): Promise<FakeWecom> {
  let count = 0
  let valid: string | undefined
  const received: { user: string; text: string }[] = []
  const fake = await startFake(({ path, query, body }) => {
    if (path === '/cgi-bin/gettoken') {
      if (query.get('corpsecret') !== secret) return { body: { errcode: 40001, errmsg: 'invalid credential' } }
      count += 1
      valid = `token-${count}`
      return { body: { errcode: 0, errmsg: 'ok', access_token: valid, expires_in: 7200 } }
    }
    if (query.get('access_token') !== valid) return { body: { errcode: 42001, errmsg: 'access_token expired' } }
    const users = String(body.touser).split('|')
    const unknown = users.filter((user) => !members.includes(user))
    if (unknown.length === users.length) return { body: { errcode: 81013, errmsg: 'user & party & tag all invalid' } }
    for (const user of users.filter((name) => members.includes(name))) {
      const text = String(body.text.content)
      const repeated = received.some((one) => one.user === user && one.text === text)
      if (!(repeated && body.enable_duplicate_check === 1)) received.push({ user, text })
    }
    return { body: { errcode: 0, errmsg: 'ok', invaliduser: unknown.join('|'), msgid: `msg-${received.length}` } }
  })
  return {
    ...fake,
    received,
    endTokens: () => {
      valid = undefined
    },
    tokens: () => count,
  }
}

/** The robots of WeCom, DingTalk and Feishu at `/wecom`, `/dingtalk` and `/feishu`. The last two check signatures. */
export function startRobots(secret: string): Promise<FakeProvider> {
  return startFake(({ path, query, body }) => {
    if (path === '/wecom') {
      const tooLong = Buffer.byteLength(String(body.text.content)) > 2048
      return { body: tooLong ? { errcode: 40058, errmsg: 'exceed max length 2048' } : { errcode: 0, errmsg: 'ok' } }
    }
    if (path === '/dingtalk') {
      const stamp = query.get('timestamp') ?? ''
      const sign = createHmac('sha256', secret).update(`${stamp}\n${secret}`).digest('base64')
      const good = query.get('sign') === sign
      return { body: good ? { errcode: 0, errmsg: 'ok' } : { errcode: 310000, errmsg: 'sign not match' } }
    }
    const sign = createHmac('sha256', `${body.timestamp}\n${secret}`).digest('base64')
    return {
      body: body.sign === sign ? { code: 0, msg: 'success', data: {} } : { code: 19021, msg: 'sign match fail' },
    }
  })
}
