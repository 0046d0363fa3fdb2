import { type Static, Type } from 'typebox'
import { originOf } from '../../../kernel/audit/origin.ts'
import { withRetries } from '../../../kernel/database/transaction.ts'
import { sendExport, WorkbookAnswer } from '../../../kernel/exports/exports.ts'
import { cellsOf, fromMemory, inBatches } from '../../../kernel/exports/rows.ts'
import { acceptUploads, uploadedFile } from '../../../kernel/files/upload.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { Data, Done, data, done, Rows, rowsOf } from '../../contract.ts'
import type { Room } from '../../core/places/roomsStore.ts'
import { LIMITS, tagsText } from '../../core/places/rules.ts'
import { presentRoom, RoomAnswer } from '../../core/places/schemas.ts'
import { Id, IdsParams, idsOf, listQuery, MANAGE, pageOf, UsedStatus } from '../../fields.ts'
import { acceptFilterForms } from '../../forms.ts'
import { COLUMNS, hoursText, statusText } from './rules.ts'
import * as service from './service.ts'
import { listRooms, roomsAfter } from './store.ts'

const tag = 'Room administration'

const Floor = Type.Integer({
  minimum: LIMITS.floor.lowest,
  maximum: LIMITS.floor.highest,
  description: 'Negative for floors below the ground.',
})
const Capacity = Type.Integer({ minimum: 1, maximum: LIMITS.capacity })
const Name = Text(LIMITS.name, { examples: ['会议室201'] })
const Tags = Type.String({ maxLength: LIMITS.tags, description: 'Separated by commas.', examples: ['白板,电视'] })
const OpenHours = Type.Array(
  Type.Object({
    weekday: Type.Integer({ minimum: 1, maximum: 7, description: '1 is Monday, 7 is Sunday.' }),
    opens: Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', examples: ['08:00'] }),
    closes: Type.String({ pattern: '^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$', examples: ['22:00'] }),
  }),
  { maxItems: LIMITS.hours, description: 'Several entries for one day are allowed. None, or null: always open.' },
)
const optionalFields = {
  equipmentTags: Type.Optional(Nullable(Tags)),
  status: Type.Optional(Nullable(UsedStatus)),
  openHours: Type.Optional(Nullable(OpenHours)),
}

const filters = {
  buildingId: Type.Optional(Id),
  floorNo: Type.Optional(Floor),
  status: Type.Optional(UsedStatus),
  roomName: Type.Optional(Text(LIMITS.name)),
  capacity: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.capacity, description: 'Least capacity.' })),
  equipmentTags: Type.Optional(Type.String({ maxLength: LIMITS.tags, description: 'Tags that the room must have.' })),
}
const Filters = Type.Object(filters)

const filterOf = ({ equipmentTags, ...others }: Static<typeof Filters>) => ({
  ...others,
  equipmentTags: tagsText(equipmentTags ?? ''),
})

/** Routes for rooms (seed 房间管理) and their workbooks. */
export function roomRoutes(app: App, kernel: Kernel): void {
  readRooms(app, kernel)
  writeRooms(app, kernel)
  workbooks(app, kernel)
}

function readRooms(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/room/list`],
    permission: 'manage:facility:room:list',
    summary: 'List rooms',
    tag,
    schema: {
      querystring: listQuery(
        ['id', 'buildingName', 'floorNo', 'roomName', 'capacity', 'status', 'createTime'],
        filters,
      ),
      response: { 200: Rows(RoomAnswer) },
    },
    handler: async ({ query }) => {
      const page = pageOf(query, { sort: 'id', descending: false })
      return rowsOf(await listRooms(kernel.db, filterOf(query), page), (room) => presentRoom(room, zone))
    },
  })

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/room/{id}`],
    permission: 'manage:facility:room:get',
    summary: 'Read a room',
    tag,
    schema: { params: IdParams, response: { 200: Data(RoomAnswer) } },
    handler: async ({ params }) => data(presentRoom(await service.getRoom(kernel, params.id), zone)),
  })
}

