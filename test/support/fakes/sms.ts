import { createHash, createHmac } from 'node:crypto'
import { type Asked, type Reply, startFake } from './http.ts'

/** Aliyun's SMS API: checks signatures as its documentation describes and keeps receipts. `say` replaces the answer. */
export async function startAliyun(secret: string, say: (asked: Asked) => Reply | undefined = () => undefined) {
  const receipts: { PhoneNum: string; OutId: string; SendStatus: number }[] = []
  const fake = await startFake((asked) => {
    const { Signature, ...params } = Object.fromEntries(asked.query)
    if (Signature !== aliyunSign(params, secret)) {
      return { status: 400, body: { Code: 'SignatureDoesNotMatch', Message: 'Specified signature is not matched.' } }
    }
    if (params.Action === 'QuerySendDetails') {
      const found = receipts.filter(({ PhoneNum }) => PhoneNum === params.PhoneNumber)
      return { body: { Code: 'OK', TotalCount: found.length, SmsSendDetailDTOs: { SmsSendDetailDTO: found } } }
    }
    const other = say(asked)
    if (other && other.status !== 500) return other
    receipts.push({ PhoneNum: params.PhoneNumbers ?? '', OutId: params.OutId ?? '', SendStatus: 3 })
    // 500: the message was sent, but the answer got lost.
    return other ?? { body: { Code: 'OK', Message: 'OK', BizId: `biz-${receipts.length}`, RequestId: 'r' } }
  })
  return { ...fake, receipts }
}

function aliyunSign(params: Readonly<Record<string, string>>, secret: string): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = Object.entries(params)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&')
  return createHmac('sha1', `${secret}&`)
    .update(`POST&%2F&${encode(query)}`)
    .digest('base64')
}

/** Tencent Cloud's SMS API: checks TC3-HMAC-SHA256 and keeps receipts. `loses`: it sends, but loses the answer. */
export async function startTencent(
  keyId: string,
  secret: string,
  say: (asked: Asked) => object | undefined = () => undefined,
  loses: () => boolean = () => false,
) {
  const receipts: { PhoneNumber: string; SessionContext: string; ReportStatus: string }[] = []
  const fake = await startFake((asked) => {
    const action = String(asked.headers['x-tc-action'])
    const { host = '' } = asked.headers
    if (asked.headers.authorization !== tencentSign(asked, { keyId, secret, action, host })) {
      return { body: { Response: { Error: { Code: 'AuthFailure.SignatureFailure', Message: 'no' }, RequestId: 'r' } } }
    }
    if (action === 'PullSmsSendStatusByPhoneNumber') {
      const found = receipts.filter(({ PhoneNumber }) => PhoneNumber === asked.body.PhoneNumber)
      return { body: { Response: { PullSmsSendStatusSet: found, RequestId: 'r' } } }
    }
    const [PhoneNumber] = asked.body.PhoneNumberSet
    receipts.push({ PhoneNumber, SessionContext: asked.body.SessionContext, ReportStatus: 'SUCCESS' })
    if (loses()) return { status: 500, body: {} }
    const status = { SerialNo: `serial-${receipts.length}`, PhoneNumber, Fee: 1, Code: 'Ok', Message: 'send success' }
    return { body: { Response: { SendStatusSet: [{ ...status, ...say(asked) }], RequestId: 'r' } } }
  })
  return { ...fake, receipts }
}

function tencentSign(
  asked: Asked,
  { keyId, secret, action, host }: Readonly<Record<'keyId' | 'secret' | 'action' | 'host', string>>,
): string {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const stamp = String(asked.headers['x-tc-timestamp'])
  const date = new Date(Number(stamp) * 1000).toISOString().slice(0, 10)
  const head = `content-type:${asked.headers['content-type']}\nhost:${host}\nx-tc-action:${action.toLowerCase()}\n`
  const request = `POST\n/\n\n${head}\ncontent-type;host;x-tc-action\n${hash(asked.text)}`
  const text = `TC3-HMAC-SHA256\n${stamp}\n${date}/sms/tc3_request\n${hash(request)}`
  const key = hmac(hmac(hmac(`TC3${secret}`, date), 'sms'), 'tc3_request')
  const signature = createHmac('sha256', key).update(text).digest('hex')
  return `TC3-HMAC-SHA256 Credential=${keyId}/${date}/sms/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=${signature}`
}
