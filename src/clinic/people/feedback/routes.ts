import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { admin, ids, limits, maybePaged, moment, PlainMoment, paged, plainMoment } from '../../fields.ts'
import * as service from './service.ts'
import { type Feedback, listFeedback, STATES, TYPES } from './store.ts'

const tag = 'Clinic feedback'
const Params = ids('feedback_id')
const FeedbackType = Type.Enum([...TYPES])
const Status = Type.Enum([...STATES])

const TYPE_TEXT: Readonly<Record<Feedback['type'], string>> = {
  bug: '功能异常',
  suggestion: '建议',
  complaint: '投诉',
  praise: '表扬',
}

/** Characters of the content that lists show. */
const PREVIEW = 30

const Row = Type.Object({
  feedback_id: Id,
  type: FeedbackType,
  content: Type.String(),
  submitDate: Type.String(),
  status: Status,
})

const Whole = Type.Object({
  ...Row.properties,
  typeText: Type.String(),
  contactPhone: Nullable(Type.String()),
  contactEmail: Nullable(Type.String()),
  createdAt: PlainMoment,
})

/** Feedback in lists, and with all of its content. */
function presenters(zone: string) {
  const presentRow = ({ id, type, content, status, createTime }: Feedback) => ({
    feedback_id: id,
    type,
    content: [...content].slice(0, PREVIEW).join(''),
    submitDate: moment(createTime, zone).slice(0, 10),
    status,
  })
  const presentWhole = (feedback: Feedback) => ({
    ...presentRow(feedback),
    content: feedback.content,
    typeText: TYPE_TEXT[feedback.type],
    contactPhone: feedback.contactPhone,
    contactEmail: feedback.contactEmail,
    createdAt: plainMoment(feedback.createTime, zone),
  })
  return { presentRow, presentWhole }
}

/** Routes of feedback about the hospital. */
export function feedbackRoutes(app: App, kernel: Kernel): void {
  const { presentRow, presentWhole } = presenters(kernel.config.timeZone)
  route(app, {
    method: 'POST',
    paths: ['/common/feedback'],
    operationId: 'giveClinicFeedback',
    permission: 'signed-in',
    summary: 'Give feedback about the hospital',
    tag,
    limit: 'message',
    schema: {
      body: Type.Object({
        type: FeedbackType,
        content: Text(500),
        contactPhone: Type.Optional(Nullable(Type.String({ maxLength: 40 }))),
        contactEmail: Type.Optional(Nullable(Type.String({ maxLength: 254 }))),
      }),
      response: { 200: Answer(Type.Object({ feedback_id: Id, detail: Type.String() })) },
    },
    handler: async (request) => {
      const { type, content, contactPhone, contactEmail } = request.body
      const feedback = { type, content, contact_phone: contactPhone || null, contact_email: contactEmail || null }
      const feedback_id = await service.giveFeedback(kernel, callerOf(request), feedback)
      return answer({ feedback_id, detail: '反馈提交成功' })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/common/feedback'],
    operationId: 'listMyClinicFeedback',
    permission: 'signed-in',
    summary: 'List your own feedback',
    tag,
    schema: { querystring: maybePaged({}), response: { 200: Answer(Type.Array(Row)) } },
    handler: async (request) => {
      const query = { userId: callerOf(request).userId, ...limits(request.query) }
      return answer((await kernel.withRetries((db) => listFeedback(db, query))).map(presentRow))
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/common/feedback/{feedback_id}'],
    operationId: 'getMyClinicFeedback',
    permission: 'signed-in',
    summary: 'Read one piece of your own feedback',
    tag,
    schema: { params: Params, response: { 200: Answer(Whole) } },
    handler: async (request) =>
      answer(presentWhole(await service.getMine(kernel, callerOf(request), request.params.feedback_id))),
  })
  forStaff(app, kernel, presentWhole)
}

function forStaff(app: App, kernel: Kernel, present: ReturnType<typeof presenters>['presentWhole']): void {
  const StaffRow = Type.Object({ ...Whole.properties, user_id: Id })
  route(app, {
    method: 'GET',
    paths: admin('/feedbacks'),
    operationId: 'listClinicFeedback',
    permission: 'clinic:people',
    summary: 'List all feedback',
    tag,
    schema: {
      querystring: paged({ status: Type.Optional(Status) }),
      response: { 200: Answer(Type.Object({ feedbacks: Type.Array(StaffRow) })) },
    },
    handler: async (request) => {
      const { status, ...page } = request.query
      const found = await kernel.withRetries((db) => listFeedback(db, { status, ...limits(page) }))
      return answer({ feedbacks: found.map((one) => ({ ...present(one), user_id: one.userId })) })
    },
  })
  route(app, {
    method: 'PUT',
    paths: admin('/feedbacks/{feedback_id}/status'),
    operationId: 'setClinicFeedbackStatus',
    permission: 'clinic:people',
    summary: 'Set the state of feedback',
    tag,
    schema: { params: Params, body: Type.Object({ status: Status }), response: { 200: Detail } },
    handler: async (request) => {
      await service.setStatus(kernel, callerOf(request), request.params.feedback_id, request.body.status)
      return detail('反馈状态更新成功')
    },
  })
}
