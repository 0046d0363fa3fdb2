import type { NotificationType } from '../notifications/texts/types.ts'

/**
 * Messages to people about their data. They contain no link, because not everybody who reads a mail may read the data.
 */
export const privacyNotificationTypes: readonly NotificationType[] = [
  {
    key: 'account.data_export_ready',
    title: '个人数据副本已就绪',
    category: 'account',
    urgent: true,
    channels: ['websocket', 'email'],
    subject: '您的个人数据副本已就绪',
    body: '您申请的个人数据副本已准备好，请登录后下载，有效期至 {{ until }}。\n\n如果不是您本人操作，请立即修改密码。',
    sample: { until: '2026-03-17T09:30:00+08:00' },
  },
]
