import type { NotificationType } from '../../../kernel/notifications/texts/types.ts'

/** Messages to those who make campaigns. */
export const campaignNotificationTypes: readonly NotificationType[] = [
  {
    key: 'crm.campaign_paused',
    title: '活动已暂停',
    category: 'notice',
    urgent: false,
    channels: ['websocket', 'email'],
    subject: '活动「{{ title }}」已暂停',
    body: '活动「{{ title }}」已暂停：{{ reason }}。尚未发送的收件人保持不变，问题解决后可继续发送。',
    translations: {
      'zh-TW': {
        subject: '活動「{{ title }}」已暫停',
        body: '活動「{{ title }}」已暫停：{{ reason }}。尚未發送的收件人保持不變，問題解決後可繼續發送。',
      },
      en: {
        subject: 'The campaign “{{ title }}” is paused',
        body: 'The campaign “{{ title }}” is paused: {{ reason }}. Whoever has not received it yet still waits; you can resume it once this is solved.',
      },
    },
    sample: { title: '中秋送禮', reason: '本月訊息額度已用完' },
  },
  {
    key: 'crm.campaign_failed',
    title: '活动未能发送',
    category: 'notice',
    urgent: false,
    channels: ['websocket', 'email'],
    subject: '活动「{{ title }}」未能发送',
    body: '预定的活动「{{ title }}」未能发送：{{ reason }}',
    translations: {
      'zh-TW': { subject: '活動「{{ title }}」未能發送', body: '預定的活動「{{ title }}」未能發送：{{ reason }}' },
      en: {
        subject: 'The campaign “{{ title }}” was not sent',
        body: 'The scheduled campaign “{{ title }}” was not sent: {{ reason }}',
      },
    },
    sample: { title: '中秋送禮', reason: 'Nobody is left to send it to.' },
  },
]
