import type { NotificationType } from '../kernel/notifications/texts/types.ts'
import { alternativesText, closureNotificationTypes } from './core/displacement/notificationTypes.ts'
import { repairNotificationTypes } from './places/repairs/notificationTypes.ts'

const place = {
  venue_id: 3,
  venue_name: '羽毛球 1 号场',
  date: '2026-03-14',
  start_time: '09:00',
  end_time: '10:00',
}
const reservation = { ...place, reservation_id: 42 }

/** Place and time in every template. */
const WHERE = '{{ venue_name }} {{ date }} {{ start_time }}–{{ end_time }}'
const NUMBER = '\n\n预约编号：{{ reservation_id }}'

const ordinary = {
  category: 'reservation',
  urgent: false,
  channels: ['websocket', 'email'],
  sample: reservation,
} as const
const urgent = { ...ordinary, urgent: true } as const
/** For messages that matter only to a person who is online. */
const brief = { ...ordinary, channels: ['websocket'] } as const

const booking: readonly NotificationType[] = [
  {
    ...ordinary,
    key: 'reservation.confirmed',
    title: '预约成功',
    subject: '预约成功：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `您已成功预约 ${WHERE}。请准时到场签到；如不能前往，请尽早取消，把场地留给其他同事。${NUMBER}`,
  },
  {
    ...ordinary,
    key: 'reservation.pending',
    title: '预约待审核',
    subject: '预约已提交，等待审核：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `您预约的 ${WHERE} 需要管理员审核，名额已为您保留，结果会另行通知。开始前仍未审核的申请会自动取消。${NUMBER}`,
  },
  {
    ...ordinary,
    key: 'reservation.rejected',
    title: '预约未通过',
    subject: '预约未通过：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `很抱歉，您预约的 ${WHERE} 未通过。原因：{{ reason }}。已扣积分已退还。${NUMBER}`,
    sample: { ...reservation, reason: '该时段已安排内部活动' },
  },
  {
    ...ordinary,
    key: 'reservation.cancelled',
    title: '预约已取消',
    subject: '预约已取消：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `您已取消 ${WHERE} 的预约。{% if reason != '' %}备注：{{ reason }}。{% endif %}${NUMBER}`,
    sample: { ...reservation, reason: '' },
  },
  {
    ...urgent,
    key: 'reservation.cancelled_by_staff',
    title: '预约被管理员取消',
    subject: '您的预约已被取消：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `管理员取消了您 ${WHERE} 的预约，已扣积分已退还。{% if reason != '' %}原因：{{ reason }}。{% endif %}${NUMBER}`,
    sample: { ...reservation, reason: '场地临时占用' },
  },
  {
    ...ordinary,
    key: 'reservation.moved',
    title: '预约已改期',
    subject: '预约已改期：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `您的预约已改为 ${WHERE}。{% if status == 'pending' %}新的时段需要管理员审核，结果会另行通知。{% endif %}${NUMBER}`,
    sample: { ...reservation, status: 'confirmed' },
  },
  {
    ...ordinary,
    key: 'reservation.changed',
    title: '预约变更通知',
    urgent: true,
    subject: '预约变更通知：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `关于您 ${WHERE} 的预约：\n\n{{ message }}${NUMBER}`,
    sample: { ...reservation, message: '当天请从东门进入。' },
  },
]

const priority: readonly NotificationType[] = [
  {
    ...urgent,
    key: 'reservation.moved_by_leader',
    title: '预约被调整',
    subject: '您的预约已调整到 {{ date }} {{ start_time }}：{{ venue_name }}',
    body:
      `很抱歉，因领导优先预约，您原定 {{ old_start_time }} 开始的预约已调整为 ${WHERE}。` +
      `如新的时间不合适，可在应用中改约其他时段或取消。${NUMBER}`,
    sample: { ...reservation, old_start_time: '08:00' },
  },
  {
    ...urgent,
    key: 'reservation.displaced',
    title: '预约被取消',
    subject: '您的预约已被取消：{{ venue_name }} {{ date }} {{ start_time }}',
    body:
      `很抱歉，您 ${WHERE} 的预约已被取消，原因：{{ reason }}。已扣积分已退还，您已排在该时段等候列表的首位，有空位时会立即通知您。\n\n` +
      `您也可以在原定开始时间之前按原价改约其他时段：{{ rebook_url }}${alternativesText}${NUMBER}`,
    sample: {
      ...reservation,
      reason: '领导优先',
      rebook_url: 'https://gym.example.com/api/v1/reservations/42/rebook',
      alternatives: [{ ...place, time_slot_id: 77, start_time: '11:00', end_time: '12:00' }],
    },
  },
]

const attendance: readonly NotificationType[] = [
  {
    ...ordinary,
    key: 'reservation.reminder_day',
    goodForHours: 12,
    title: '预约提醒（前一天）',
    subject: '预约提醒：{{ date }} {{ start_time }} {{ venue_name }}',
    body: `提醒您：您预约了 ${WHERE}。如不能前往，请尽早取消。${NUMBER}`,
  },
  {
    ...ordinary,
    key: 'reservation.reminder_hour',
    goodForHours: 1,
    title: '预约提醒（即将开始）',
    urgent: true,
    subject: '即将开始：{{ start_time }} {{ venue_name }}',
    body: `您预约的 ${WHERE} 即将开始，请准时到场签到。未按时签到会记为爽约并扣除信用分。${NUMBER}`,
  },
  {
    ...ordinary,
    key: 'reservation.no_show',
    title: '爽约记录',
    subject: '您未按时签到：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `您预约了 ${WHERE}，但未按时签到，已记为爽约，扣除信用分 {{ credit_lost }} 分。按时赴约可逐步恢复信用分。${NUMBER}`,
    sample: { ...reservation, credit_lost: 10 },
  },
  {
    ...ordinary,
    key: 'reservation.no_show_undone',
    title: '爽约记录已撤销',
    subject: '爽约记录已撤销：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `工作人员已为您补办 ${WHERE} 的签到，爽约记录已撤销，退还信用分 {{ credit_returned }} 分。${NUMBER}`,
    sample: { ...reservation, credit_returned: 10 },
  },
]

const waitingList: readonly NotificationType[] = [
  {
    ...urgent,
    key: 'waiting_list.offered',
    goodForHours: 1,
    title: '等候的场地有空位了',
    subject: '有空位了，请尽快确认：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `您等候的 ${WHERE} 有空位了，已为您保留到 {{ expires_at }}。请在此之前确认预约，逾期将让给下一位。`,
    sample: { ...place, waiting_list_id: 7, time_slot_id: 77, expires_at: '2026-03-13T18:15:00+08:00' },
  },
  {
    ...brief,
    key: 'waiting_list.lapsed',
    title: '等候名额已让出',
    subject: '保留的名额已让出：{{ venue_name }} {{ date }} {{ start_time }}',
    body: `为您保留的 ${WHERE} 的名额未能预约，已让给下一位。如仍需要，可重新加入等候列表。`,
    sample: { ...place, waiting_list_id: 7 },
  },
]

/** All notification types of the venue product. The data of each comes from the `notify` calls that name its key. */
export const notificationTypes: readonly NotificationType[] = [
  ...booking,
  ...priority,
  ...attendance,
  ...waitingList,
  ...closureNotificationTypes,
  ...repairNotificationTypes,
]
