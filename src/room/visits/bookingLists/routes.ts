import { Type } from 'typebox'
import { sendExport, WorkbookAnswer } from '../../../kernel/exports/exports.ts'
import { cellsOf } from '../../../kernel/exports/rows.ts'
import type { App, Permission } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams, type Of } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, data, Rows, rowsOf } from '../../contract.ts'
import { type BookingFilter, type BookingRecord, listBookings } from '../../core/bookingListStore.ts'
import { BookingAnswer, presentBooking } from '../../core/bookingSchemas.ts'
import { BOOKING_STATES, STATUS_TEXT } from '../../core/states.ts'
import { Id, listQuery, MANAGE, PORTAL, pageOf } from '../../fields.ts'
import { acceptFilterForms } from '../../forms.ts'
import { windowOf, windowQuery } from '../../window.ts'
import { type BookingDetails, bookingDetails, exportBookings, ownBookingDetails } from './service.ts'

const staffTag = 'Room bookings (staff)'
const portal = 'Room portal'

const sortable = ['startTime', 'endTime', 'createTime', 'durationMinutes', 'id'] as const
const State = Type.Enum([...BOOKING_STATES], {
  description: '0 pending, 1 approved, 2 rejected, 3 cancelled, 4 ongoing, 5 completed: the state at this time.',
})
const Part = Type.String({ maxLength: 200, description: 'A part of the value.' })

const ownFilters = { status: Type.Optional(State), roomId: Type.Optional(Id), ...windowQuery }
const OwnQuery = listQuery(sortable, ownFilters)
const allFilters = {
  ...ownFilters,
  bookingId: Type.Optional(Id),
  buildingId: Type.Optional(Id),
  applicantId: Type.Optional(Id),
  applicantUserName: Type.Optional(Part),
  purpose: Type.Optional(Part),
  noShow: Type.Optional(Type.Boolean()),
}
const AllQuery = listQuery(sortable, allFilters)

const Details = Data(
  Type.Object({
    booking: BookingAnswer,
    users: Type.Array(
      Type.Object(
        {
          id: Id,
          bookingId: Id,
          userId: Id,
          userName: Type.String(),
          nickName: Type.String(),
          isApplicant: Type.Enum(['0', '1']),
        },
        { title: 'RoomBookingUser' },
      ),
    ),
    meta: Type.Object({
      roomName: Type.String(),
      buildingName: Type.String(),
      applicantName: Type.String(),
      statusText: Type.String(),
    }),
  }),
)

const Filters = Type.Object(allFilters)

function filterOf({ from, to, ...filter }: Of<typeof Filters>, zone: string): BookingFilter {
  return { ...filter, ...windowOf({ from, to }, zone) }
}

const EXPORT_COLUMNS: readonly (readonly [string, (booking: BookingRecord) => string | number | Date | null])[] = [
  ['预约编号', ({ id }) => id],
  ['楼房', ({ buildingName }) => buildingName],
  ['楼层', ({ floorNo }) => floorNo],
  ['房间', ({ roomName }) => roomName],
  ['申请人账号', ({ applicantUserName }) => applicantUserName],
  ['申请人', ({ applicantNickName }) => applicantNickName],
  ['使用人', ({ participants }) => participants],
  ['用途', ({ purpose }) => purpose],
  ['开始时间', ({ startTime }) => startTime],
  ['结束时间', ({ endTime }) => endTime],
  ['时长（分钟）', ({ durationMinutes }) => durationMinutes],
  ['状态', ({ status }) => STATUS_TEXT[status]],
  ['驳回原因', ({ rejectReason }) => rejectReason],
  ['取消原因', ({ cancelReason }) => cancelReason],
  ['爽约', ({ noShowAt }) => (noShowAt ? '是' : '')],
  ['创建时间', ({ createTime }) => createTime],
]

