import { Type } from 'typebox'
import { acceptUploads, uploadedNamedFile } from '../../../kernel/files/upload.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { Picture, pictureFile, pictureOf, sendPicture } from '../../core/pictures.ts'
import { missing } from '../../sentences.ts'
import { iconAt } from './icons.ts'
import { keepUpload } from './service.ts'

const tag = 'Clinic files'

/** Routes of uploaded files and of icons. */
export function uploadRoutes(app: App, kernel: Kernel): void {
  acceptUploads(app, (scope) => {
    route(scope, {
      method: 'POST',
      paths: ['/common/upload'],
      operationId: 'uploadClinicFile',
      permission: 'signed-in',
      summary: 'Upload a picture or PDF file, to attach it to a request',
      description:
        'At most 10 MB, by its content JPEG, PNG, WebP or PDF; the field may have any name. `url` is the path to send ' +
        'as attachment. Only you can open the file, and once it is attached those who decide about the request. It is ' +
        'deleted if it is attached to nothing within an hour.',
      tag,
      schema: { response: { 200: Answer(Type.Object({ url: Type.String(), name: Type.String() })) } },
      handler: async (request) => {
        const { path, name } = await keepUpload(kernel, callerOf(request), await uploadedNamedFile(request))
        return answer({ url: path, name })
      },
    })
  })
  route(app, {
    method: 'GET',
    paths: ['/common/icon'],
    operationId: 'getClinicIcon',
    permission: 'public',
    summary: 'Read an icon, or a public picture by its path',
    description:
      'Icons: hospital, department, doctor, patient, appointment, waitlist, record, payment, message, feedback.',
    tag,
    schema: {
      querystring: Type.Object({ path: Type.String({ minLength: 1, maxLength: 200, examples: ['doctor.svg'] }) }),
      response: { 200: Picture },
    },
    handler: async (request, reply) => {
      const { path } = request.query
      const icon = iconAt(path)
      if (icon !== undefined)
        return reply
          .type('image/svg+xml')
          .header('cache-control', 'public, max-age=86400')
          .header('x-content-type-options', 'nosniff')
          .header('cross-origin-resource-policy', 'cross-origin')
          .header('content-security-policy', "default-src 'none'; sandbox")
          .send(icon)
      const picture = pictureOf(path)
      if (!picture) throw missing('图标')
      return await sendPicture(kernel, reply, await pictureFile(kernel, picture.kind, picture.fileId, '图标'))
    },
  })
}
