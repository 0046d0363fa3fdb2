import { Type } from 'typebox'
import { openDownload } from '../../files/download.ts'
import { findFile } from '../../files/store.ts'
import type { App } from '../../http/app.ts'
import { NotFound } from '../../http/errors.ts'
import { route } from '../../http/route.ts'
import type { Kernel } from '../../kernel.ts'
import { attachment, ExportAnswer } from '../exports.ts'
import { jobBehind, sourceOf } from './service.ts'

/** Fetching a file that a job has made, by its link. */
export function exportFileRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/export-files/{token}'],
    operationId: 'downloadExportFile',
    permission: 'public',
    summary: 'Fetch an export by its link',
    description: 'The link is in the answer to `GET /api/v1/exports/{id}` and works until `expires_at`.',
    tag: 'Files',
    schema: {
      params: Type.Object({ token: Type.String({ minLength: 10, maxLength: 200 }) }),
      response: { 200: ExportAnswer },
    },
    handler: async (request, reply) => {
      const job = await jobBehind(kernel, request.params.token)
      const file = await kernel.attempt((db) => findFile(db, job.file_id))
      if (!file) throw new NotFound('not_found', 'There is no such export.')
      const disposition = attachment(`${sourceOf(kernel, job.what).name}.${job.format}`)
      return reply.send(await openDownload(kernel, reply, file, disposition))
    },
  })
}
