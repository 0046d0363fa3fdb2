import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, Done, data, done, Rows, rowsOf } from '../../contract.ts'
import {
  Id,
  IdsParams,
  idsOf,
  listQuery,
  MANAGE,
  Moment,
  MomentInput,
  moment,
  NullableMoment,
  nullableMoment,
  pageOf,
  parseInstant,
} from '../../fields.ts'
import { refusal } from '../../sentences.ts'
import * as service from './service.ts'
import { type Closure, listClosures, type Target } from './store.ts'

const tag = 'Room closures'

const ClosureAnswer = Type.Object(
  {
    id: Id,
    buildingId: Id,
    buildingName: Type.String(),
    roomId: Nullable(Id),
    roomName: Nullable(Type.String()),
    startTime: Moment,
    endTime: Moment,
    reason: Type.String(),
    createTime: Moment,
    updateTime: NullableMoment,
  },
  { title: 'RoomClosure', description: 'Without a room it closes all rooms of the building.' },
)

const Ended = {
  cancelled: Type.Integer({ description: 'Bookings that had not begun.' }),
  cutShort: Type.Integer({ description: 'Ongoing bookings: they end when the closure begins.' }),
}

const Reason = Text(200, { description: 'Shown to the people whose bookings end.', examples: ['消防演练'] })
const target = { roomId: Type.Optional(Nullable(Id)), buildingId: Type.Optional(Nullable(Id)) }

function presentClosure({ startTime, endTime, createTime, updateTime, ...plain }: Closure, zone: string) {
  return {
    ...plain,
    startTime: moment(startTime, zone),
    endTime: moment(endTime, zone),
    createTime: moment(createTime, zone),
    updateTime: nullableMoment(updateTime, zone),
  }
}

/** Routes for times at which a room or a building can’t be booked. */
export function closureRoutes(app: App, kernel: Kernel): void {
  readClosures(app, kernel)
  writeClosures(app, kernel)
}

function readClosures(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/closure/list`, `${MANAGE}/closure`],
    permission: 'manage:facility:closure:list',
    summary: 'List closures',
    description:
      'With a building: includes the closures of its rooms. With a room: includes those of its building. `from` and ' +
      '`to` find closures that share time with them.',
    tag,
    schema: {
      querystring: listQuery(['startTime', 'endTime', 'createTime', 'id'], {
        buildingId: Type.Optional(Id),
        roomId: Type.Optional(Id),
        from: Type.Optional(MomentInput),
        to: Type.Optional(MomentInput),
      }),
      response: { 200: Rows(ClosureAnswer) },
    },
    handler: async ({ query }) => {
      const { buildingId, roomId, from, to } = query
      const filter = {
        buildingId,
        roomId,
        from: from === undefined ? undefined : parseInstant(from, zone),
        to: to === undefined ? undefined : parseInstant(to, zone),
      }
      const page = pageOf(query, { sort: 'startTime', descending: true })
      return rowsOf(await listClosures(kernel.db, filter, page), (closure) => presentClosure(closure, zone))
    },
  })

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/closure/{id}`],
    permission: 'manage:facility:closure:list',
    summary: 'Read a closure',
    tag,
    schema: { params: IdParams, response: { 200: Data(ClosureAnswer) } },
    handler: async ({ params }) => data(presentClosure(await service.getClosure(kernel, params.id), zone)),
  })
}

function writeClosures(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'POST',
    paths: [`${MANAGE}/closure`],
    permission: 'manage:facility:closure:add',
    summary: 'Close a room or a building for a time',
    description:
      'Closes the room if there is a `roomId`, else all rooms of the building. Bookings in that time that have not ' +
      'begun are cancelled; an ongoing one ends when the closure begins. Their people are told.',
    tag,
    schema: {
      body: Type.Object({ ...target, startTime: MomentInput, endTime: MomentInput, reason: Reason }),
      response: { 200: Data(Type.Object({ id: Id, ...Ended })) },
    },
    handler: async (request) => {
      const { startTime, endTime, reason } = request.body
      const fields = { start: parseInstant(startTime, zone), end: parseInstant(endTime, zone), reason }
      return data(await service.closeFor(kernel, callerOf(request), targetOf(request.body), fields))
    },
  })

  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/closure`],
    permission: 'manage:facility:closure:edit',
    summary: 'Change a closure',
    description:
      'Fields that are not given keep their value; the room or building can’t be changed. Bookings in the new time ' +
      'end as for a new closure; bookings that have ended stay ended. A closure that is over can’t be changed ' +
      '(409).',
    tag,
    schema: {
      body: Type.Object({
        id: Id,
        ...target,
        startTime: Type.Optional(Nullable(MomentInput)),
        endTime: Type.Optional(Nullable(MomentInput)),
        reason: Type.Optional(Nullable(Reason)),
      }),
      response: { 200: Data(Type.Object(Ended)) },
    },
    handler: async (request) => {
      const { id, roomId, buildingId, startTime, endTime, reason } = request.body
      const input = {
        roomId,
        buildingId,
        start: startTime == null ? undefined : parseInstant(startTime, zone),
        end: endTime == null ? undefined : parseInstant(endTime, zone),
        reason: reason ?? undefined,
      }
      return data(await service.changeClosure(kernel, callerOf(request), id, input))
    },
  })

  route(app, {
    method: 'DELETE',
    paths: [`${MANAGE}/closure/{id}`],
    operationId: 'deleteClosures',
    permission: 'manage:facility:closure:remove',
    summary: 'Delete closures',
    description: 'One or several, separated by commas: all or none. Bookings that they ended stay ended.',
    tag,
    schema: { params: IdsParams, response: { 200: Done } },
    handler: async (request) => {
      await service.removeClosures(kernel, callerOf(request), idsOf(request.params))
      return done
    },
  })
}

function targetOf(body: { readonly roomId?: number | null; readonly buildingId?: number | null }): Target {
  if (body.roomId != null) return { roomId: body.roomId }
  if (body.buildingId != null) return { buildingId: body.buildingId }
  throw refusal('no_target', '参数不全或有误：缺少 roomId 或 buildingId')
}
