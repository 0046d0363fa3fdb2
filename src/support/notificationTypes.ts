import type { NotificationType } from '../kernel/notifications/texts/types.ts'

const toPerson = { category: 'notice', urgent: false, channels: ['websocket', 'email'] } as const
/** No mail: staff look at their lists. */
const toStaff = { category: 'notice', urgent: false, channels: ['websocket'] } as const

/** Notifications of feedback, tickets and chat. They show replies of support, but not what people write to support. */
export const supportNotificationTypes: readonly NotificationType[] = [
  {
    ...toStaff,
    key: 'feedback.received',
    title: '收到新的反馈',
    subject: '新的用户反馈 #{{ feedback_id }}',
    body: '收到新的用户反馈 #{{ feedback_id }}，请及时查看并回复。',
    sample: { feedback_id: 12 },
  },
  {
    ...toStaff,
    key: 'feedback.added',
    title: '反馈有补充',
    subject: '用户补充了反馈 #{{ feedback_id }}',
    body: '用户对反馈 #{{ feedback_id }} 作了补充，请查看。',
    sample: { feedback_id: 12 },
  },
  {
    ...toPerson,
    key: 'feedback.replied',
    title: '反馈有回复',
    subject: '您的反馈 #{{ feedback_id }} 有新的回复',
    body: '您的反馈 #{{ feedback_id }} 有新的回复：\n\n{{ content }}',
    sample: { feedback_id: 12, content: '感谢您的建议，我们已安排维修。' },
  },
  {
    ...toPerson,
    key: 'feedback.closed',
    title: '反馈已处理完毕',
    subject: '您的反馈 #{{ feedback_id }} 已处理完毕',
    body: '您的反馈 #{{ feedback_id }} 已处理完毕。感谢您的反馈。',
    sample: { feedback_id: 12 },
  },
  {
    ...toStaff,
    key: 'ticket.opened',
    title: '收到新的工单',
    subject: '新的工单 #{{ ticket_id }}',
    body: '收到新的工单 #{{ ticket_id }}，优先级：{{ priority }}。',
    sample: { ticket_id: 7, priority: 'normal' },
  },
  {
    ...toStaff,
    key: 'ticket.assigned',
    title: '工单指派给您',
    subject: '工单 #{{ ticket_id }} 已指派给您',
    body: '工单 #{{ ticket_id }} 已指派给您，请处理。',
    sample: { ticket_id: 7 },
  },
  {
    ...toStaff,
    key: 'ticket.changed_by_owner',
    title: '工单有更新',
    subject: '用户更新了工单 #{{ ticket_id }}',
    body: '用户更新了工单 #{{ ticket_id }}，当前状态：{{ status_name }}。',
    sample: { ticket_id: 7, status: 'open', status_name: '待处理' },
  },
  {
    ...toPerson,
    key: 'ticket.replied',
    title: '工单有回复',
    subject: '您的工单 #{{ ticket_id }} 有新的回复',
    body: '您的工单 #{{ ticket_id }} 有新的回复：\n\n{{ content }}',
    sample: { ticket_id: 7, content: '请重新登录后再试。' },
  },
  {
    ...toPerson,
    key: 'ticket.updated',
    title: '工单状态更新',
    subject: '您的工单 #{{ ticket_id }}：{{ status_name }}',
    body: '您的工单 #{{ ticket_id }} 已更新，当前状态：{{ status_name }}，优先级：{{ priority }}。解决或关闭后 14 天内可以重新打开。',
    sample: { ticket_id: 7, status: 'in_progress', status_name: '处理中', priority: 'normal' },
  },
  {
    ...toStaff,
    urgent: true,
    key: 'support_chat.waiting',
    title: '有用户等待人工客服',
    subject: '有用户等待人工客服（会话 #{{ session_id }}）',
    body: '会话 #{{ session_id }} 的用户请求人工客服，请尽快接入。',
    sample: { session_id: 5 },
  },
  {
    ...toStaff,
    urgent: true,
    key: 'support_chat.transferred',
    title: '客服会话转给您',
    subject: '客服会话 #{{ session_id }} 已转给您',
    body: '客服会话 #{{ session_id }} 已转给您，请继续为用户服务。',
    sample: { session_id: 5 },
  },
]
