import { Type } from 'typebox'
import { type Operation, operations } from '../../../kernel/audit/store.ts'
import { attempt } from '../../../kernel/database/transaction.ts'
import { cellsOf, inBatches } from '../../../kernel/exports/rows.ts'
import { type ExportSource, exportSource } from '../../../kernel/exports/sources.ts'
import { sortOrder } from '../../../kernel/http/schemas.ts'
import { attempts, type LoginEntry } from '../../../kernel/identity/logIn/loginStore.ts'
import * as history from '../../../kernel/notifications/delivery/history.ts'
import { dayBounds } from '../../../kernel/time.ts'
import { loginFilter, loginFilters, operationFilter, operationFilters } from '../../../site/logs/routes.ts'
import { historyFilter, historyFilters } from '../../../site/notifications/historyFilters.ts'
import { CONTACTS, READ } from '../../../site/notifications/schemas.ts'
import { allReservationFilters } from '../../core/reservationSchemas.ts'
import type { VenuePermission } from '../../permissions.ts'
import { countReservations, type ReservationRecord, reservationsAfter } from './store.ts'

const logs: VenuePermission = 'venue:logs.read'
const manage: VenuePermission = 'venue:reservations.manage'

const sort = {
  sort: Type.Optional(
    Type.Unsafe<'at' | '-at'>({ type: 'string', enum: ['at', '-at'], description: 'Newest first unless given.' }),
  ),
}

const LOGIN_COLUMNS = ['id', 'at', 'user_id', 'name', 'result', 'address', 'user_agent'] as const
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

/** Everybody's reservations, in order of their ids. */
export const reservations = exportSource({
  what: 'reservations',
  resource: 'reservation',
  name: '预约记录',
  permission: manage,
  columns: RESERVATION_COLUMNS,
  filters: Type.Object(allReservationFilters),
  open({ reads, config }, { user_id: userId, status, venue_id: venueId, start_date: start, end_date: end, q }) {
    const zone = config.timeZone
    const filter = {
      ...(userId !== undefined && { userId }),
      ...(status !== undefined && { status }),
      ...(venueId !== undefined && { venueId }),
      ...(start !== undefined && { from: dayBounds(start, zone).start }),
      ...(end !== undefined && { to: dayBounds(end, zone).end }),
      ...(q !== undefined && { text: q }),
    }
    const records = inBatches<ReservationRecord>((after, limit) =>
      attempt(reads, (db) => reservationsAfter(db, filter, after, limit)),
    )
    return {
      rows: cellsOf(records, (one) => RESERVATION_COLUMNS.map((column) => one[column])),
      count: (most) => attempt(reads, (db) => countReservations(db, filter, most)),
    }
  },
})

/** Who logged in, or tried to. */
export const loginLog = exportSource({
  what: 'login_logs',
  resource: 'login_log',
  name: '登录日志',
  permission: logs,
  columns: LOGIN_COLUMNS,
  filters: Type.Object({ ...loginFilters, ...sort }),
  open(kernel, filters) {
    const filter = loginFilter(kernel, filters)
    const { direction } = sortOrder(filters.sort ?? '-at')
    const records = inBatches<LoginEntry>((after, limit) =>
      attempt(kernel.reads, (db) => attempts.after(db, filter, { after, limit, direction })),
    )
    return {
      rows: cellsOf(records, (one) => LOGIN_COLUMNS.map((column) => one[column])),
      count: (most) => attempt(kernel.reads, (db) => attempts.count(db, filter, most)),
    }
  },
})

/** What everybody did. */
export const operationLog = exportSource({
  what: 'logs',
  resource: 'operation_log',
  name: '操作日志',
  permission: logs,
  columns: ['id', 'at', 'actor_id', 'action', 'resource', 'resource_id', 'changes', 'address', 'request_id'],
  filters: Type.Object({ ...operationFilters, ...sort }),
  open(kernel, filters) {
    const filter = operationFilter(kernel, filters)
    const { direction } = sortOrder(filters.sort ?? '-at')
    const records = inBatches<Operation>((after, limit) =>
      attempt(kernel.reads, (db) => operations.after(db, filter, { after, limit, direction })),
    )
    return {
      rows: cellsOf(records, ({ changes, ...one }) => [
        ...[one.id, one.at, one.actorId, one.action, one.resource, one.resourceId],
        ...[changes && JSON.stringify(changes), one.address, one.requestId],
      ]),
      count: (most) => attempt(kernel.reads, (db) => operations.count(db, filter, most)),
    }
  },
})

/** What was sent to whom, oldest first; addresses are masked for whoever may not see them. */
export const notifications = exportSource({
  what: 'notifications',
  resource: 'notification',
  name: 'notifications',
  permission: READ,
  columns: [
    ...['id', 'created_at', 'user_id', 'user_name', 'type', 'channel', 'state', 'address', 'subject'],
    ...['provider', 'provider_id', 'reason', 'attempts', 'sent_at', 'opened_at', 'clicked_at'],
  ],
  filters: Type.Object(historyFilters),
  open({ reads, config }, filters, permissions) {
    const filter = historyFilter(filters, config.timeZone)
    const unmasked = permissions.has(CONTACTS)
    const records = inBatches((after: history.HistoryEntry | undefined, limit) =>
      attempt(reads, (db) => history.historyAfter(db, config, filter, after, limit, unmasked)),
    )
    return {
      rows: cellsOf(records, (one) => [
        ...[one.id, one.createdAt, one.userId, one.userName, one.type, one.channel, one.state, one.address],
        ...[one.subject, one.provider, one.providerId, one.reason, one.attempts],
        ...[one.sentAt, one.openedAt, one.clickedAt],
      ]),
      count: (most) => attempt(reads, (db) => history.countEntries(db, filter, most)),
    }
  },
})

/** The lists of this product that people can have as a file. */
export const exportSources: readonly ExportSource[] = [reservations, loginLog, operationLog, notifications]
