import { Type } from 'typebox'
import { originOf } from '../../kernel/audit/origin.ts'
import { NotFound } from '../../kernel/errors.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import { Instant, pageAnswer, pageAsked, pageOf, pageQuery } from '../../kernel/http/schemas.ts'
import { dropDeadLetters, listDeadLetters, retryDeadLetters } from '../../kernel/jobs/deadLetters.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { Deleted } from '../fields.ts'

const tag = 'Background work'
const permission = 'site:jobs.manage'
const path = '/api/admin/jobs/dead-letters'

const DeadLetterId = Type.String({
  maxLength: 60,
  pattern: '^(job:[0-9a-f-]{36}|outbox:[0-9]{1,15})$',
  examples: ['outbox:7'],
})

const DeadLetter = Type.Object(
  {
    id: DeadLetterId,
    source: Type.Enum(['job', 'outbox']),
    name: Type.String({ description: 'Name of the job, or the type of notification or operation.' }),
    payload: Type.Unknown(),
    error: Type.String(),
    failed_at: Instant,
  },
  { title: 'DeadLetter' },
)

/** Routes for administrators: background work that failed permanently (dead letters). */
export function deadLetterRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: [path],
    permission,
    summary: 'List background work that failed permanently',
    tag,
    schema: { querystring: pageQuery(['failed_at'], {}, '-failed_at'), response: { 200: pageOf(DeadLetter) } },
    handler: async ({ query }) => {
      const page = pageAsked(query)
      const { items, total } = await listDeadLetters(kernel.db, page)
      return pageAnswer(
        items.map(({ id, source, name, payload, error, failedAt }) => ({
          id,
          source,
          name,
          payload,
          error,
          failed_at: failedAt,
        })),
        total,
        query,
      )
    },
  })

  route(app, {
    method: 'POST',
    paths: [`${path}/retry`],
    permission,
    summary: 'Retry background work that failed permanently',
    tag,
    schema: {
      body: Type.Object({ ids: Type.Array(DeadLetterId, { minItems: 1, maxItems: 100, uniqueItems: true }) }),
      response: { 200: Type.Object({ retried: Type.Integer({ minimum: 0 }) }) },
    },
    handler: async (request) => {
      const { ids } = request.body
      const operation = { action: 'job.retry', resource: 'dead_letter', resourceId: ids.join(',') }
      await record(kernel.db, kernel.clock.now(), { ...originOf(callerOf(request)), ...operation })
      return { retried: await retryDeadLetters(kernel, ids) }
    },
  })

  route(app, {
    method: 'DELETE',
    paths: [`${path}/{dead_letter_id}`],
    permission,
    summary: 'Drop background work that failed permanently',
    tag,
    schema: { params: Type.Object({ dead_letter_id: DeadLetterId }), response: { 204: Deleted } },
    handler: async (request) => {
      const resourceId = request.params.dead_letter_id
      await kernel.transaction(async (tx) => {
        if ((await dropDeadLetters(tx, [resourceId])) === 0) {
          throw new NotFound('dead_letter_not_found', 'There is no such dead letter.')
        }
        await record(tx, kernel.clock.now(), {
          ...originOf(callerOf(request)),
          action: 'job.drop',
          resource: 'dead_letter',
          resourceId,
        })
      })
      return null
    },
  })
}
