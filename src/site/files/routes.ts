import { Type } from 'typebox'
import { EXPORT_CONTENTS } from '../../kernel/exports/exports.ts'
import { sendFile } from '../../kernel/files/sending.ts'
import * as service from '../../kernel/files/service.ts'
import { problemAnswer } from '../../kernel/http/answer/problem.ts'
import type { App } from '../../kernel/http/app.ts'
import { route } from '../../kernel/http/route.ts'
import { IdParams } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'

const binary = { schema: Type.String({ format: 'binary' }) }
/** Pictures, copies of personal data, and exports. */
const Bytes = { content: { 'image/*': binary, 'application/zip': binary, ...EXPORT_CONTENTS } }

/** Route for reading stored files. */
export function fileRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/files/{id}', '/api/files/{id}'],
    permission: 'public',
    summary: 'Read a file',
    description:
      'Everybody may read pictures of places and people. A file for one person is 404 for all others. The file of ' +
      'an id never changes. `image_width` is rounded up to 160, 320, 480, 640, 800 or 1200 pixels; images are never ' +
      'enlarged.',
    tag: 'Files',
    schema: {
      params: IdParams,
      querystring: Type.Object({
        thumbnail: Type.Optional(
          Type.Enum(['', 'true', 'false', '1', '0'], { description: 'A version at most 800 pixels wide.' }),
        ),
        image_width: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
      }),
      response: {
        200: { description: 'The file.', ...Bytes },
        206: { description: 'The part requested by `Range`.', ...Bytes },
        304: Type.Null({ description: 'Not modified since the version in `If-None-Match`.' }),
        416: problemAnswer('The range lies beyond the end.'),
      },
    },
    handler: async (request, reply) => {
      const file = await service.getFile(kernel, request.params.id, request.actor?.userId)
      const { thumbnail, image_width: requested } = request.query
      const wantsThumbnail = thumbnail !== undefined && !['false', '0'].includes(thumbnail)
      const width = requested === undefined ? undefined : service.widthFor(file, requested)
      if (width !== undefined) {
        return await sendFile(request, reply, file, String(width), () => service.imageInWidth(kernel, file, width))
      }
      if (requested === undefined && wantsThumbnail && file.thumbnail_name !== null) {
        const name = file.thumbnail_name
        return await sendFile(request, reply, file, 'thumbnail', () => service.readAll(kernel, name))
      }
      return await sendFile(request, reply, file, '', kernel)
    },
  })
}
