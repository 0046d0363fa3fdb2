import { Type } from 'typebox'
import { Nullable } from '../../../kernel/http/schemas.ts'
import { Id, Moment, moment, NullableMoment, nullableMoment, UsedStatus } from '../../fields.ts'
import type { Room } from './roomsStore.ts'

const Hours = Type.Object({
  weekday: Type.Integer({ minimum: 1, maximum: 7, description: '1 is Monday, 7 is Sunday.' }),
  opens: Type.String({ examples: ['08:00'] }),
  closes: Type.String({ examples: ['22:00'] }),
})

/** A room in lists and details: the document's members (seed 数据模型), and additions for the published pages. */
export const RoomAnswer = Type.Object(
  {
    id: Id,
    buildingId: Id,
    buildingName: Type.String(),
    floorNo: Type.Integer(),
    roomName: Type.String(),
    capacity: Type.Integer(),
    equipmentTags: Type.String(),
    status: UsedStatus,
    openHours: Nullable(Type.Array(Hours)),
    createTime: Moment,
    updateTime: NullableMoment,
  },
  { title: 'Room' },
)

export function presentRoom({ equipmentTags, openHours, createTime, updateTime, ...plain }: Room, zone: string) {
  return {
    ...plain,
    equipmentTags: equipmentTags ?? '',
    openHours: openHours && [...openHours],
    createTime: moment(createTime, zone),
    updateTime: nullableMoment(updateTime, zone),
  }
}

const MaxDuration = Type.Integer({ minimum: 5, maximum: 10_080, examples: [4320] })
const AdvanceDays = Type.Integer({
  minimum: 1,
  maximum: 366,
  description: 'The last local day that can be booked, as days from today.',
})
const Grid = Type.Integer({ minimum: 1, maximum: 60, description: 'Times must be multiples of this from midnight.' })
const Overlap = Type.Enum(['warn', 'refuse', 'allow'])

/** The limits of bookings. */
export const SettingAnswer = Type.Object(
  {
    auditRequired: Type.Boolean(),
    maxDurationMinutes: MaxDuration,
    advanceDays: AdvanceDays,
    gridMinutes: Grid,
    participantOverlap: Overlap,
  },
  { title: 'RoomSetting' },
)
