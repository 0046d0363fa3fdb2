import type { NotificationType } from '../../../kernel/notifications/texts/types.ts'
import { bookingSample, PLACE_AND_TIME } from '../../core/notificationTypes.ts'

/**
 * Message about a running booking that a closure ends. For bookings that have not begun the message is that staff
 * cancelled them.
 */
export const closureNotificationTypes: readonly NotificationType[] = [
  {
    key: 'room.booking.cut_short',
    title: '功能房关闭，预约提前结束',
    category: 'reservation',
    urgent: true,
    channels: ['websocket', 'email'],
    subject: `预约提前结束：${PLACE_AND_TIME}`,
    body: `很抱歉，因房间关闭，您正在使用的预约须提前结束，现为 ${PLACE_AND_TIME}。原因：{{ reason }}。\n\n预约编号：{{ booking_id }}`,
    sample: { ...bookingSample, reason: '消防演练' },
  },
]
