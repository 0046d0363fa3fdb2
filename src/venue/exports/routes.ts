import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { operationsAfter } from '../../kernel/audit/store.ts'
import { attempt } from '../../kernel/database/transaction.ts'
import { ExportAnswer, type ExportFormat, ExportFormatSchema, sendExport } from '../../kernel/exports/exports.ts'
import { type Cell, cellsOf, inBatches } from '../../kernel/exports/rows.ts'
import type { App } from '../../kernel/http/app.ts'
import { by, callerOf } from '../../kernel/http/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { Id, sortOrder } from '../../kernel/http/schemas.ts'
import { attemptsAfter } from '../../kernel/identity/loginStore.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/notifications/outbox.ts'
import { dayBounds } from '../../kernel/time.ts'
import { v1 } from '../paths.ts'
import { reservationFilters } from '../reservations/routes.ts'
import { loginFilter, loginFilters, operationFilter, operationFilters } from '../users/logRoutes.ts'
import { type ReservationRecord, reservationsAfter } from './store.ts'

const format = { format: Type.Enum([...ExportFormatSchema.enum], { default: 'csv' }) }
const sort = { sort: Type.Unsafe<'at' | '-at'>({ type: 'string', enum: ['at', '-at'], default: '-at' }) }
const response = { 200: ExportAnswer }
const description =
  'Takes the filters of the list and answers all it finds, as CSV (UTF-8 with a byte order mark) or as an Excel workbook. Streamed, so it may be long.'

const LOGIN_COLUMNS = ['id', 'at', 'user_id', 'name', 'result', 'address', 'user_agent'] as const
const OPERATION_COLUMNS = [
  ...['id', 'at', 'actor_id', 'action', 'resource', 'resource_id', 'changes', 'address', 'request_id'],
]
const RESERVATION_COLUMNS = [
  'id',
  'user_id',
  'username',
  'display_name',
  'department',
  'venue_id',
  'venue_name',
  'sport_venue_name',
  'time_slot_id',
  'start_at',
  'end_at',
  'party_size',
  'status',
  'points_paid',
  'checked_in_at',
  'checked_out_at',
  'actual_minutes',
  'end_reason',
  'created_at',
] as const satisfies readonly (keyof ReservationRecord)[]

/** The long lists of administrators as files. */
export function exportRoutes(app: App, kernel: Kernel): void {
  logExports(app, kernel)
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: ['/api/admin/reservations/export'],
    permission: 'venue:reservations.manage',
    summary: 'Export reservations',
    description: `${description} In order of their ids.`,
    tag: 'Reservations',
    schema: {
      querystring: Type.Object({ ...reservationFilters, user_id: Type.Optional(Id), ...format }),
      response,
    },
    handler: (request, reply) => {
      const { user_id: userId, status, venue_id: venueId, start_date: start, end_date: end } = request.query
      const filter = {
        ...(userId !== undefined && { userId }),
        ...(status !== undefined && { status }),
        ...(venueId !== undefined && { venueId }),
        ...(start !== undefined && { from: dayBounds(start, zone).start }),
        ...(end !== undefined && { to: dayBounds(end, zone).end }),
      }
      return answerWith(kernel, request, reply, {
        what: 'reservation',
        name: '预约记录',
        format: request.query.format,
        columns: RESERVATION_COLUMNS,
        records: inBatches<ReservationRecord>((after, limit) =>
          attempt(kernel.reads, (db) => reservationsAfter(db, filter, after, limit)),
        ),
        present: (one) => RESERVATION_COLUMNS.map((column) => one[column]),
      })
    },
  })
}

function logExports(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/login-logs/export'),
    permission: 'venue:logs.read',
    summary: 'Export who logged in, or tried to',
    description,
    tag: 'Logs',
    schema: { querystring: Type.Object({ ...loginFilters, ...sort, ...format }), response },
    handler: (request, reply) => {
      const { query } = request
      const filter = loginFilter(kernel, query)
      const { direction } = sortOrder(query.sort)
      return answerWith(kernel, request, reply, {
        what: 'login_log',
        name: '登录日志',
        format: query.format,
        columns: LOGIN_COLUMNS,
        records: inBatches<Awaited<ReturnType<typeof attemptsAfter>>[number]>((after, limit) =>
          attempt(kernel.reads, (db) => attemptsAfter(db, filter, { after, limit, direction })),
        ),
        present: (one) => LOGIN_COLUMNS.map((column) => one[column]),
      })
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/logs/export'),
    permission: 'venue:logs.read',
    summary: 'Export what everybody did',
    description,
    tag: 'Logs',
    schema: { querystring: Type.Object({ ...operationFilters, ...sort, ...format }), response },
    handler: (request, reply) => {
      const { query } = request
      const filter = operationFilter(kernel, query)
      const { direction } = sortOrder(query.sort)
      return answerWith(kernel, request, reply, {
        what: 'operation_log',
        name: '操作日志',
        format: query.format,
        columns: OPERATION_COLUMNS,
        records: inBatches<Awaited<ReturnType<typeof operationsAfter>>[number]>((after, limit) =>
          attempt(kernel.reads, (db) => operationsAfter(db, filter, { after, limit, direction })),
        ),
        present: (one) => [
          one.id,
          one.at,
          one.actorId,
          one.action,
          one.resource,
          one.resourceId,
          one.changes && JSON.stringify(one.changes),
          one.address,
          one.requestId,
        ],
      })
    },
  })
}

interface Wanted<Entry> {
  readonly what: string
  readonly name: string
  readonly format: ExportFormat
  readonly columns: readonly string[]
  readonly records: AsyncIterable<Entry>
  present(entry: Entry): readonly Cell[]
}

/** Hands a list out as a file, and writes down who took it: it holds what many people did. */
async function answerWith<Entry>(
  kernel: Kernel,
  request: FastifyRequest,
  reply: FastifyReply,
  { what, name, format, columns, records, present }: Wanted<Entry>,
): Promise<unknown> {
  const now = kernel.clock.now()
  await record(kernel.db, now, { ...by(callerOf(request)), action: `${what}.export`, resource: what })
  kernel.nudge()
  const rows = cellsOf(records, (entry) => present(entry))
  return sendExport(reply, { name, format, columns, rows, zone: kernel.config.timeZone })
}
