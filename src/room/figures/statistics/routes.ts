import { Type } from 'typebox'
import type { App, Permission } from '../../../kernel/http/app.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, data } from '../../contract.ts'
import { Id, MANAGE, Moment, moment, PORTAL } from '../../fields.ts'
import { windowOf, windowQuery } from '../../window.ts'
import { topRooms, topUsers, usage } from './service.ts'

const tag = 'Room statistics'

const Period = Type.Object({ period: Type.Enum(['7d', '30d'], { default: '7d' }) })
const place = {
  rank: Type.Integer({ minimum: 1, description: 'Equal minutes have equal ranks.' }),
  totalMinutes: Type.Integer({ minimum: 0 }),
  bookingCount: Type.Integer({ minimum: 0 }),
}
const TopRoom = Type.Object(
  { ...place, roomId: Id, roomName: Type.String(), buildingName: Type.String() },
  { title: 'TopRoom' },
)
const TopUser = Type.Object(
  { ...place, userId: Id, userName: Type.String(), nickName: Type.String() },
  { title: 'TopRoomUser' },
)

const usageMembers = {
  occupiedHours: Type.Number({ minimum: 0 }),
  openHours: Type.Number({ minimum: 0 }),
  rate: Nullable(
    Type.Number({ description: 'Occupied hours divided by open hours: 0.25 is a quarter. Null if it was never open.' }),
  ),
}
const buildingMembers = { buildingId: Id, buildingName: Type.String() }
const Usage = Data(
  Type.Object({
    range: Type.Object({ from: Moment, to: Moment }),
    total: Type.Object(usageMembers),
    rooms: Type.Array(
      Type.Object({
        roomId: Id,
        roomName: Type.String(),
        floorNo: Type.Integer(),
        ...buildingMembers,
        ...usageMembers,
      }),
    ),
    buildings: Type.Array(Type.Object({ ...buildingMembers, ...usageMembers })),
    hours: Type.Array(
      Type.Object({
        weekday: Type.Integer({ minimum: 1, maximum: 7, description: '1 is Monday.' }),
        hour: Type.Integer({ minimum: 0, maximum: 23 }),
        ...usageMembers,
      }),
    ),
  }),
)

const counted = 'By the minutes of approved, ongoing and completed bookings inside the last 7 or 30 days; at most 20.'

/** Routes for statistics on the use of rooms. */
export function statisticsRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  const roomRanking = (path: string, permission: Permission, tag: string) =>
    route(app, {
      method: 'GET',
      paths: [path],
      operationId: permission === 'signed-in' ? 'listPortalTopRooms' : 'listTopRooms',
      permission,
      summary: 'The rooms used most',
      description: counted,
      tag,
      schema: { querystring: Period, response: { 200: Data(Type.Array(TopRoom)) } },
      handler: async ({ query }) => data([...(await topRooms(kernel, query.period))]),
    })
  roomRanking(`${MANAGE}/top/room`, 'manage:facility:top:room', tag)
  roomRanking(`${PORTAL}/top/room`, 'signed-in', 'Room portal')

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/top/user`],
    operationId: 'listTopUsers',
    permission: 'manage:facility:top:user',
    summary: 'The people who booked most',
    description: counted,
    tag,
    schema: { querystring: Period, response: { 200: Data(Type.Array(TopUser)) } },
    handler: async ({ query }) => data([...(await topUsers(kernel, query.period))]),
  })

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/statistics/usage`],
    operationId: 'getRoomUsage',
    permission: 'manage:facility:statistics:usage',
    summary: 'Occupied hours against open hours',
    description:
      'By room, by building, and by weekday and hour of all rooms together. Default: the last 30 days; at most 366. ' +
      'Open hours are the opening hours (as they are now) without closures.',
    tag,
    schema: {
      querystring: Type.Object({ ...windowQuery, buildingId: Type.Optional(Id) }),
      response: { 200: Usage },
    },
    handler: async ({ query }) => {
      const { range, total, rooms, buildings, hours } = await usage(
        kernel,
        windowOf(query, zone),
        query.buildingId ?? null,
      )
      return data({
        range: { from: moment(range.start, zone), to: moment(range.end, zone) },
        total,
        rooms: [...rooms],
        buildings: [...buildings],
        hours: [...hours],
      })
    },
  })
}
