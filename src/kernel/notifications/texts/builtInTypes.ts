import type { NotificationType } from './types.ts'

/** What administrators say in their own words. */
export const DIRECT_TYPE = 'notice.direct'

/** What the kernel itself tells people, accounts apart. */
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
