import { createHmac } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { localTimestamp } from '../../time.ts'
import { callProvider, textOf } from './http.ts'
import { type Provider, type ProviderMessage, type RefusalKind, Refused } from './provider.ts'

/** An application at WeCom. */
export interface WecomApplication {
  readonly baseUrl: string
  readonly corpId: string
  readonly agentId: string
  readonly secret: string
  /** IANA zone of the time that is printed below each message. */
  readonly timeZone: string
}

/** Longest text that WeCom takes, in bytes; it cuts longer ones in the middle of a character. */
const WECOM_BYTES = 2048
const ROBOT_BYTES = 2048
const OTHER_BYTES = 18_000
/** A token is renewed this long before it expires, so that it does not expire during a call. */
const TOKEN_MARGIN_MS = 60_000

/**
 * Sends messages of a WeCom application to single members (the address is the member's userid). The token is cached
 * until it expires (7,200 s), and fetched again once when WeCom ended it early. WeCom silently drops more than 30
 * messages a minute to one member; `pace` keeps below that.
 */
export function wecomApplication(application: WecomApplication, clock: Clock): Provider {
  const { baseUrl, corpId, agentId, secret, timeZone } = application
  let token: { readonly value: string; readonly until: number } | undefined

  const fetchToken = async (): Promise<string> => {
    if (token && token.until > clock.now().getTime()) return token.value
    const query = new URLSearchParams({ corpid: corpId, corpsecret: secret })
    const { body } = await callProvider(`${baseUrl}/cgi-bin/gettoken?${query}`, { method: 'GET', asks: true })
    const value = textOf(body.access_token)
    if (textOf(body.errcode) !== '0' || value === '') throw refused(body, WECOM, 'ours')
    const seconds = Number(body.expires_in ?? 7200)
    token = { value, until: clock.now().getTime() + seconds * 1000 - TOKEN_MARGIN_MS }
    return value
  }

  const post = async (message: ProviderMessage) => {
    const query = new URLSearchParams({ access_token: await fetchToken() })
    const which = `\n\n${localTimestamp(message.at, timeZone).slice(0, 19).replace('T', ' ')} #${message.id}`
    const payload = {
      touser: message.to,
      msgtype: 'text',
      agentid: Number(agentId),
      // WeCom drops the same text to the same member within half an hour, so a repeat after a crash doesn't ring twice.
      // The last line (time and id of the delivery) makes the texts of different messages differ.
      text: { content: `${contentOf(message, WECOM_BYTES - Buffer.byteLength(which))}${which}` },
      enable_duplicate_check: 1,
      duplicate_check_interval: 1800,
    }
    return (await callProvider(`${baseUrl}/cgi-bin/message/send?${query}`, json(payload))).body
  }

  return {
    lane: 'wecom',
    channel: 'im',
    name: 'wecom',
    rings: true,
    pace: { per: 'recipient', limit: 30, seconds: 60 },
    address: /^[\w.@-]{1,64}$/,
    async send(message) {
      let body = await post(message)
      if (['40014', '42001', '40001'].includes(textOf(body.errcode))) {
        token = undefined
        body = await post(message)
      }
      if (textOf(body.errcode) !== '0') throw refused(body, WECOM)
      const invalid = textOf(body.invaliduser).toLowerCase().split('|')
      if (invalid.includes(message.to.toLowerCase())) throw new Refused('invaliduser', 'message')
      return { providerId: textOf(body.msgid) }
    },
    async close() {},
  }
}

/** A robot in a WeCom group: 20 messages a minute. `url` contains its key. */
export function wecomRobot(url: string): Provider {
  return robot('wecom_robot', 20, async (message) => {
    const payload = { msgtype: 'text', text: { content: contentOf(message, ROBOT_BYTES) } }
    return { answer: (await callProvider(url, json(payload))).body, table: WECOM }
  })
}

