import type { NotificationType } from '../../../kernel/notifications/texts/types.ts'

const REMARK = "{% if remark != '' %}审核意见：{{ remark }}。{% endif %}"

const common = {
  category: 'notice',
  urgent: false,
  channels: ['websocket', 'email'],
  sample: { kind: '请假', what: '2026-03-05 至 2026-03-07', remark: '请安排好交接' },
} as const

/** Messages to doctors about their requests: weeks, leaves and added numbers. */
export const decisionNotificationTypes: readonly NotificationType[] = [
  {
    ...common,
    key: 'clinic.audit.approved',
    title: '申请已通过',
    subject: '{{ kind }}申请已通过：{{ what }}',
    body: `您的{{ kind }}申请（{{ what }}）已通过审核。${REMARK}`,
  },
  {
    ...common,
    key: 'clinic.audit.rejected',
    title: '申请被驳回',
    subject: '{{ kind }}申请被驳回：{{ what }}',
    body: `您的{{ kind }}申请（{{ what }}）未通过审核。${REMARK}`,
  },
]
