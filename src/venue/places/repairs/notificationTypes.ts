import type { NotificationType } from '../../../kernel/notifications/texts/types.ts'
import type { Decision } from './rules.ts'

const sample = { repair_report_id: 7, facility_name: '跑步机', facility_venue_name: '健身房', note: '' }
const WHAT = '{{ facility_venue_name }} 的{{ facility_name }}'
const REST = '{% if note != "" %}说明：{{ note }}。{% endif %}\n\n报修编号：{{ repair_report_id }}'

function about(status: Decision, title: string, sentence: string): NotificationType {
  return {
    key: `repair_report.${status}`,
    title,
    category: 'notice',
    urgent: false,
    channels: ['websocket', 'email'],
    subject: `${title}：${WHAT}`,
    body: `${sentence}${REST}`,
    sample,
  }
}

/** Notification types for people who reported a fault. */
export const repairNotificationTypes: readonly NotificationType[] = [
  about('accepted', '报修已受理', `您报修的${WHAT}已受理，维修期间暂停使用。`),
  about('fixed', '报修已修复', `您报修的${WHAT}已修复，可以正常使用了。感谢您的反馈。`),
  about('rejected', '报修未受理', `您报修的${WHAT}经检查无需维修。`),
]
