import { Type } from 'typebox'
import { Nullable, type Of, Text } from '../../kernel/http/schemas.ts'
import { Id, Moment, MomentInput, moment, NullableMoment, nullableMoment, parseInstant } from '../fields.ts'
import type { BookingRequest } from './booking.ts'
import type { Booking } from './bookingsStore.ts'
import { MOST_PEOPLE } from './rules.ts'
import { BOOKING_STATES } from './states.ts'

/** A booking in lists and details: the document's members (seed 数据模型), and additions for the published pages. */
export const BookingAnswer = Type.Object(
  {
    id: Id,
    roomId: Id,
    roomName: Type.String(),
    floorNo: Type.Integer(),
    buildingId: Id,
    buildingName: Type.String(),
    applicantId: Id,
    applicantUserName: Type.String(),
    applicantNickName: Type.String(),
    purpose: Type.String(),
    startTime: Moment,
    endTime: Moment,
    durationMinutes: Type.Integer({ minimum: 0 }),
    status: Type.Enum([...BOOKING_STATES]),
    rejectReason: Nullable(Type.String()),
    cancelReason: Nullable(Type.String()),
    noShow: Type.Boolean(),
    seriesId: Nullable(Type.String()),
    createTime: Moment,
    updateTime: NullableMoment,
  },
  { title: 'RoomBooking' },
)

export function presentBooking(booking: Booking, zone: string) {
  const { noShowAt, startTime, endTime, createTime, updateTime, ...plain } = booking
  return {
    ...plain,
    startTime: moment(startTime, zone),
    endTime: moment(endTime, zone),
    noShow: noShowAt !== null,
    createTime: moment(createTime, zone),
    updateTime: nullableMoment(updateTime, zone),
  }
}

/** The people who use the room; the applicant is added. */
export const UserIds = Type.Array(Id, {
  maxItems: MOST_PEOPLE,
  description: 'The people who use the room, at most as many as its capacity; the applicant is added.',
})
export const Purpose = Text(500, { examples: ['会议'] })

/** The body of a booking request. */
export const BookingBody = Type.Object({
  roomId: Id,
  purpose: Purpose,
  startTime: MomentInput,
  endTime: MomentInput,
  userIdList: UserIds,
})

/** Reads the body of a booking request. @throws Invalid for times that don't exist. */
export function requestOf(body: Of<typeof BookingBody>, zone: string): BookingRequest {
  const { roomId, purpose, startTime, endTime, userIdList } = body
  return {
    roomId,
    purpose,
    start: parseInstant(startTime, zone),
    end: parseInstant(endTime, zone),
    userIds: userIdList,
  }
}
