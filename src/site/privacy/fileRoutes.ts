import { Type } from 'typebox'
import { openDownload } from '../../kernel/files/download.ts'
import type { App } from '../../kernel/http/app.ts'
import { route } from '../../kernel/http/route.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { fileBehind } from '../../kernel/privacy/dataExport.ts'

/** Route for downloading the copy of personal data by its link. */
export function dataExportRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/data-exports/{token}'],
    operationId: 'downloadDataExport',
    permission: 'public',
    summary: 'Download the copy of your data by its link',
    description: '`GET /api/v1/users/me/data-export` gives the link. It is valid for a few days.',
    tag: 'Files',
    schema: {
      params: Type.Object({ token: Type.String({ minLength: 10, maxLength: 200 }) }),
      response: {
        200: {
          description: 'A zip with a JSON and a CSV file for each kind of data.',
          content: { 'application/zip': { schema: Type.String({ format: 'binary' }) } },
        },
      },
    },
    handler: async (request, reply) => {
      const file = await fileBehind(kernel, request.params.token)
      const disposition = `attachment; filename="my-data-${file.name.slice(0, 8)}.zip"`
      return reply.send(await openDownload(kernel, reply, file, disposition))
    },
  })
}
