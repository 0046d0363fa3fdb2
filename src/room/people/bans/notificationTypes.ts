import type { NotificationType } from '../../../kernel/notifications/texts/types.ts'

const ordinary = { category: 'reservation', urgent: false, channels: ['websocket', 'email'] } as const

/** Messages about bans to the people concerned, and about proposals to those who decide about them. */
export const banNotificationTypes: readonly NotificationType[] = [
  {
    ...ordinary,
    key: 'room.ban.added',
    title: '功能房预约封禁',
    subject: '您已被禁止预约功能房',
    body: "您已被禁止预约功能房{% if until == '' %}，长期有效{% else %}，至 {{ until }} 为止{% endif %}。原因：{{ reason }}。如有异议，请联系管理员。",
    sample: { reason: '多次违约', until: '2025-12-01 00:00:00' },
  },
  {
    ...ordinary,
    key: 'room.ban.lifted',
    title: '功能房预约解禁',
    subject: '您可以继续预约功能房',
    body: '对您的功能房预约封禁已解除（封禁原因：{{ reason }}）。',
    sample: { reason: '多次违约' },
  },
  {
    ...ordinary,
    key: 'room.ban.proposed',
    title: '待确认的功能房封禁',
    subject: '有一条封禁建议待确认：{{ name }}',
    body: '用户 {{ name }} {{ reason }}，系统建议封禁。请在封禁管理中确认或驳回。编号：{{ ban_id }}',
    sample: { ban_id: 7, name: '王同学', reason: '30 天内 3 次预约未到场' },
  },
]