function writeRooms(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: [`${MANAGE}/room`],
    permission: 'manage:facility:room:add',
    summary: 'Add a room',
    tag,
    schema: {
      body: Type.Object({ buildingId: Id, floorNo: Floor, roomName: Name, capacity: Capacity, ...optionalFields }),
      response: { 200: Data(Type.Object({ id: Id })) },
    },
    handler: async (request) => data({ id: await service.addRoom(kernel, callerOf(request), request.body) }),
  })

  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/room`],
    permission: 'manage:facility:room:edit',
    summary: 'Change a room',
    description:
      'Fields that are not given keep their value. Existing bookings stay. A capacity that is too small for one of ' +
      'them, or another building while there are any, is refused (409).',
    tag,
    schema: {
      body: Type.Object({
        id: Id,
        buildingId: Type.Optional(Nullable(Id)),
        floorNo: Type.Optional(Nullable(Floor)),
        roomName: Type.Optional(Nullable(Name)),
        capacity: Type.Optional(Nullable(Capacity)),
        ...optionalFields,
      }),
      response: { 200: Done },
    },
    handler: async (request) => {
      await service.changeRoom(kernel, callerOf(request), request.body.id, request.body)
      return done
    },
  })

  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/room/{id}/enable`],
    operationId: 'setRoomEnabled',
    permission: 'manage:facility:room:enable',
    summary: 'Take a room into or out of use',
    tag,
    schema: { params: IdParams, querystring: Type.Object({ enable: Type.Boolean() }), response: { 200: Done } },
    handler: async (request) => {
      const status = request.query.enable ? '0' : '1'
      await service.changeRoom(kernel, callerOf(request), request.params.id, { status })
      return done
    },
  })

  route(app, {
    method: 'DELETE',
    paths: [`${MANAGE}/room/{id}`],
    operationId: 'deleteRooms',
    permission: 'manage:facility:room:remove',
    summary: 'Delete rooms',
    description:
      'One or several, separated by commas: all or none. If one has bookings now or in the future, the request is ' +
      'refused (409) and names it.',
    tag,
    schema: { params: IdsParams, response: { 200: Done } },
    handler: async (request) => {
      await service.removeRooms(kernel, callerOf(request), idsOf(request.params))
      return done
    },
  })
}

function workbooks(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  acceptUploads(app, (uploads) =>
    route(uploads, {
      method: 'POST',
      paths: [`${MANAGE}/room/import`],
      permission: 'manage:facility:room:import',
      summary: 'Import rooms from a workbook',
      description:
        `The first sheet of an XLSX with at most ${service.MOST_LINES} rooms, in the columns of the export. ` +
        'Building, floor and name identify a room: existing rooms are changed, others are added, all or none. ' +
        '`msg` names the faults and their lines.',
      tag,
      schema: {
        response: { 200: Data(Type.Object({ added: Type.Integer(), changed: Type.Integer() })) },
      },
      handler: async (request) => {
        const counts = await service.importRooms(kernel, callerOf(request), await uploadedFile(request))
        return { ...data(counts), msg: `导入成功：新增 ${counts.added} 间，更新 ${counts.changed} 间` }
      },
    }),
  )

  acceptFilterForms(app, (forms) =>
    route(forms, {
      method: 'POST',
      paths: [`${MANAGE}/room/export`],
      permission: 'manage:facility:room:export',
      summary: 'Export rooms to a workbook',
      description:
        'Takes the filters of the list, in the query or as a form. The workbook has the columns of the import.',
      tag,
      schema: { querystring: Filters, response: { 200: WorkbookAnswer } },
      handler: async (request, reply) => {
        const filter = filterOf(request.query)
        await record(kernel.db, kernel.clock.now(), {
          ...originOf(callerOf(request)),
          action: 'room.room.export',
          resource: 'room',
        })
        kernel.nudge()
        const records = inBatches<Room>((after, limit) =>
          withRetries(kernel.reads, (db) => roomsAfter(db, filter, after, limit)),
        )
        return sendExport(reply, {
          name: '房间',
          format: 'xlsx',
          zone,
          columns: COLUMNS,
          rows: cellsOf(records, cellsOfRoom),
        })
      },
    }),
  )

  for (const method of ['GET', 'POST'] as const) {
    route(app, {
      method,
      paths: [`${MANAGE}/room/importTemplate`],
      operationId: method === 'POST' ? 'getRoomImportTemplateByPost' : 'getRoomImportTemplate',
      permission: 'manage:facility:room:import',
      summary: 'Download an empty workbook for the import',
      tag,
      schema: { response: { 200: WorkbookAnswer } },
      handler: (_request, reply) =>
        sendExport(reply, { name: '房间导入模板', format: 'xlsx', zone, columns: COLUMNS, rows: fromMemory([]) }),
    })
  }
}

function cellsOfRoom(room: Room) {
  return [
    room.buildingName,
    room.floorNo,
    room.roomName,
    room.capacity,
    room.equipmentTags,
    statusText(room.status),
    hoursText(room.openHours),
  ]
}
