import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Instant, Nullable, pageAnswer, pageOffset } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, PageAnswer } from '../../contract.ts'
import { pages } from '../../fields.ts'
import { reviewRoutes } from './reviewRoutes.ts'
import * as service from './service.ts'
import { listLines, listSyncs, type Sync } from './syncStore.ts'
import { SYNC_TYPES, type SyncType } from './types.ts'

const tag = 'CRM PMS'

const TaskPath = Type.Object({ task_id: Type.String({ minLength: 1, maxLength: 100, examples: ['9f86d081884c7d65'] }) })

const SyncTypeField = Type.Unsafe<SyncType>({ type: 'string', enum: [...SYNC_TYPES], examples: ['members'] })

const Status = Type.Enum(['pending', 'running', 'completed', 'failed'])

const Task = Type.Object(
  {
    task_id: Type.String(),
    sync_type: SyncTypeField,
    force: Type.Boolean(),
    status: Status,
    synced_count: Type.Integer({ description: 'Rows that were written to members and their consumption.' }),
    failed_count: Type.Integer({ description: 'Rows that were refused, and rows that wait for review.' }),
    skipped_count: Type.Integer({ description: 'Rows of guests who are ignored, or whose member was deleted.' }),
    error: Nullable(Type.String({ description: 'Why it failed.' })),
    created_at: Instant,
    started_at: Nullable(Instant),
    completed_at: Nullable(Instant),
  },
  { title: 'CrmSync' },
)

const present = (sync: Sync) => ({
  task_id: sync.id,
  sync_type: sync.sync_type,
  force: sync.force,
  status: sync.status,
  synced_count: sync.synced_count,
  failed_count: sync.failed_count,
  skipped_count: sync.skipped_count,
  error: sync.error,
  created_at: sync.created_at,
  started_at: sync.started_at,
  completed_at: sync.completed_at,
})

/** Routes of the synchronisation with the PMS. */
export function pmsRoutes(app: App, kernel: Kernel): void {
  taskRoutes(app, kernel)
  historyRoutes(app, kernel)
  reviewRoutes(app, kernel)
}

function taskRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/api/v1/pms/sync'],
    operationId: 'startPmsSync',
    permission: 'crm:pms',
    summary: 'Start a synchronisation with the PMS',
    description:
      'Reads what changed since the last one; with `force` everything (files are read once in any case). Answers 409 ' +
      'while one of the same type is not finished.',
    tag,
    schema: {
      body: Type.Object({ sync_type: SyncTypeField, force: Type.Boolean({ default: false }) }),
      response: { 200: Answer(Type.Object({ task_id: Type.String(), status: Status })) },
    },
    handler: async (request) => {
      const { sync_type: type, force } = request.body
      const { id, status } = await service.startSync(kernel, callerOf(request), { type, force })
      return answer({ task_id: id, status }, 'Sync task created')
    },
  })

  route(app, {
    method: 'GET',
    paths: ['/api/v1/pms/sync-status/{task_id}'],
    operationId: 'getPmsSyncStatus',
    permission: 'crm:pms',
    summary: 'Read the progress of a synchronisation',
    tag,
    schema: { params: TaskPath, response: { 200: Answer(Task) } },
    handler: async (request) => answer(present(await service.syncOf(kernel, request.params.task_id))),
  })
}

function historyRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/pms/syncs'],
    operationId: 'listPmsSyncs',
    permission: 'crm:pms',
    summary: 'List the synchronisations, latest first',
    description: 'Kept for 90 days.',
    tag,
    schema: {
      querystring: pages(20, { sync_type: Type.Optional(SyncTypeField) }),
      response: { 200: PageAnswer(Task) },
    },
    handler: async ({ query }) => {
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await kernel.withRetries((db) => listSyncs(db, query.sync_type, page))
      return answer(pageAnswer(items.map(present), total, query))
    },
  })

  route(app, {
    method: 'GET',
    paths: ['/api/v1/pms/syncs/{task_id}/log'],
    operationId: 'getPmsSyncLog',
    permission: 'crm:pms',
    summary: 'Read the log of a synchronisation',
    description: 'Names refused rows by page or line and field. It holds no data of guests.',
    tag,
    schema: {
      params: TaskPath,
      querystring: pages(100, {}),
      response: {
        200: PageAnswer(
          Type.Object({
            at: Instant,
            level: Type.Enum(['info', 'warning', 'error']),
            text: Type.String({ examples: ['page 1, row 12 was refused: birthday must be a date YYYY-MM-DD.'] }),
          }),
        ),
      },
    },
    handler: async ({ params, query }) => {
      const { id } = await service.syncOf(kernel, params.task_id)
      const page = { limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await kernel.withRetries((db) => listLines(db, id, page))
      return answer(pageAnswer(items, total, query))
    },
  })
}