/** A robot in a DingTalk group, signed: 20 messages a minute. */
export function dingtalkRobot(url: string, secret: string | undefined, clock: Clock): Provider {
  return robot('dingtalk_robot', 20, async (message) => {
    const payload = { msgtype: 'text', text: { content: contentOf(message, OTHER_BYTES) } }
    const address = new URL(url)
    if (secret !== undefined) {
      const timestamp = String(clock.now().getTime())
      address.searchParams.set('timestamp', timestamp)
      address.searchParams.set('sign', dingtalkSignature(timestamp, secret))
    }
    return { answer: (await callProvider(address.href, json(payload))).body, table: DINGTALK }
  })
}

/** HMAC-SHA256 of `<timestamp>\n<secret>` under the key `secret`. `timestamp`: milliseconds. */
function dingtalkSignature(timestamp: string, secret: string): string {
  return createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64')
}

/** A robot in a Feishu group, signed: 100 messages a minute. */
export function feishuRobot(url: string, secret: string | undefined, clock: Clock): Provider {
  return robot('feishu_robot', 100, async (message) => {
    const timestamp = String(Math.floor(clock.now().getTime() / 1000))
    const payload = {
      ...(secret !== undefined && { timestamp, sign: feishuSignature(timestamp, secret) }),
      msg_type: 'text',
      content: { text: contentOf(message, OTHER_BYTES) },
    }
    const { body } = await callProvider(url, json(payload))
    return { answer: { ...body, errcode: body.code ?? body.StatusCode, errmsg: body.msg }, table: FEISHU }
  })
}

/** HMAC-SHA256 of an empty text under the key `<timestamp>\n<secret>`. `timestamp`: seconds. */
function feishuSignature(timestamp: string, secret: string): string {
  return createHmac('sha256', `${timestamp}\n${secret}`).digest('base64')
}

function robot(
  lane: string,
  perMinute: number,
  post: (
    message: ProviderMessage,
  ) => Promise<{ readonly answer: Readonly<Record<string, unknown>>; readonly table: Table }>,
): Provider {
  return {
    lane,
    channel: 'im',
    name: lane,
    rings: true,
    pace: { per: 'provider', limit: perMinute, seconds: 60 },
    address: new RegExp(`^${lane}$`),
    async send(message) {
      const { answer, table } = await post(message)
      if (textOf(answer.errcode) !== '0') throw refused(answer, table)
      return { providerId: '' }
    },
    async close() {},
  }
}

type Table = Readonly<Record<string, RefusalKind>>

/** https://developer.work.weixin.qq.com/document/path/90313 */
const WECOM: Table = {
  '-1': 'temporary',
  '45009': 'busy',
  '45033': 'busy',
  '40003': 'address',
  // The member is unknown, or the application may not write to them. A WeCom administrator can change that.
  '81013': 'message',
  '60111': 'address',
  '40008': 'message',
  '44004': 'message',
  '45002': 'message',
}
/** https://open.dingtalk.com/document/orgapp/custom-robot-access */
const DINGTALK: Table = { '130101': 'busy', '410100': 'busy', '400101': 'ours', '310000': 'ours', '-1': 'temporary' }
/** https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot */
const FEISHU: Table = { '9499': 'busy', '11232': 'busy', '19021': 'ours', '19022': 'ours', '19024': 'message' }

function refused(body: Readonly<Record<string, unknown>>, table: Table, otherwise: RefusalKind = 'ours'): Refused {
  const code = textOf(body.errcode)
  const kind = code === '' ? 'temporary' : (table[code] ?? otherwise)
  return new Refused(`${code || 'no code'} ${textOf(body.errmsg)}`, kind)
}

function json(payload: object) {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(payload) } as const
}

/** Subject and text, cut to at most `bytes` bytes of UTF-8. */
function contentOf({ subject, text }: ProviderMessage, bytes: number): string {
  const whole = Buffer.from(`${subject}\n\n${text}`)
  if (whole.length <= bytes) return whole.toString()
  // A character that is cut in half becomes U+FFFD, which has three bytes.
  return `${whole
    .subarray(0, bytes - 6)
    .toString()
    .replace(/\ufffd+$/, '')}…`
}
