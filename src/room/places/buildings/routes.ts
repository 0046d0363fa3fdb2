import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, Done, data, done, Rows, rowsOf } from '../../contract.ts'
import { type Building, listBuildings } from '../../core/places/buildingsStore.ts'
import {
  Id,
  IdsParams,
  idsOf,
  listQuery,
  MANAGE,
  Moment,
  moment,
  NullableMoment,
  nullableMoment,
  pageOf,
  UsedStatus,
} from '../../fields.ts'
import * as service from './service.ts'

const tag = 'Room administration'

const BuildingAnswer = Type.Object(
  {
    id: Id,
    buildingName: Type.String(),
    status: UsedStatus,
    remark: Type.String(),
    createTime: Moment,
    updateTime: NullableMoment,
  },
  { title: 'RoomBuilding' },
)

function presentBuilding({ remark, createTime, updateTime, ...plain }: Building, zone: string) {
  return {
    ...plain,
    remark: remark ?? '',
    createTime: moment(createTime, zone),
    updateTime: nullableMoment(updateTime, zone),
  }
}

const name = Text(100, { examples: ['信息楼'] })
const optionalFields = {
  status: Type.Optional(Nullable(UsedStatus)),
  remark: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
}

/** Routes for buildings (seed 楼房管理). */
export function buildingRoutes(app: App, kernel: Kernel): void {
  readBuildings(app, kernel)
  writeBuildings(app, kernel)
}

function readBuildings(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/building/list`],
    permission: 'manage:facility:building:list',
    summary: 'List buildings',
    tag,
    schema: {
      querystring: listQuery(['id', 'buildingName', 'status', 'createTime'], {
        buildingName: Type.Optional(Text(100)),
        status: Type.Optional(UsedStatus),
      }),
      response: { 200: Rows(BuildingAnswer) },
    },
    handler: async ({ query }) => {
      const found = await listBuildings(kernel.db, query, pageOf(query, { sort: 'id', descending: false }))
      return rowsOf(found, (building) => presentBuilding(building, zone))
    },
  })

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/building/{id}`],
    permission: 'manage:facility:building:get',
    summary: 'Read a building',
    tag,
    schema: { params: IdParams, response: { 200: Data(BuildingAnswer) } },
    handler: async ({ params }) => data(presentBuilding(await service.getBuilding(kernel, params.id), zone)),
  })
}

function writeBuildings(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: [`${MANAGE}/building`],
    permission: 'manage:facility:building:add',
    summary: 'Add a building',
    tag,
    schema: {
      body: Type.Object({ buildingName: name, ...optionalFields }),
      response: { 200: Data(Type.Object({ id: Id })) },
    },
    handler: async (request) => data({ id: await service.addBuilding(kernel, callerOf(request), request.body) }),
  })

  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/building`],
    permission: 'manage:facility:building:edit',
    summary: 'Change a building',
    description:
      'Fields that are not given keep their value. While a building is out of use (`1`), none of its rooms can be ' +
      'booked; existing bookings stay.',
    tag,
    schema: {
      body: Type.Object({ id: Id, buildingName: Type.Optional(Nullable(name)), ...optionalFields }),
      response: { 200: Done },
    },
    handler: async (request) => {
      await service.changeBuilding(kernel, callerOf(request), request.body.id, request.body)
      return done
    },
  })

  route(app, {
    method: 'DELETE',
    paths: [`${MANAGE}/building/{id}`],
    operationId: 'deleteBuildings',
    permission: 'manage:facility:building:remove',
    summary: 'Delete buildings',
    description:
      'One or several, separated by commas: all or none. If one has rooms, the request is refused (409) and names it.',
    tag,
    schema: { params: IdsParams, response: { 200: Done } },
    handler: async (request) => {
      await service.removeBuildings(kernel, callerOf(request), idsOf(request.params))
      return done
    },
  })
}
