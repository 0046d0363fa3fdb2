import { Type } from 'typebox'
import { acceptUploads, uploadedFile } from '../../../kernel/files/upload.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { Picture, pictureFile, pictureOf, sendPicture } from '../../core/pictures.ts'
import { admin, ids } from '../../fields.ts'
import { missing } from '../../sentences.ts'
import { setPhoto } from './photos.ts'
import { getDoctor } from './service.ts'

const tag = 'Clinic doctors'
const Params = ids('doctor_id')
const NAME = '医生照片文件'

/** Routes of the doctors' photos, which everybody may see. */
export function photoRoutes(app: App, kernel: Kernel): void {
  reading(app, kernel)
  acceptUploads(app, (scope) => {
    route(scope, {
      method: 'POST',
      paths: admin('/doctors/{doctor_id}/photo'),
      permission: 'clinic:manage',
      summary: 'Upload a doctor’s photo',
      description: 'The field may have any name; the published clients use `photo` and `file`.',
      tag,
      schema: {
        params: Params,
        response: {
          200: Answer(
            Type.Object({
              detail: Type.String(),
              photo_path: Nullable(Type.String()),
              photo_url: Nullable(Type.String()),
              original_photo_url: Type.Null(),
              new_photo_path: Nullable(Type.String()),
              old_photo_path: Nullable(Type.String()),
            }),
          ),
        },
      },
      handler: async (request) => {
        const upload = await uploadedFile(request)
        const { path, before } = await setPhoto(kernel, callerOf(request), request.params.doctor_id, upload)
        return answer({
          detail: '成功上传医生照片',
          photo_path: path,
          photo_url: path === null ? null : `${kernel.config.publicUrl}${path}`,
          original_photo_url: null,
          new_photo_path: path,
          old_photo_path: before,
        })
      },
    })
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/doctors/{doctor_id}/photo'),
    permission: 'clinic:manage',
    summary: 'Delete a doctor’s photo',
    tag,
    schema: { params: Params, response: { 200: Detail } },
    handler: async (request) => {
      await setPhoto(kernel, callerOf(request), request.params.doctor_id, null)
      return detail('成功删除医生照片')
    },
  })
}

function reading(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: admin('/doctors/{doctor_id}/photo'),
    permission: 'clinic:manage',
    summary: 'Read a doctor’s photo',
    tag,
    schema: { params: Params, response: { 200: Picture } },
    handler: async (request, reply) => {
      const { photoFileId } = await getDoctor(kernel, request.params.doctor_id)
      return await sendPicture(kernel, reply, await pictureFile(kernel, 'doctor', photoFileId, NAME))
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/doctors/{doctor_id}/photo'],
    operationId: 'getDoctorPhotoForPatients',
    permission: 'public',
    summary: 'Read a doctor’s photo, for patients',
    tag,
    schema: { params: Params, response: { 200: Picture } },
    handler: async (request, reply) => {
      const { photoFileId } = await getDoctor(kernel, request.params.doctor_id)
      return await sendPicture(kernel, reply, await pictureFile(kernel, 'doctor', photoFileId, NAME))
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/static/image/{name}'],
    permission: 'public',
    summary: 'Read a doctor’s photo or an area’s picture by its path',
    tag,
    schema: {
      params: Type.Object({ name: Type.String({ maxLength: 100, examples: ['doctor_1_2'] }) }),
      response: { 200: Picture },
    },
    handler: async (request, reply) => {
      const picture = pictureOf(request.params.name)
      if (!picture) throw missing(NAME)
      return await sendPicture(kernel, reply, await pictureFile(kernel, picture.kind, picture.fileId, NAME))
    },
  })
}
