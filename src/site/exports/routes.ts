import { Type } from 'typebox'
import { type ExportFormat, ExportFormatSchema } from '../../kernel/exports/exports.ts'
import { askForFile, cancelExport, fileLink, ownJob } from '../../kernel/exports/jobs/service.ts'
import { type ExportJob, listJobs } from '../../kernel/exports/jobs/store.ts'
import { problemAnswer } from '../../kernel/http/answer/problem.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { Id, IdParams, Instant, Nullable, pageAnswer, pageOf, pageOffset } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { v1 } from '../paths.ts'
import { exportRoute } from './exportRoute.ts'
import { loginLog, notifications, operationLog } from './sources.ts'

const tag = 'Exports'

interface ExportRequest {
  readonly what: string
  readonly format: ExportFormat
  readonly filters?: object
}

/** The body of a request for an export: one alternative for each list, with the filters of that list's own export. */
function requestBody({ exportSources }: Pick<Kernel, 'exportSources'>) {
  return Type.Unsafe<ExportRequest>({
    anyOf: exportSources.map(({ what, filters }) =>
      Type.Object({ what: Type.Enum([what]), format: ExportFormatSchema, filters: Type.Optional(filters) }),
    ),
  })
}

const Answer = Type.Object(
  {
    id: Id,
    what: Type.String({ examples: ['reservations'] }),
    format: ExportFormatSchema,
    state: Type.Enum(['queued', 'running', 'done', 'failed', 'expired']),
    rows: Type.Integer({ description: 'Rows written so far.' }),
    estimated_rows: Nullable(Type.Integer({ description: 'Number of rows when it started.' })),
    reason: Nullable(
      Type.String({ description: 'Why it failed: `forbidden`, `too_many_rows`, `interrupted`, `failed`.' }),
    ),
    requested_at: Instant,
    finished_at: Nullable(Instant),
    expires_at: Nullable(Instant),
    download_url: Nullable(
      Type.String({ description: 'Works without logging in until `expires_at`: do not share it.' }),
    ),
  },
  { title: 'Export' },
)

/** Routes for exporting administrators' lists at once. */
export function exportRoutes(app: App, kernel: Kernel): void {
  exportRoute(app, kernel, loginLog, {
    paths: v1('/login-logs/export'),
    summary: 'Export the log-in log',
    tag: 'Logs',
  })
  exportRoute(app, kernel, operationLog, {
    paths: v1('/logs/export'),
    summary: 'Export everybody’s operation log',
    tag: 'Logs',
  })
  exportRoute(app, kernel, notifications, {
    paths: ['/api/admin/notifications/export'],
    operationId: 'exportSentNotifications',
    summary: 'Export the sent notifications',
    order: 'Oldest first.',
    tag: 'Notification history',
  })
}

/** Routes for exports that a job makes in the background. */
export function exportJobRoutes(app: App, kernel: Kernel): void {
  const present = (job: ExportJob) => ({
    id: job.id,
    what: job.what,
    format: job.format,
    state: job.state,
    rows: job.rows,
    estimated_rows: job.estimate,
    reason: job.reason,
    requested_at: job.requested_at,
    finished_at: job.finished_at,
    expires_at: job.expires_at,
    download_url: fileLink(kernel, job),
  })

  route(app, {
    method: 'POST',
    paths: v1('/exports'),
    permission: 'signed-in',
    summary: 'Export a long list in the background',
    description:
      'Makes the same file as `GET …/export`, with the same permission. A person has one export running at a time ' +
      'and at most 5 waiting.',
    tag,
    schema: {
      body: requestBody(kernel),
      response: {
        202: Answer,
        403: problemAnswer('`forbidden`'),
        429: problemAnswer('`too_many_exports`: others of yours are still to be made.'),
      },
    },
    handler: async (request) => {
      const { what, format, filters = {} } = request.body
      return present(await askForFile(kernel, callerOf(request), { what, format, filters }))
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/exports'),
    permission: 'signed-in',
    summary: 'List your own exports, latest first',
    description: 'Kept for 30 days.',
    tag,
    schema: {
      querystring: Type.Object({
        page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
        page_size: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
      }),
      response: { 200: pageOf(Answer) },
    },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { query } = request
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await kernel.withRetries((db) => listJobs(db, callerOf(request).userId, page))
      return pageAnswer(items.map(present), total, query)
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/exports/{id}'),
    permission: 'signed-in',
    summary: 'Read the progress of an export and its link',
    tag,
    schema: { params: IdParams, response: { 200: Answer } },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return present(await ownJob(kernel, callerOf(request).userId, request.params.id))
    },
  })

  route(app, {
    method: 'DELETE',
    paths: v1('/exports/{id}'),
    permission: 'signed-in',
    summary: 'Cancel an export, or delete its file',
    tag,
    schema: { params: IdParams, response: { 204: Type.Null({ description: 'Deleted.' }) } },
    handler: (request) => cancelExport(kernel, callerOf(request), request.params.id),
  })
}
