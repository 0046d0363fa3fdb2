import type { NotificationType } from '../../../kernel/notifications/texts/types.ts'
import { NO_SHOW_DAYS, NO_SHOWS } from '../../core/bans/rules.ts'
import { bookingSample, PLACE_AND_TIME } from '../../core/notificationTypes.ts'

/** Message to the applicant after a no-show. */
export const noShowNotificationTypes: readonly NotificationType[] = [
  {
    category: 'reservation',
    urgent: false,
    channels: ['websocket', 'email'],
    key: 'room.booking.no_show',
    title: '功能房预约未到场',
    subject: `预约未到场：${PLACE_AND_TIME}`,
    body:
      `您预约的 ${PLACE_AND_TIME} 被登记为未到场。${NO_SHOW_DAYS} 天内 ${NO_SHOWS} 次未到场可能会被禁止预约。` +
      '如有异议，请联系管理员。\n\n预约编号：{{ booking_id }}',
    sample: bookingSample,
  },
]
