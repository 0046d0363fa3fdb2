import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { admin, ids, Moment, moment } from '../../fields.ts'
import * as displays from './displays.ts'

const tag = 'Clinic queue'

const Display = Type.Object({
  display_id: Id,
  name: Type.String(),
  area_id: Id,
  area_name: Type.String(),
  clinic_id: Nullable(Id),
  clinic_name: Nullable(Type.String()),
  create_time: Moment,
})

/** Routes of the displays in halls, for administrators. The displays themselves use `/ws/clinic/display`. */
export function displayRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: admin('/displays'),
    operationId: 'listDisplays',
    permission: 'clinic:manage',
    summary: 'List the displays in halls',
    tag,
    schema: { response: { 200: Answer(Type.Object({ displays: Type.Array(Display) })) } },
    handler: async () =>
      answer({
        displays: (await displays.listDisplays(kernel)).map((display) => ({
          display_id: display.displayId,
          name: display.name,
          area_id: display.areaId,
          area_name: display.areaName,
          clinic_id: display.clinicId,
          clinic_name: display.clinicName,
          create_time: moment(display.createTime, zone),
        })),
      }),
  })
  route(app, {
    method: 'POST',
    paths: admin('/displays'),
    operationId: 'addDisplay',
    permission: 'clinic:manage',
    summary: 'Add a display in a hall',
    description:
      'For a clinic, or for all clinics of an area. The token is answered only here; the display opens ' +
      '`/ws/clinic/display` with it.',
    tag,
    schema: {
      body: Type.Object({
        name: Text(100),
        area_id: Type.Optional(Nullable(Id)),
        clinic_id: Type.Optional(Nullable(Id)),
      }),
      response: { 200: Answer(Type.Object({ display_id: Id, token: Type.String(), detail: Type.String() })) },
    },
    handler: async (request) => {
      const { name, area_id, clinic_id } = request.body
      const display = { name, areaId: area_id ?? undefined, clinicId: clinic_id ?? undefined }
      const { id, token } = await displays.addDisplay(kernel, callerOf(request), display)
      return answer({ display_id: id, token, detail: '大屏已添加，请立即保存令牌，之后无法再次查看' })
    },
  })
  route(app, {
    method: 'DELETE',
    paths: admin('/displays/{display_id}'),
    operationId: 'deleteDisplay',
    permission: 'clinic:manage',
    summary: 'Delete a display; its connections are closed',
    tag,
    schema: { params: ids('display_id'), response: { 200: Detail } },
    handler: async (request) => {
      await displays.removeDisplay(kernel, callerOf(request), request.params.display_id)
      return detail('大屏已删除')
    },
  })
}
