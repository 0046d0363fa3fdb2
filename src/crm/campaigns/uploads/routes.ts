import { Type } from 'typebox'
import { sendFile } from '../../../kernel/files/sending.ts'
import { readAll } from '../../../kernel/files/service.ts'
import { acceptUploads, uploadedFile } from '../../../kernel/files/upload.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { UPLOAD_CATEGORIES } from '../../core/uploadsStore.ts'
import { getUpload, keepUpload } from './service.ts'

const tag = 'CRM templates'
const Bytes = { content: { 'image/*': { schema: Type.String({ format: 'binary' }) } } }
const Category = Type.Enum([...UPLOAD_CATEGORIES])

/** Routes of uploaded pictures. */
export function uploadRoutes(app: App, kernel: Kernel): void {
  acceptUploads(app, (scope) => {
    route(scope, {
      method: 'POST',
      paths: ['/api/v1/upload/image'],
      operationId: 'uploadCrmImage',
      permission: 'crm:upload',
      summary: 'Upload a picture for a template or a member',
      description:
        'JPEG, PNG or WebP by its content, at most 10 MB. It is encoded anew, at most 1200 pixels on its longer side, ' +
        '1:1 with `crop=square`; WebP becomes JPEG or PNG, because LINE shows no other formats. A template’s picture is deleted after an hour unless a template shows it.',
      tag,
      schema: {
        querystring: Type.Object({
          category: Type.Optional(Category),
          crop: Type.Optional(Type.Enum(['square'])),
        }),
        response: {
          200: Answer(Type.Object({ filename: Type.String(), path: Type.String(), url: Type.String() })),
        },
      },
      handler: async (request) => {
        const { category = 'templates', crop } = request.query
        const bytes = await uploadedFile(request)
        return answer(await keepUpload(kernel, callerOf(request), { category, square: crop === 'square', bytes }))
      },
    })
  })
  route(app, {
    method: 'GET',
    paths: ['/static/uploads/images/{category}/{filename}'],
    operationId: 'getCrmImage',
    permission: 'public',
    summary: 'Read an uploaded picture',
    tag,
    limit: 'none',
    schema: {
      params: Type.Object({
        category: Category,
        filename: Type.String({ minLength: 1, maxLength: 100, pattern: '^[\\w.-]+$' }),
      }),
      querystring: Type.Object({
        thumbnail: Type.Optional(Type.Boolean({ description: 'At most 800 pixels wide.' })),
      }),
      response: {
        200: { description: 'The picture.', ...Bytes },
        206: { description: 'The part requested by `Range`.', ...Bytes },
        304: Type.Null({ description: 'Not modified since the version in `If-None-Match`.' }),
      },
    },
    handler: async (request, reply) => {
      const { params, query } = request
      const file = await getUpload(kernel, params.category, params.filename)
      const thumbnail = query.thumbnail === true ? file.thumbnail_name : null
      if (thumbnail === null) return await sendFile(request, reply, file, '', kernel)
      return await sendFile(request, reply, file, 'thumbnail', () => readAll(kernel, thumbnail))
    },
  })
}
