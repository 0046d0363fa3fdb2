import { Type } from 'typebox'
import { NotFound } from '../../kernel/errors.ts'
import { attachment, ExportAnswer } from '../../kernel/exports/exports.ts'
import { jobBehind, sourceOf } from '../../kernel/exports/jobs/service.ts'
import { openDownload } from '../../kernel/files/download.ts'
import { findFile } from '../../kernel/files/store.ts'
import type { App } from '../../kernel/http/app.ts'
import { route } from '../../kernel/http/route.ts'
import type { Kernel } from '../../kernel/kernel.ts'

/** Route for downloading a finished export by its link. */
export function exportFileRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/export-files/{token}'],
    operationId: 'downloadExportFile',
    permission: 'public',
    summary: 'Download an export by its link',
    description: '`GET /api/v1/exports/{id}` gives the link. It works until `expires_at`.',
    tag: 'Files',
    schema: {
      params: Type.Object({ token: Type.String({ minLength: 10, maxLength: 200 }) }),
      response: { 200: ExportAnswer },
    },
    handler: async (request, reply) => {
      const job = await jobBehind(kernel, request.params.token)
      const file = await kernel.withRetries((db) => findFile(db, job.file_id))
      if (!file) throw new NotFound('not_found', 'There is no such export.')
      const disposition = attachment(`${sourceOf(kernel, job.what).name}.${job.format}`)
      return reply.send(await openDownload(kernel, reply, file, disposition))
    },
  })
}
