import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams, type Of } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, data } from '../../contract.ts'
import { BOOKING_STATES, type BookingStatus, SEGMENT_WORDS } from '../../core/states.ts'
import { Id, MANAGE, Moment, moment, PORTAL } from '../../fields.ts'
import { windowOf, windowQuery } from '../../window.ts'
import { buildingGantt, roomTimeline } from './service.ts'
import type { Segment } from './store.ts'

const WORDS = ['pending', 'approved', 'ongoing', 'completed'] as const

const SegmentAnswer = Type.Object(
  {
    id: Id,
    start: Moment,
    end: Moment,
    status: Type.Enum([...WORDS]),
    purpose: Type.Optional(Type.String()),
    applicantName: Type.Optional(Type.String()),
  },
  { title: 'RoomSegment' },
)
const Range = Type.Object({ from: Moment, to: Moment })

const Timeline = Data(Type.Object({ roomId: Id, range: Range, segments: Type.Array(SegmentAnswer) }))

const Gantt = Data(
  Type.Object({
    buildingId: Id,
    range: Range,
    items: Type.Array(
      Type.Object({
        roomId: Id,
        roomName: Type.String(),
        floorNo: Type.Integer(),
        segments: Type.Array(SegmentAnswer),
      }),
    ),
  }),
)

const windowRule =
  'Half-open, `yyyy-MM-dd HH:mm:ss`, at most 366 days. Default: from 30 days ago to the last booking; `range` shows ' +
  'the window used. Bookings are shown with their whole time.'

const wordOf = (status: BookingStatus) => WORDS.find((word) => word === SEGMENT_WORDS[status]) ?? 'completed'

/** Routes for the bookings of rooms over time. */
export function timelineRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  const present = (segment: Segment, open: boolean): Of<typeof SegmentAnswer> => ({
    id: segment.id,
    start: moment(segment.start, zone),
    end: moment(segment.end, zone),
    status: wordOf(segment.status),
    ...(open && { purpose: segment.purpose, applicantName: segment.applicantName }),
  })
  const presentRange = ({ from, to }: { from: Date; to: Date }) => ({ from: moment(from, zone), to: moment(to, zone) })

  const timeline = (path: string, permission: 'manage:facility:room:timeline' | 'signed-in', tag: string) =>
    route(app, {
      method: 'GET',
      paths: [path],
      operationId: permission === 'signed-in' ? 'getPortalRoomTimeline' : 'getRoomTimeline',
      permission,
      summary: 'Read the bookings of a room over time',
      description:
        permission === 'signed-in'
          ? `${windowRule} What others book is shown without its purpose and names.`
          : windowRule,
      tag,
      schema: { params: IdParams, querystring: Type.Object(windowQuery), response: { 200: Timeline } },
      handler: async (request) => {
        const { id } = request.params
        const viewer = callerOf(request).userId
        const { range, segments } = await roomTimeline(kernel, id, windowOf(request.query, zone), viewer)
        const shown = segments.map((segment) => present(segment, permission !== 'signed-in' || segment.mine))
        return data({ roomId: id, range: presentRange(range), segments: shown })
      },
    })
  timeline(`${MANAGE}/room/{id}/timeline`, 'manage:facility:room:timeline', 'Room administration')
  timeline(`${PORTAL}/room/{id}/timeline`, 'signed-in', 'Room portal')

  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/building/{id}/gantt`],
    permission: 'manage:facility:building:gantt',
    summary: 'Read the bookings of all rooms of a building over time',
    description: windowRule,
    tag: 'Room administration',
    schema: {
      params: IdParams,
      querystring: Type.Object({
        ...windowQuery,
        status: Type.Optional(
          Type.Enum([...BOOKING_STATES, ...WORDS], { description: 'Only bookings in this state, by code or word.' }),
        ),
      }),
      response: { 200: Gantt },
    },
    handler: async (request) => {
      const { id } = request.params
      const { status: wanted, ...query } = request.query
      const gantt = await buildingGantt(kernel, id, windowOf(query, zone), callerOf(request).userId)
      const items = gantt.items.map(({ segments, ...line }) => ({
        ...line,
        segments: segments
          .filter(({ status }) => wanted === undefined || wanted === status || wanted === wordOf(status))
          .map((segment) => present(segment, true)),
      }))
      return data({ buildingId: id, range: presentRange(gantt.range), items })
    },
  })
}
