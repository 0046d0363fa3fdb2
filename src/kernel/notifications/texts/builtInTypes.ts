import type { NotificationType } from './types.ts'

/** Type of the messages that administrators write themselves. */
export const DIRECT_TYPE = 'notice.direct'

/** The notification types of the kernel, except those about accounts. */
export const noticeNotificationTypes: readonly NotificationType[] = [
  {
    key: DIRECT_TYPE,
    title: '通知',
    category: 'notice',
    urgent: false,
    channels: ['websocket'],
    subject: '{{ subject }}',
    body: '{{ body }}',
    sample: { subject: '周末开放安排', body: '本周末羽毛球馆照常开放，欢迎预约。' },
  },
]
