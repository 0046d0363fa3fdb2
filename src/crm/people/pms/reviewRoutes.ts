import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Instant, Nullable, pageAnswer, pageOffset } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, PageAnswer } from '../../contract.ts'
import { fullName } from '../../core/names.ts'
import { IdPath, pages } from '../../fields.ts'
import type { ReviewState } from './reviewStore.ts'
import * as service from './reviews.ts'
import type { ReviewReason } from './rules.ts'
import { SYNC_TYPES, type SyncType } from './types.ts'

const tag = 'CRM PMS'

const SyncTypeOf = Type.Unsafe<SyncType>({ type: 'string', enum: [...SYNC_TYPES] })
const State = Type.Unsafe<ReviewState>({ type: 'string', enum: ['open', 'linked', 'created', 'ignored'] })
const Reason = Type.Unsafe<ReviewReason>({
  type: 'string',
  enum: ['unmatched', 'ambiguous', 'contradiction'],
  description:
    '`unmatched`: no member fits. `ambiguous`: several fit. `contradiction`: the member has another id number, or the ' +
    'order belongs to another member.',
})

const text = Nullable(Type.String())

const Review = Type.Object(
  {
    id: Id,
    sync_type: SyncTypeOf,
    reason: Reason,
    state: State,
    guest: Nullable(
      Type.Object({
        id: text,
        first_name: text,
        last_name: text,
        gender: text,
        birthday: text,
        email: text,
        phone: text,
        id_number: text,
      }),
    ),
    order: Nullable(
      Type.Object({
        order_number: Type.String(),
        room_type: text,
        amount: Type.Number(),
        check_in_date: text,
        check_out_date: text,
        nights: Nullable(Type.Integer()),
        created_at: Nullable(Instant),
      }),
    ),
    candidates: Type.Array(Type.Object({ id: Id, name: Type.String(), phone: text, email: text, id_number: text })),
    member_id: Nullable(Id),
    decided_by: Nullable(Id),
    decided_at: Nullable(Instant),
    created_at: Instant,
  },
  { title: 'CrmPmsReview' },
)

function present({ review, guest, order, candidates }: service.ShownReview) {
  return {
    id: review.id,
    sync_type: review.sync_type,
    reason: review.reason,
    state: review.state,
    guest,
    order: order && { ...order, amount: Number(order.amount) },
    candidates: candidates.map(({ id, phone, email, id_number, ...names }) => ({
      id,
      name: fullName(names),
      phone,
      email,
      id_number,
    })),
    member_id: review.member_id,
    decided_by: review.decided_by,
    decided_at: review.decided_at,
    created_at: review.created_at,
  }
}

/** Routes of the records of the PMS that wait for a person. */
export function reviewRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/pms/reviews'],
    operationId: 'listPmsReviews',
    permission: 'crm:pms',
    summary: 'List records of the PMS that wait for a person',
    description:
      'Open ones oldest first, decided ones latest first. Id numbers are masked. The record is erased once it belongs ' +
      'to a member (`guest` and `order` are null then).',
    tag,
    schema: {
      querystring: pages(20, {
        state: Type.Unsafe<ReviewState>({ ...State, default: 'open' }),
        sync_type: Type.Optional(SyncTypeOf),
        reason: Type.Optional(Reason),
      }),
      response: { 200: PageAnswer(Review) },
    },
    handler: async ({ query }) => {
      const filter = { state: query.state, type: query.sync_type, reason: query.reason }
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await service.listReviews(kernel, filter, page)
      return answer(pageAnswer(items.map(present), total, query))
    },
  })

  route(app, {
    method: 'POST',
    paths: ['/api/v1/pms/reviews/{id}/decide'],
    operationId: 'decidePmsReview',
    permission: 'crm:pms',
    summary: 'Decide who a guest of the PMS is',
    description:
      '`link` to a member, `create` a new one, or `ignore`. The choice is remembered for the guest, and everything of ' +
      'the guest that waits is settled with it. A member gets only fields that are empty; `left_out` names those that ' +
      'belong to another member. An ignored guest can be linked or created later.',
    tag,
    schema: {
      params: IdPath,
      body: Type.Object({
        action: Type.Unsafe<service.Decision['action']>({ type: 'string', enum: ['link', 'create', 'ignore'] }),
        member_id: Type.Optional(Nullable(Id)),
      }),
      response: {
        200: Answer(
          Type.Object({
            id: Id,
            state: State,
            member_id: Nullable(Id),
            settled_count: Type.Integer({ description: 'Reviews of the guest that were settled, this one included.' }),
            left_out: Type.Array(Type.Enum(['email', 'phone', 'id_number'])),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { action, member_id: memberId } = request.body
      const decision = { action, memberId: memberId ?? undefined }
      const decided = await service.decide(kernel, callerOf(request), request.params.id, decision)
      return answer({
        id: decided.review.id,
        state: decided.review.state,
        member_id: decided.memberId,
        settled_count: decided.settled,
        left_out: [...decided.leftOut],
      })
    },
  })
}
