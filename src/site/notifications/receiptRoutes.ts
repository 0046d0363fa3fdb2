import { Readable } from 'node:stream'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { Invalid } from '../../kernel/errors.ts'
import { problemAnswer } from '../../kernel/http/answer/problem.ts'
import type { App } from '../../kernel/http/app.ts'
import { route } from '../../kernel/http/route.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import {
  aliyunReceipt,
  requireSignature,
  requireToken,
  takeReceipts,
  tencentReceipt,
} from '../../kernel/notifications/delivery/receipts.ts'

const tag = 'Receipts'
const MOST_AT_ONCE = 1000
const MOST_BYTES = 1024 * 1024

const TokenParams = Type.Object({ token: Type.String({ minLength: 1, maxLength: 200 }) })
/** Members that are not read are accepted, because providers add some without notice. */
const Member = Type.Unsafe<string | number | boolean | null>({
  type: ['string', 'number', 'boolean', 'null'],
  maxLength: 2000,
  minimum: -Number.MAX_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
})
const Reports = Type.Array(Type.Object({}, { maxProperties: 50, additionalProperties: Member }), {
  maxItems: MOST_AT_ONCE,
})
const secretPath =
  'The last part of the path is `RECEIPT_TOKEN`: the provider has no signature. Repeats and unknown ids change nothing.'

const Id = Type.String({ minLength: 1, maxLength: 300 })
const To = Type.String({ minLength: 1, maxLength: 254 })
const Outcome = Type.Enum(['delivered', 'failed'])
const Permanent = Type.Optional(
  Type.Boolean({ description: 'True if the address will never work: nothing is sent there any more.' }),
)
const Reason = Type.Optional(Type.String({ maxLength: 1000 }))
const Receipts = Type.Object({
  receipts: Type.Array(
    Type.Object({
      channel: Type.Enum(['sms', 'email']),
      id: {
        ...Id,
        description: 'For an SMS the `id` that the webhook was given or answered, for a mail its Message-ID.',
      },
      to: { ...To, description: 'The phone number in E.164, or the mail address.' },
      outcome: Outcome,
      permanent: Permanent,
      reason: Reason,
    }),
    { maxItems: MOST_AT_ONCE },
  ),
})

/** Routes for delivery receipts of providers. */
export function receiptRoutes(app: App, kernel: Kernel): void {
  smsRoute(app, kernel, {
    provider: 'aliyun',
    operationId: 'reportAliyunReceipts',
    summary: 'Take receipts of Aliyun (SmsReport)',
    read: aliyunReceipt,
    answer: Type.Object({ code: Type.Integer(), msg: Type.String() }),
    taken: { code: 0, msg: '接收成功' },
  })
  smsRoute(app, kernel, {
    provider: 'tencent',
    operationId: 'reportTencentReceipts',
    summary: 'Take receipts of Tencent Cloud (status callback)',
    read: tencentReceipt,
    answer: Type.Object({ result: Type.Integer(), errmsg: Type.String() }),
    taken: { result: 0, errmsg: 'OK' },
  })
  void app.register(async (scope) => signedRoute(scope.withTypeProvider<TypeBoxTypeProvider>(), kernel))
}

/** Registers a provider's route for SMS receipts. The provider repeats its list until it gets the expected answer. */
function smsRoute(
  app: App,
  kernel: Kernel,
  of: {
    readonly provider: string
    readonly operationId: string
    readonly summary: string
    readonly read: typeof aliyunReceipt
    readonly answer: TSchema
    readonly taken: Readonly<Record<string, unknown>>
  },
): void {
  route(app, {
    method: 'POST',
    paths: [`/api/v1/receipts/${of.provider}/{token}`],
    operationId: of.operationId,
    permission: 'public',
    summary: of.summary,
    description: secretPath,
    tag,
    limit: 'none',
    schema: { params: TokenParams, body: Reports, response: { 200: of.answer } },
    handler: async ({ params, body }) => {
      requireToken(kernel, params.token)
      await takeReceipts(kernel, body.map(of.read))
      return of.taken
    },
  })
}

function signedRoute(scope: App, kernel: Kernel): void {
  // Keeps the raw bytes of the body, because the signature covers them. Validation comes before the check of the
  // signature.
  const bodies = new WeakMap<FastifyRequest, Buffer>()
  scope.addHook('preParsing', async (request, _reply, payload) => {
    const parts: Buffer[] = []
    let bytes = 0
    for await (const part of payload) {
      bytes += part.length
      if (bytes > MOST_BYTES) throw new Invalid('body_too_large', 'The body is larger than 1 MB.', { status: 413 })
      parts.push(part)
    }
    const body = Buffer.concat(parts)
    bodies.set(request, body)
    return Readable.from([body])
  })
  scope.addHook('preHandler', async (request) => {
    const header = (name: string) => String(request.headers[name] ?? '')
    const given = { timestamp: header('x-yuyue-timestamp'), signature: header('x-yuyue-signature') }
    requireSignature(kernel, given, bodies.get(request) ?? Buffer.alloc(0))
  })

  route(scope, {
    method: 'POST',
    paths: ['/api/v1/receipts'],
    operationId: 'reportReceipts',
    permission: 'public',
    summary: 'Take receipts of SMS and bounces of mails, signed',
    description:
      'Signed like our own calls of the SMS webhook: `X-Yuyue-Timestamp` (seconds) and `X-Yuyue-Signature: ' +
      'sha256=<hex>`, the HMAC-SHA256 of `<timestamp>.<body>` with `RECEIPT_SECRET`. Repeats and unknown ids change ' +
      'nothing.',
    tag,
    limit: 'none',
    schema: {
      body: Receipts,
      response: {
        200: Type.Object({ received: Type.Integer() }),
        401: problemAnswer('`bad_signature`'),
        404: problemAnswer('`RECEIPT_SECRET` is not set.'),
      },
    },
    handler: async ({ body }) => {
      const receipts = body.receipts.map(({ id, permanent = false, reason = '', ...one }) => ({
        ...one,
        permanent,
        reason,
        // Message-IDs are written with or without brackets.
        ids: one.channel === 'email' ? [`<${id.replace(/^<|>$/g, '')}>`] : [id],
      }))
      await takeReceipts(kernel, receipts)
      return { received: receipts.length }
    },
  })
}
