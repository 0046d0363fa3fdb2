import { Type } from 'typebox'
import { Nullable } from '../../../kernel/http/schemas.ts'
import { BOOKING_STATES } from '../../core/states.ts'
import type { Booking } from '../../core/store.ts'
import { Id, Moment, moment, NullableMoment, nullableMoment } from '../../fields.ts'

/** A booking as lists and details show it: the document's members (seed 数据模型), and what the published pages show beside. */
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
