import { type Static, Type } from 'typebox'
import type { Interval } from '../../../booking/interval.ts'
import type { App } from '../../../kernel/http/app.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, data, Rows, rowsOf } from '../../contract.ts'
import { listBuildings } from '../../core/places/buildingsStore.ts'
import { LIMITS, tagsText } from '../../core/places/rules.ts'
import { presentRoom, RoomAnswer, SettingAnswer } from '../../core/places/schemas.ts'
import { readSetting } from '../../core/places/settingStore.ts'
import { FEWEST_PEOPLE } from '../../core/rules.ts'
import { Id, listQuery, Moment, MomentInput, moment, PORTAL, pageOf, parseInstant, UsedStatus } from '../../fields.ts'
import { refusal } from '../../sentences.ts'
import { requireShort, type Window, windowOf, windowQuery } from '../../window.ts'
import { freeRooms, portalRoom } from './service.ts'
import { listBookableRooms, type PortalRoom, searchUsers } from './store.ts'

const tag = 'Room portal'
/** The most people that a search returns. */
const MOST_USERS = 20

const PortalBuilding = Type.Object(
  { id: Id, buildingName: Type.String(), status: UsedStatus, remark: Type.String() },
  { title: 'RoomPortalBuilding' },
)
const PortalRoomAnswer = Type.Object(
  {
    ...RoomAnswer.properties,
    bookable: Type.Boolean({ description: 'Whether the room and its building are in use.' }),
  },
  { title: 'RoomPortalRoom' },
)

const capacity = Type.Integer({ minimum: 1, maximum: LIMITS.capacity, description: 'Least capacity.' })
const filters = {
  buildingId: Type.Optional(Id),
  floorNo: Type.Optional(Type.Integer({ minimum: LIMITS.floor.lowest, maximum: LIMITS.floor.highest })),
  roomName: Type.Optional(Text(LIMITS.name)),
  capacity: Type.Optional(capacity),
  equipmentTags: Type.Optional(
    Type.String({ maxLength: LIMITS.tags, description: 'Tags that the room must have, separated by commas.' }),
  ),
}
const Filters = Type.Object(filters)
const filterOf = ({ buildingId, floorNo, roomName, capacity, equipmentTags }: Static<typeof Filters>) => ({
  buildingId,
  floorNo,
  roomName,
  capacity,
  equipmentTags: tagsText(equipmentTags ?? ''),
})

/** The time in which rooms must be free, or null. @throws Invalid if it has one end only, or is too long */
function wholeWindow({ from, to }: Window): Interval | null {
  if (!from && !to) return null
  if (!from || !to) throw refusal('window_incomplete', '开始时间 from 与结束时间 to 须同时填写')
  requireShort(from, to)
  return { start: from, end: to }
}

/** Routes for finding a room and people to use it with. */
export function searchRoutes(app: App, kernel: Kernel): void {
  roomSearch(app, kernel)

  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/building/list`],
    operationId: 'listPortalBuildings',
    permission: 'signed-in',
    summary: 'List the buildings in use',
    tag,
    schema: {
      querystring: listQuery(['id', 'buildingName'], { buildingName: Type.Optional(Text(100)) }),
      response: { 200: Rows(PortalBuilding) },
    },
    handler: async ({ query }) => {
      const filter = { buildingName: query.buildingName, status: '0' } as const
      const found = await listBuildings(kernel.db, filter, pageOf(query, { sort: 'id', descending: false }))
      return rowsOf(found, ({ id, buildingName, status, remark }) => ({
        id,
        buildingName,
        status,
        remark: remark ?? '',
      }))
    },
  })
  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/user/search`],
    permission: 'signed-in',
    summary: 'Find people to use a room with',
    description: `At most ${MOST_USERS} whose name or user name starts with the keyword.`,
    tag,
    schema: {
      querystring: Type.Object({ keyword: Text(50) }),
      response: {
        200: Data(Type.Array(Type.Object({ userId: Id, userName: Type.String(), nickName: Type.String() }))),
      },
    },
    handler: async ({ query }) => data([...(await searchUsers(kernel.db, query.keyword, MOST_USERS))]),
  })
  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/setting`],
    operationId: 'getBookingLimits',
    permission: 'signed-in',
    summary: 'Read the limits of bookings',
    tag,
    schema: {
      response: {
        200: Data(
          Type.Object({
            ...SettingAnswer.properties,
            minParticipants: Type.Integer({ description: 'Including the applicant.' }),
          }),
        ),
      },
    },
    handler: async () => data({ ...(await readSetting(kernel.db)), minParticipants: FEWEST_PEOPLE }),
  })
}

function presentPortalRoom({ bookable, ...room }: PortalRoom, zone: string) {
  return { ...presentRoom(room, zone), bookable }
}

function roomSearch(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const present = (room: PortalRoom) => presentPortalRoom(room, zone)

  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/room/list`],
    operationId: 'listPortalRooms',
    permission: 'signed-in',
    summary: 'List the rooms in use',
    description:
      '`from` and `to`, which go together, find rooms that are free all that time: neither booked nor closed, and ' +
      'within their opening hours.',
    tag,
    schema: {
      querystring: listQuery(['id', 'buildingName', 'floorNo', 'roomName', 'capacity'], { ...filters, ...windowQuery }),
      response: { 200: Rows(PortalRoomAnswer) },
    },
    handler: async ({ query }) => {
      const page = pageOf(query, { sort: 'id', descending: false })
      const search = { filter: filterOf(query), free: wholeWindow(windowOf(query, zone)) }
      return rowsOf(await listBookableRooms(kernel.db, search, page, { now: kernel.clock.now(), zone }), present)
    },
  })
  freeRoomSearch(app, kernel)
  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/room/{id}`],
    operationId: 'getPortalRoom',
    permission: 'signed-in',
    summary: 'Read a room',
    description: 'Also a room that is out of use: `bookable` is false then.',
    tag,
    schema: { params: IdParams, response: { 200: Data(PortalRoomAnswer) } },
    handler: async ({ params }) => data(present(await portalRoom(kernel, params.id))),
  })
}

function freeRoomSearch(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/room/free`],
    operationId: 'listFreeRooms',
    permission: 'signed-in',
    summary: 'Find rooms that are free at a given time',
    description:
      'Returns rooms with enough capacity, the smallest first. If there is none, `nearest` has the nearest times of ' +
      'that length at which a room is free. Times that no booking may have are refused as for a booking.',
    tag,
    schema: {
      querystring: Type.Object({
        start: MomentInput,
        end: MomentInput,
        people: Type.Integer({ minimum: 1, maximum: LIMITS.capacity, default: FEWEST_PEOPLE }),
        buildingId: filters.buildingId,
        equipmentTags: filters.equipmentTags,
      }),
      response: {
        200: Data(
          Type.Object({
            rooms: Type.Array(PortalRoomAnswer),
            nearest: Type.Array(Type.Object({ start: Moment, end: Moment, room: PortalRoomAnswer })),
          }),
        ),
      },
    },
    handler: async ({ query }) => {
      const wanted = { start: parseInstant(query.start, zone), end: parseInstant(query.end, zone) }
      const { rooms, nearest } = await freeRooms(kernel, wanted, filterOf({ ...query, capacity: query.people }))
      return data({
        rooms: rooms.map((room) => presentPortalRoom(room, zone)),
        nearest: nearest.map(({ start, end, room }) => ({
          start: moment(start, zone),
          end: moment(end, zone),
          room: presentPortalRoom(room, zone),
        })),
      })
    },
  })
}