/** Routes for lists of bookings: those the caller applied for, those they take part in, and all. */
export function bookingListRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const page = async (filter: BookingFilter, query: Of<typeof OwnQuery>) => {
    const by = pageOf(query, { sort: 'startTime', descending: true })
    const found = await listBookings(kernel.db, filter, by, kernel.clock.now())
    return rowsOf(found, (booking) => presentBooking(booking, zone))
  }

  const ownList = (path: string, permission: Permission, tag: string) =>
    route(app, {
      method: 'GET',
      paths: [path],
      operationId: permission === 'signed-in' ? 'listMyBookings' : 'listMyBookingsAsStaff',
      permission,
      summary: 'List the bookings I applied for',
      tag,
      schema: { querystring: OwnQuery, response: { 200: Rows(BookingAnswer) } },
      handler: (request) =>
        page({ ...filterOf(request.query, zone), applicantId: callerOf(request).userId }, request.query),
    })
  ownList(`${MANAGE}/booking/my/list`, 'manage:facility:booking:list', staffTag)
  ownList(`${PORTAL}/booking/my/list`, 'signed-in', portal)

  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/booking/joined/list`],
    operationId: 'listJoinedBookings',
    permission: 'signed-in',
    summary: 'List the bookings of others that I take part in',
    tag: portal,
    schema: { querystring: OwnQuery, response: { 200: Rows(BookingAnswer) } },
    handler: (request) => page({ ...filterOf(request.query, zone), joinedBy: callerOf(request).userId }, request.query),
  })
  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/booking/list`],
    permission: 'manage:facility:booking:all',
    summary: 'List all bookings',
    description: '`from` and `to` find bookings that share time with them.',
    tag: staffTag,
    schema: { querystring: AllQuery, response: { 200: Rows(BookingAnswer) } },
    handler: (request) => page(filterOf(request.query, zone), request.query),
  })
  detailRoutes(app, kernel)
  exportRoutes(app, kernel)
}

function detailRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const present = ({ booking, people }: BookingDetails) =>
    data({
      booking: presentBooking(booking, zone),
      users: [...people],
      meta: {
        roomName: booking.roomName,
        buildingName: booking.buildingName,
        applicantName: booking.applicantNickName,
        statusText: STATUS_TEXT[booking.status],
      },
    })

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/booking/{id}`],
    permission: 'manage:facility:booking:get',
    summary: 'Read a booking with its people',
    tag: staffTag,
    schema: { params: IdParams, response: { 200: Details } },
    handler: async (request) => present(await bookingDetails(kernel, request.params.id)),
  })
  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/booking/{id}`],
    operationId: 'getMyBooking',
    permission: 'signed-in',
    summary: 'Read a booking that I take part in, with its people',
    tag: portal,
    schema: { params: IdParams, response: { 200: Details } },
    handler: async (request) => present(await ownBookingDetails(kernel, callerOf(request), request.params.id)),
  })
}

function exportRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const exportRoute = (scope: App, method: 'GET' | 'POST') =>
    route(scope, {
      method,
      paths: [`${MANAGE}/booking/export`],
      operationId: method === 'POST' ? 'exportBookingsByPost' : 'exportBookings',
      permission: 'manage:facility:booking:all',
      summary: 'Export bookings to a workbook',
      description:
        'Takes the filters of the list (a POST: in the query or as a form) and exports all bookings they find, ' +
        'latest first. The answer is streamed and may be long.',
      tag: staffTag,
      schema: { querystring: Filters, response: { 200: WorkbookAnswer } },
      handler: async (request, reply) => {
        const found = await exportBookings(kernel, callerOf(request), filterOf(request.query, zone))
        return sendExport(reply, {
          name: '预约记录',
          format: 'xlsx',
          zone,
          columns: EXPORT_COLUMNS.map(([name]) => name),
          rows: cellsOf(found, (booking) => EXPORT_COLUMNS.map(([, cell]) => cell(booking))),
        })
      },
    })
  exportRoute(app, 'GET')
  acceptFilterForms(app, (forms) => exportRoute(forms, 'POST'))
}
