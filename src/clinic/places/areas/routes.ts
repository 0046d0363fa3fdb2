import { Type } from 'typebox'
import { acceptUploads, uploadedFile } from '../../../kernel/files/upload.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { inlinePicture, picturePath } from '../../core/pictures.ts'
import { admin, ids, Moment, moment } from '../../fields.ts'
import * as service from './service.ts'
import { type Area, listAreas } from './store.ts'

const tag = 'Clinic areas'

const AreaBody = Type.Object({
  name: Text(100, { examples: ['主校区'] }),
  destination: Type.Optional(Nullable(Type.String({ maxLength: 500, description: 'The address.' }))),
  latitude: Type.Optional(Nullable(Type.Number({ minimum: -90, maximum: 90 }))),
  longitude: Type.Optional(Nullable(Type.Number({ minimum: -180, maximum: 180 }))),
})

const AreaRow = Type.Object({
  area_id: Id,
  name: Type.String(),
  destination: Nullable(Type.String()),
  latitude: Nullable(Type.Number()),
  longitude: Nullable(Type.Number()),
  image_url: Nullable(Type.String({ description: 'The path of the picture.', examples: ['/static/image/area_1_2'] })),
  image_type: Nullable(Type.String({ description: 'For patients.', examples: ['image/jpeg'] })),
  image_data: Nullable(Type.String({ description: 'For patients: the picture in base64, 480 pixels wide at most.' })),
  create_time: Moment,
})

const Query = Type.Object({ area_id: Type.Optional(Id) })
const Params = ids('area_id')

/** Routes of the areas, for the administration and for patients. */
export function areaRoutes(app: App, kernel: Kernel): void {
  const present = (
    { id, imageFileId, createTime, ...area }: Area,
    image: Awaited<ReturnType<typeof inlinePicture>>,
  ) => ({
    area_id: id,
    ...area,
    image_url: picturePath({ kind: 'area', id }, imageFileId),
    image_type: image?.type ?? null,
    image_data: image?.data ?? null,
    create_time: moment(createTime, kernel.config.timeZone),
  })
  const list = async (id: number | undefined, withPictures: boolean) => {
    const areas = await kernel.withRetries((db) => listAreas(db, id))
    const shown = areas.map(async (area) =>
      present(area, withPictures ? await inlinePicture(kernel, 'area', area.imageFileId) : null),
    )
    return answer({ areas: await Promise.all(shown) })
  }
  const schema = { querystring: Query, response: { 200: Answer(Type.Object({ areas: Type.Array(AreaRow) })) } }

  route(app, {
    method: 'GET',
    paths: admin('/hospital-areas'),
    permission: 'clinic:manage',
    summary: 'List the areas of the hospital',
    tag,
    schema,
    handler: (request) => list(request.query.area_id, false),
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/hospitals'],
    permission: 'public',
    summary: 'List the areas of the hospital, for patients',
    tag,
    schema,
    handler: (request) => list(request.query.area_id, true),
  })
  changes(app, kernel)
  photos(app, kernel)
}

function changes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/hospital-areas'),
    permission: 'clinic:manage',
    summary: 'Add an area',
    tag,
    schema: { body: AreaBody, response: { 200: Answer(Type.Object({ area_id: Id, detail: Type.String() })) } },
    handler: async (request) => {
      const { name, destination = null, latitude = null, longitude = null } = request.body
      const area = { name, destination, latitude, longitude }
      const area_id = await service.addArea(kernel, callerOf(request), area)
      return answer({ area_id, detail: `成功创建院区：${name}` })
    },
  })
  route(app, {
    method: 'PUT',
    paths: admin('/hospital-areas/{area_id}'),
    permission: 'clinic:manage',
    summary: 'Change an area',
    tag,
    schema: { params: Params, body: Type.Partial(AreaBody), response: { 200: Detail } },
    handler: async (request) => {
      const { name, destination, latitude, longitude } = request.body
      const change = {
        ...(name !== undefined && { name }),
        ...(destination !== undefined && { destination }),
        ...(latitude !== undefined && { latitude }),
        ...(longitude !== undefined && { longitude }),
      }
      await service.changeArea(kernel, callerOf(request), request.params.area_id, change)
      return detail('成功更新院区信息')
    },
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/hospital-areas/{area_id}'),
    permission: 'clinic:manage',
    summary: 'Delete an area without clinics',
    tag,
    schema: { params: Params, response: { 200: Detail } },
    handler: async (request) => {
      await service.removeArea(kernel, callerOf(request), request.params.area_id)
      return detail('成功删除院区')
    },
  })
}

function photos(app: App, kernel: Kernel): void {
  acceptUploads(app, (scope) => {
    route(scope, {
      method: 'POST',
      paths: admin('/hospital-areas/{area_id}/photo'),
      operationId: 'setAreaPhoto',
      permission: 'clinic:manage',
      summary: 'Upload the picture of an area',
      description: 'The field may have any name.',
      tag,
      schema: {
        params: Params,
        response: { 200: Answer(Type.Object({ detail: Type.String(), image_url: Nullable(Type.String()) })) },
      },
      handler: async (request) => {
        const upload = await uploadedFile(request)
        const image_url = await service.setPhoto(kernel, callerOf(request), request.params.area_id, upload)
        return answer({ detail: '成功上传院区图片', image_url })
      },
    })
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/hospital-areas/{area_id}/photo'),
    operationId: 'deleteAreaPhoto',
    permission: 'clinic:manage',
    summary: 'Delete the picture of an area',
    tag,
    schema: { params: Params, response: { 200: Detail } },
    handler: async (request) => {
      await service.setPhoto(kernel, callerOf(request), request.params.area_id, null)
      return detail('成功删除院区图片')
    },
  })
}
