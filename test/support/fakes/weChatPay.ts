import { createCipheriv, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

// WeChat Pay API v3 (native payments), with real keys: it checks the signature of each request and signs its answers.

const API_KEY = 'abcdefghijklmnopqrstuvwxyz012345'
const [APP, MERCHANT, SERIAL, KEY_ID] = [
  'wxapp1',
  '1900000001',
  '5157F09EFDC096DE15EBE81A47057A72',
  'PUB_KEY_ID_011900',
]

/** A payment at the fake. */
export interface FakePayment {
  readonly number: string
  readonly total: number
  readonly description: string
  readonly notifyUrl: string
  readonly expires: string
  readonly code: string
  state: 'NOTPAY' | 'SUCCESS' | 'CLOSED'
  transactionId?: string
}

export interface FakeRefund {
  readonly refundNumber: string
  readonly number: string
  readonly amount: number
  state: 'PROCESSING' | 'SUCCESS' | 'CLOSED' | 'ABNORMAL'
}

/** A notification, as it is delivered. */
export interface FakeNotification {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * A fault of the next request whose path contains `path`. `cut`: it is done, but the connection ends without an answer.
 * `forge`: the answer is signed by another key. A number: nothing is done, and this status is answered with `code`.
 */
export interface Fault {
  readonly path: string
  readonly how: 'cut' | 'forge' | number
  readonly code?: string
}

type Answer = { readonly status: number; readonly body?: object }

/** Starts WeChat Pay on a free port. Set `clock` to that of the world. */
export async function openFakeWeChatPay() {
  const merchant = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const platform = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const payments = new Map<string, FakePayment>()
  const refunds = new Map<string, FakeRefund>()
  const state = {
    clock: { now: () => new Date() },
    /** Faults of the next requests; each is used once. */
    faults: [] as Fault[],
    /** What was asked: `POST /v3/pay/transactions/native`. */
    asked: [] as string[],
    /** Requests that were not signed by the merchant. */
    unsigned: 0,
    /** The state of new refunds. */
    refundState: 'SUCCESS' as FakeRefund['state'],
    /** Called when a payment is about to be closed. */
    beforeClose: (_: FakePayment): void => {},
  }

  const seconds = () => String(Math.floor(state.clock.now().getTime() / 1000))

  function signed(body: string, { key = platform.privateKey, timestamp = seconds(), serial = KEY_ID } = {}) {
    const nonce = randomBytes(16).toString('hex')
    const signature = sign('sha256', Buffer.from(`${timestamp}\n${nonce}\n${body}\n`), key).toString('base64')
    return {
      'wechatpay-serial': serial,
      'wechatpay-nonce': nonce,
      'wechatpay-timestamp': timestamp,
      'wechatpay-signature': signature,
    }
  }

  function isSigned(request: IncomingMessage, body: string): boolean {
    const header = request.headers.authorization ?? ''
    const fields = new Map([...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]))
    const [stamp, nonce] = [fields.get('timestamp') ?? '', fields.get('nonce_str') ?? '']
    const message = `${request.method}\n${request.url}\n${stamp}\n${nonce}\n${body}\n`
    const signature = Buffer.from(fields.get('signature') ?? '', 'base64')
    return (
      header.startsWith('WECHATPAY2-SHA256-RSA2048 ') &&
      fields.get('mchid') === MERCHANT &&
      fields.get('serial_no') === SERIAL &&
      request.headers['wechatpay-serial'] === KEY_ID &&
      Math.abs(Number(stamp) - Number(seconds())) <= 300 &&
      verify('sha256', Buffer.from(message), merchant.publicKey, signature)
    )
  }

  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request)
    const url = new URL(request.url ?? '/', 'http://fake')
    state.asked.push(`${request.method} ${url.pathname}`)
    const nth = state.faults.findIndex(({ path }) => url.pathname.includes(path))
    const [fault] = nth < 0 ? [] : state.faults.splice(nth, 1)
    if (!isSigned(request, body)) {
      state.unsigned += 1
      return void response.writeHead(401).end('{"code":"SIGN_ERROR","message":"错误的签名"}')
    }
    const answer: Answer =
      typeof fault?.how === 'number'
        ? { status: fault.how, body: { code: fault.code ?? 'SYSTEM_ERROR', message: '系统错误' } }
        : answerTo(request.method ?? '', url, body === '' ? {} : JSON.parse(body))
    if (fault?.how === 'cut') return void request.socket.destroy()
    const sent = answer.body ? JSON.stringify(answer.body) : ''
    const headers = signed(sent, fault?.how === 'forge' ? { key: stranger.privateKey } : {})
    response.writeHead(answer.status, { 'content-type': 'application/json', ...headers }).end(sent)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const refuse = (status: number, code: string): Answer => ({ status, body: { code, message: code } })

  // biome-ignore lint/suspicious/noExplicitAny: request bodies have no static type
  function answerTo(method: string, { pathname, searchParams }: URL, body: any): Answer {
    if (method === 'POST' && pathname === '/v3/pay/transactions/native') return open(body)
    if (pathname === '/v3/refund/domestic/refunds') return refund(body)
    const [, refundNumber] = /^\/v3\/refund\/domestic\/refunds\/([\w-]+)$/.exec(pathname) ?? []
    if (refundNumber) {
      const found = refunds.get(refundNumber)
      return found ? { status: 200, body: refundAnswer(found) } : refuse(404, 'RESOURCE_NOT_EXISTS')
    }
    const [, number = '', close] = /^\/v3\/pay\/transactions\/out-trade-no\/([\w-]+)(\/close)?$/.exec(pathname) ?? []
    const payment = payments.get(number)
    if ((close ? body.mchid : searchParams.get('mchid')) !== MERCHANT) return refuse(400, 'PARAM_ERROR')
    if (!payment) return refuse(404, 'ORDER_NOT_EXIST')
    if (!close) return { status: 200, body: transaction(payment) }
    state.beforeClose(payment)
    if (payment.state === 'SUCCESS') return refuse(400, 'ORDERPAID')
    payment.state = 'CLOSED'
    return { status: 204 }
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  function open(body: any): Answer {
    const {
      out_trade_no: number,
      amount,
      appid,
      mchid,
      description,
      notify_url: notifyUrl,
      time_expire: expires,
    } = body
    if (appid !== APP || mchid !== MERCHANT || amount.currency !== 'CNY' || !/^[\w-]{6,32}$/.test(number))
      return refuse(400, 'PARAM_ERROR')
    const known = payments.get(number)
    if (known?.state === 'SUCCESS') return refuse(400, 'ORDERPAID')
    if (known?.state === 'CLOSED') return refuse(400, 'ORDER_CLOSED')
    const isSame = known?.total === amount.total && known?.description === description && known?.expires === expires
    if (known && !isSame) return refuse(403, 'OUT_TRADE_NO_USED')
    const code = `weixin://wxpay/bizpayurl?pr=${randomBytes(6).toString('hex')}`
    const made = { number, total: amount.total, description, notifyUrl, expires, code, state: 'NOTPAY' as const }
    payments.set(number, made)
    return { status: 200, body: { code_url: code } }
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  function refund(body: any): Answer {
    const { out_refund_no: refundNumber, out_trade_no: number, amount } = body
    const payment = payments.get(number)
    if (payment?.state !== 'SUCCESS') return refuse(404, 'RESOURCE_NOT_EXISTS')
    const known = refunds.get(refundNumber)
    if (known && known.amount !== amount.refund) return refuse(400, 'INVALID_REQUEST')
    if (known) return { status: 200, body: refundAnswer(known) }
    const given = [...refunds.values()].filter((one) => one.number === number).reduce((sum, one) => sum + one.amount, 0)
    if (amount.total !== payment.total || given + amount.refund > payment.total) return refuse(403, 'NOT_ENOUGH')
    const made: FakeRefund = { refundNumber, number, amount: amount.refund, state: state.refundState }
    refunds.set(refundNumber, made)
    return { status: 200, body: refundAnswer(made) }
  }

  function transaction(payment: FakePayment) {
    const isPaid = payment.state === 'SUCCESS'
    return {
      appid: APP,
      mchid: MERCHANT,
      out_trade_no: payment.number,
      trade_state: payment.state,
      trade_state_desc: payment.state,
      ...(isPaid && { transaction_id: payment.transactionId, trade_type: 'NATIVE', payer: { openid: 'o1' } }),
      ...(isPaid && { amount: { total: payment.total, payer_total: payment.total, currency: 'CNY' } }),
    }
  }

  function refundAnswer({ refundNumber, number, amount, state: status }: FakeRefund) {
    const total = payments.get(number)?.total
    return {
      refund_id: `r${refundNumber}`,
      out_refund_no: refundNumber,
      out_trade_no: number,
      status,
      amount: { refund: amount, total, currency: 'CNY' },
    }
  }

  /** A notification with an encrypted content. */
  function notification(
    kind: string,
    content: object,
    { apiKey = API_KEY, ...how }: { apiKey?: string; key?: KeyObject; timestamp?: string; serial?: string } = {},
  ): FakeNotification {
    const nonce = randomBytes(6).toString('hex')
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(apiKey), Buffer.from(nonce))
    cipher.setAAD(Buffer.from('transaction'))
    const bytes = [cipher.update(JSON.stringify(content)), cipher.final(), cipher.getAuthTag()]
    const ciphertext = Buffer.concat(bytes).toString('base64')
    const resource = { algorithm: 'AEAD_AES_256_GCM', ciphertext, nonce, associated_data: 'transaction' }
    // The text is not what JSON.stringify would give: the signature is about these bytes.
    const body = `{ "id":"e1", "event_type":"${kind}", "resource_type":"encrypt-resource", "resource": ${JSON.stringify(resource)} }`
    return { headers: { 'content-type': 'application/json', ...signed(body, how) }, body }
  }

  const found = (number: string): FakePayment => {
    const payment = payments.get(number)
    if (!payment) throw new Error(`there is no payment ${number}`)
    return payment
  }

  return Object.assign(state, {
    payments,
    refunds,
    /** A key that isn't WeChat Pay's. */
    strangeKey: stranger.privateKey,
    /** Settings for an account at this fake. */
    env: {
      CLINIC_PAYMENT: 'wechat',
      WECHATPAY_APP_ID: APP,
      WECHATPAY_MERCHANT_ID: MERCHANT,
      WECHATPAY_MERCHANT_SERIAL: SERIAL,
      WECHATPAY_PRIVATE_KEY: merchant.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      WECHATPAY_API_V3_KEY: API_KEY,
      WECHATPAY_PUBLIC_KEY: platform.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      WECHATPAY_PUBLIC_KEY_ID: KEY_ID,
      WECHATPAY_URL: `http://127.0.0.1:${port}`,
    },
    /** Scans a code and pays. @throws Error if the payment can't be paid any more */
    pay(code: string): FakePayment {
      const payment = [...payments.values()].find((one) => one.code === code)
      if (payment?.state !== 'NOTPAY') throw new Error('this code can’t be paid')
      if (new Date(payment.expires) <= state.clock.now()) throw new Error('this code has expired')
      return Object.assign(payment, { state: 'SUCCESS', transactionId: `4200${randomBytes(8).toString('hex')}` })
    },
    /** The notification of a payment; `changes` replace fields of its content. */
    paid(number: string, changes: object = {}, how: Parameters<typeof notification>[2] = {}): FakeNotification {
      return notification('TRANSACTION.SUCCESS', { ...transaction(found(number)), ...changes }, how)
    },
    /** Ends a refund that is on its way, and returns the notification about it. */
    endRefund(refund: FakeRefund, outcome: 'SUCCESS' | 'CLOSED' | 'ABNORMAL', changes: object = {}): FakeNotification {
      refund.state = outcome
      const { status, amount, ...content } = refundAnswer(refund)
      const { currency: _, ...sums } = amount
      const fields = { mchid: MERCHANT, ...content, refund_status: status, amount: sums, ...changes }
      return notification(`REFUND.${outcome}`, fields)
    },
    notification,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  })
}
