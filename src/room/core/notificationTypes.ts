import type { NotificationType } from '../../kernel/notifications/texts/types.ts'

/** Sample of the data that `tellBookings` gives every template. */
export const bookingSample = {
  booking_id: 10001,
  room_name: '会议室201',
  building_name: '信息楼',
  time: '2025-11-10 09:00:00 至 12:00:00',
}

/** Place and time in every text. */
export const PLACE_AND_TIME = '{{ building_name }} {{ room_name }} {{ time }}'
const NUMBER = '\n\n预约编号：{{ booking_id }}'

const ordinary = {
  category: 'reservation',
  urgent: false,
  channels: ['websocket', 'email'],
  sample: bookingSample,
} as const
/** Messages that matter only to people who are online now. */
const brief = { ...ordinary, channels: ['websocket'] } as const

/** Messages to the people of a booking. */
export const bookingNotificationTypes: readonly NotificationType[] = [
  {
    ...ordinary,
    key: 'room.booking.pending',
    title: '功能房预约待审核',
    subject: `预约已提交，等待审核：${PLACE_AND_TIME}`,
    body: `${PLACE_AND_TIME} 的预约已提交，该时间段已为您保留，审核结果会另行通知。开始前仍未审核的预约会自动驳回。${NUMBER}`,
  },
  {
    ...ordinary,
    key: 'room.booking.approved',
    title: '功能房预约成功',
    subject: `预约成功：${PLACE_AND_TIME}`,
    body: `${PLACE_AND_TIME} 的预约已批准，请按时使用；如不能前往，请申请人在开始前取消。${NUMBER}`,
  },
  {
    ...ordinary,
    key: 'room.booking.rejected',
    title: '功能房预约被驳回',
    subject: `预约被驳回：${PLACE_AND_TIME}`,
    body: `很抱歉，${PLACE_AND_TIME} 的预约被驳回。原因：{{ reason }}。${NUMBER}`,
    sample: { ...bookingSample, reason: '该时段已安排校内活动' },
  },
  {
    ...ordinary,
    key: 'room.booking.changed',
    title: '功能房预约已修改',
    subject: `预约已修改：${PLACE_AND_TIME}`,
    body: `预约已修改，现为 ${PLACE_AND_TIME}，状态：{{ status }}。${NUMBER}`,
    sample: { ...bookingSample, status: '待审核' },
  },
  {
    ...ordinary,
    key: 'room.booking.removed',
    title: '不再是功能房使用人',
    subject: `您已不在使用人名单中：${PLACE_AND_TIME}`,
    body: `您已不再是 ${PLACE_AND_TIME} 预约的使用人。${NUMBER}`,
  },
  {
    ...ordinary,
    key: 'room.booking.left',
    title: '使用人退出功能房预约',
    subject: `{{ name }} 退出了预约：${PLACE_AND_TIME}`,
    body: `{{ name }} 退出了 ${PLACE_AND_TIME} 的预约。${NUMBER}`,
    sample: { ...bookingSample, name: '王同学' },
  },
  {
    ...ordinary,
    key: 'room.booking.cancelled',
    title: '功能房预约已取消',
    subject: `预约已取消：${PLACE_AND_TIME}`,
    body: `${PLACE_AND_TIME} 的预约已取消。${NUMBER}`,
  },
  {
    ...ordinary,
    key: 'room.booking.cancelled_by_staff',
    title: '功能房预约被取消',
    subject: `预约被取消：${PLACE_AND_TIME}`,
    body: `很抱歉，${PLACE_AND_TIME} 的预约被取消。原因：{{ reason }}。${NUMBER}`,
    sample: { ...bookingSample, reason: '场地临时维修' },
  },
  {
    ...brief,
    key: 'room.booking.started',
    title: '功能房预约开始',
    subject: `预约已开始：${PLACE_AND_TIME}`,
    body: `${PLACE_AND_TIME} 的预约已开始。${NUMBER}`,
  },
  {
    ...brief,
    key: 'room.booking.completed',
    title: '功能房预约结束',
    subject: `预约已结束：${PLACE_AND_TIME}`,
    body: `${PLACE_AND_TIME} 的预约已结束。${NUMBER}`,
  },
  {
    ...ordinary,
    key: 'room.booking.ended_early',
    title: '功能房预约提前结束',
    subject: `预约提前结束：${PLACE_AND_TIME}`,
    body: `预约已提前结束，现为 ${PLACE_AND_TIME}。${NUMBER}`,
  },
]
