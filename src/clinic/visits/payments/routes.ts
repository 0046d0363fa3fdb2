import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { yuan } from '../../core/money/rules.ts'
import { NOTIFY_PATH } from '../../core/platform/platform.ts'
import { admin, ids, limits, Moment, moment, paged, Yuan } from '../../fields.ts'
import * as service from './service.ts'
import { REFUND_STATES } from './store.ts'

const tag = 'Clinic desk'

/** Routes of payments by a platform. */
export function paymentRoutes(app: App, kernel: Kernel): void {
  app.register(async (inside) => notifications(inside, kernel))
  refunds(app, kernel)
}

/** The notifications of the platform, in a scope of their own: their signature is about the bytes of the body. */
function notifications(app: App, kernel: Kernel): void {
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) => body)
  route(app, {
    method: 'POST',
    paths: [NOTIFY_PATH],
    operationId: 'notifyClinicPayment',
    permission: 'public',
    summary: 'Take a notification of WeChat Pay',
    description:
      'For WeChat Pay only: its signature in the headers is the permission. Any answer but 200 makes it send the ' +
      'notification again.',
    tag: 'Clinic appointments',
    limit: 'none',
    schema: { response: { 200: Detail } },
    handler: async (request) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      await service.takeNotification(kernel, request.headers, body)
      return detail('成功')
    },
  })
}

const RefundRow = Type.Object({
  refund_id: Id,
  refund_no: Type.String(),
  order_id: Id,
  patient_name: Type.String(),
  amount: Yuan,
  state: Type.Enum([...REFUND_STATES], {
    description:
      'owed: not accepted yet; accepted: on its way; done; failed: give it back another way; settled: that was done.',
  }),
  reason: Nullable(Type.String()),
  problem: Nullable(Type.String({ description: 'What went wrong the last time.' })),
  note: Nullable(Type.String()),
  create_time: Moment,
  update_time: Moment,
})

function refunds(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: admin('/orders/platform-refunds'),
    operationId: 'listClinicPlatformRefunds',
    permission: 'clinic:desk',
    summary: 'List the refunds by WeChat Pay',
    tag,
    schema: {
      querystring: paged({ state: Type.Optional(Type.Enum([...REFUND_STATES])), order_id: Type.Optional(Id) }),
      response: { 200: Answer(Type.Object({ refunds: Type.Array(RefundRow), total: Type.Integer() })) },
    },
    handler: async (request) => {
      const { state, order_id: orderId } = request.query
      const { items, total } = await service.listRefunds(kernel, { state, orderId, ...limits(request.query) })
      const rows = items.map((refund) => ({
        refund_id: refund.refundId,
        refund_no: refund.refundNumber,
        order_id: refund.orderId,
        patient_name: refund.patientName,
        amount: yuan(refund.amount),
        state: refund.state,
        reason: refund.reason,
        problem: refund.problem,
        note: refund.note,
        create_time: moment(refund.createTime, zone),
        update_time: moment(refund.updateTime, zone),
      }))
      return answer({ refunds: rows, total })
    },
  })
  route(app, {
    method: 'POST',
    paths: admin('/orders/platform-refunds/{refund_id}/settle'),
    operationId: 'settleClinicPlatformRefund',
    permission: 'clinic:desk',
    summary: 'Note that the money of a failed refund was given back another way',
    tag,
    schema: {
      params: ids('refund_id'),
      body: Type.Object({ note: Text(200) }),
      response: { 200: Detail },
    },
    handler: async (request) => {
      await service.settleOtherwise(kernel, callerOf(request), request.params.refund_id, request.body.note)
      return detail('已登记退款方式')
    },
  })
}
