import type { NotificationType } from '../../../kernel/notifications/texts/types.ts'
import { inAllLanguages } from '../texts/inAllLanguages.ts'

const common = {
  category: 'notice',
  urgent: false,
  channels: ['websocket', 'email'],
} as const
const request = { kind: '请假', what: '2026-03-05 至 2026-03-07' }
const decision = { ...request, remark: '请安排好交接' }

/** Messages about the requests of doctors: weeks, leaves and added numbers. */
export const decisionNotificationTypes: readonly NotificationType[] = [
  {
    ...common,
    key: 'clinic.audit.requested',
    title: '新的申请',
    sample: { ...request, applicant: '张三', department: '心内科' },
  },
  { ...common, key: 'clinic.audit.approved', title: '申请已通过', sample: decision },
  { ...common, key: 'clinic.audit.rejected', title: '申请被驳回', sample: decision },
].map(inAllLanguages)
