import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams, type Of, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, Done, data, done, Rows, refusalOf, rowsOf } from '../../contract.ts'
import { listBookings } from '../../core/bookingListStore.ts'
import { BookingAnswer, presentBooking } from '../../core/bookingSchemas.ts'
import { APPROVED, REJECTED } from '../../core/states.ts'
import { Id, listQuery, MANAGE, pageOf } from '../../fields.ts'
import { windowOf, windowQuery } from '../../window.ts'
import { type Decided, decide, decideAll } from './service.ts'

const tag = 'Room approval'
const approve = 'manage:facility:booking:audit:approve'
const reject = 'manage:facility:booking:audit:reject'

const Reason = Text(500, { description: 'Shown to the applicant and the participants.' })
const Ids = Type.Array(Id, { minItems: 1, maxItems: 100 })

const Decisions = Data(Type.Array(Type.Object({ id: Id, code: Type.Integer(), msg: Type.String() })))

function presentDecisions(decided: readonly Decided[]): Of<typeof Decisions> {
  return data(decided.map(({ id, refused }) => ({ id, ...(refused ? refusalOf(refused) : done) })))
}

/** Routes for bookings that wait for a decision, and for deciding about them. */
export function approvalRoutes(app: App, kernel: Kernel): void {
  listRoutes(app, kernel)
  decisionRoutes(app, kernel)
}

function listRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/booking/audit/list`],
    operationId: 'listBookingsToApprove',
    permission: 'manage:facility:booking:audit:list',
    summary: 'List the bookings that wait for a decision',
    description:
      'The next to begin first; only those of buildings that the caller decides about. `from` and `to` find ' +
      'bookings that share time with them.',
    tag,
    schema: {
      querystring: listQuery(['startTime', 'endTime', 'createTime', 'id'], {
        bookingId: Type.Optional(Id),
        buildingId: Type.Optional(Id),
        roomId: Type.Optional(Id),
        applicantId: Type.Optional(Id),
        applicantUserName: Type.Optional(Text(100)),
        ...windowQuery,
      }),
      response: { 200: Rows(BookingAnswer) },
    },
    handler: async (request) => {
      const { bookingId, buildingId, roomId, applicantId, applicantUserName } = request.query
      const filter = {
        bookingId,
        buildingId,
        roomId,
        applicantId,
        applicantUserName,
        waitsFor: callerOf(request).userId,
      }
      const page = pageOf(request.query, { sort: 'startTime', descending: false })
      const window = windowOf(request.query, zone)
      const found = await listBookings(kernel.db, { ...filter, ...window }, page, kernel.clock.now())
      return rowsOf(found, (booking) => presentBooking(booking, zone))
    },
  })
}

function decisionRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/booking/{id}/approve`],
    permission: approve,
    summary: 'Approve a booking',
    description:
      'Checks room, closures, bans and people again. 409 if it is not pending; 403 outside the caller’s buildings.',
    tag,
    schema: { params: IdParams, response: { 200: Done } },
    handler: async (request) => {
      await decide(kernel, callerOf(request), request.params.id, { to: APPROVED })
      return done
    },
  })
  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/booking/{id}/reject`],
    permission: reject,
    summary: 'Reject a booking',
    description: '409 if it is not pending; 403 outside the caller’s buildings.',
    tag,
    schema: { params: IdParams, body: Type.Object({ reason: Reason }), response: { 200: Done } },
    handler: async (request) => {
      await decide(kernel, callerOf(request), request.params.id, { to: REJECTED, reason: request.body.reason })
      return done
    },
  })
  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/booking/audit/approve`],
    operationId: 'approveBookings',
    permission: approve,
    summary: 'Approve several bookings',
    description: 'Each is decided separately: its `code` and `msg` are those of approving it alone.',
    tag,
    schema: { body: Type.Object({ ids: Ids }), response: { 200: Decisions } },
    handler: async (request) =>
      presentDecisions(await decideAll(kernel, callerOf(request), request.body.ids, { to: APPROVED })),
  })
  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/booking/audit/reject`],
    operationId: 'rejectBookings',
    permission: reject,
    summary: 'Reject several bookings for one reason',
    description: 'Each is decided separately: its `code` and `msg` are those of rejecting it alone.',
    tag,
    schema: { body: Type.Object({ ids: Ids, reason: Reason }), response: { 200: Decisions } },
    handler: async (request) => {
      const { ids, reason } = request.body
      return presentDecisions(await decideAll(kernel, callerOf(request), ids, { to: REJECTED, reason }))
    },
  })
}
