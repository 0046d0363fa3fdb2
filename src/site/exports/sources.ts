import { Type } from 'typebox'
import { type Operation, operations } from '../../kernel/audit/store.ts'
import { withRetries } from '../../kernel/database/transaction.ts'
import { cellsOf, inBatches } from '../../kernel/exports/rows.ts'
import { type ExportSource, exportSource } from '../../kernel/exports/sources.ts'
import { sortOrder } from '../../kernel/http/schemas.ts'
import { attempts, type LoginEntry } from '../../kernel/identity/logIn/loginStore.ts'
import * as history from '../../kernel/notifications/delivery/history.ts'
import { loginFilter, loginFilters, operationFilter, operationFilters } from '../logs/routes.ts'
import { historyFilter, historyFilters } from '../notifications/historyFilters.ts'
import { CONTACTS, READ } from '../notifications/schemas.ts'
import type { SitePermission } from '../permissions.ts'

const logs: SitePermission = 'site:logs.read'

const sort = {
  sort: Type.Optional(
    Type.Unsafe<'at' | '-at'>({ type: 'string', enum: ['at', '-at'], description: 'Default: newest first.' }),
  ),
}

const LOGIN_COLUMNS = ['id', 'at', 'user_id', 'name', 'result', 'address', 'user_agent'] as const
/** All attempts to log in, failed ones too. */
export const loginLog = exportSource({
  what: 'login_logs',
  resource: 'login_log',
  name: '登录日志',
  permission: logs,
  columns: LOGIN_COLUMNS,
  filters: Type.Object({ ...loginFilters, ...sort }),
  open(reader, filters) {
    const filter = loginFilter(reader, filters)
    const { direction } = sortOrder(filters.sort ?? '-at')
    const records = inBatches<LoginEntry>((after, limit) =>
      withRetries(reader.reads, (db) => attempts.after(db, filter, { after, limit, direction })),
    )
    return {
      rows: cellsOf(records, (one) => LOGIN_COLUMNS.map((column) => one[column])),
      count: (most) => withRetries(reader.reads, (db) => attempts.count(db, filter, most)),
    }
  },
})

/** Everybody's operation log. */
export const operationLog = exportSource({
  what: 'logs',
  resource: 'operation_log',
  name: '操作日志',
  permission: logs,
  columns: ['id', 'at', 'actor_id', 'action', 'resource', 'resource_id', 'changes', 'address', 'request_id'],
  filters: Type.Object({ ...operationFilters, ...sort }),
  open(reader, filters) {
    const filter = operationFilter(reader, filters)
    const { direction } = sortOrder(filters.sort ?? '-at')
    const records = inBatches<Operation>((after, limit) =>
      withRetries(reader.reads, (db) => operations.after(db, filter, { after, limit, direction })),
    )
    return {
      rows: cellsOf(records, ({ changes, ...one }) => [
        ...[one.id, one.at, one.actorId, one.action, one.resource, one.resourceId],
        ...[changes && JSON.stringify(changes), one.address, one.requestId],
      ]),
      count: (most) => withRetries(reader.reads, (db) => operations.count(db, filter, most)),
    }
  },
})

/** Sent notifications, oldest first. Addresses are masked for readers who may not see them. */
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
  open({ reads, config, secrets }, filters, permissions) {
    const filter = historyFilter(filters, config.timeZone)
    const unmasked = permissions.has(CONTACTS)
    const records = inBatches((after: history.HistoryEntry | undefined, limit) =>
      withRetries(reads, (db) => history.historyAfter(db, secrets.cipher, filter, after, limit, unmasked)),
    )
    return {
      rows: cellsOf(records, (one) => [
        ...[one.id, one.createdAt, one.userId, one.userName, one.type, one.channel, one.state, one.address],
        ...[one.subject, one.provider, one.providerId, one.reason, one.attempts],
        ...[one.sentAt, one.openedAt, one.clickedAt],
      ]),
      count: (most) => withRetries(reads, (db) => history.countEntries(db, filter, most)),
    }
  },
})

/** The site's lists that can be exported. */
export const exportSources: readonly ExportSource[] = [loginLog, operationLog, notifications]
