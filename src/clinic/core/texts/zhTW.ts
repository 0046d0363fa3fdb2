import type { ClinicTexts } from './types.ts'

const SLOT = "{% case slot_type %}{% when '专家' %}專家{% when '特需' %}特需{% else %}普通{% endcase %}"
const KIND = "{% case kind %}{% when '请假' %}請假{% when '加号' %}加號{% else %}排班{% endcase %}"
/** Patient, place and session. */
const VISIT = `{{ patient }}：{{ date }} {{ section }}（{{ hours }}）{{ hospital }} {{ department }} {{ doctor }} ${SLOT}號`
const ORDER = '\n\n訂單編號：{{ order_id }}'
const SUBJECT = '{{ date }} {{ section }} {{ department }} {{ doctor }}'
const REMARK = "{% if remark != '' %}審核意見：{{ remark }}。{% endif %}"

/** The texts in traditional Chinese. */
export const zhTW: ClinicTexts = {
  'clinic.order.pending': {
    subject: `掛號成功，請付款：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 號。請在 {{ pay_until }} 前付款 {{ amount }} 元，逾期號源自動釋出。${ORDER}`,
  },
  'clinic.order.confirmed': {
    subject: `掛號成功：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 號。請準時就診；如不能前往，請提前退號。${ORDER}`,
  },
  'clinic.order.paid': {
    subject: `掛號已付款：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 號，預計 {{ time }} 就診。已付款 {{ amount }} 元。${ORDER}`,
  },
  'clinic.order.payment_returned': {
    subject: `款項已退回：${SUBJECT}`,
    body: `${VISIT} 的掛號已失效，收到的 {{ amount }} 元已循原路退回。如仍需就診，請重新掛號。${ORDER}`,
  },
  'clinic.order.refunded': {
    subject: `已退款 {{ refund }} 元：${SUBJECT}`,
    body: `${VISIT}：已退款 {{ refund }} 元。{% if reason != '' %}原因：{{ reason }}。{% endif %}${ORDER}`,
  },
  'clinic.order.cancelled': {
    subject: `掛號已取消：${SUBJECT}`,
    body: `${VISIT} 的掛號已取消，退款 {{ refund }} 元。{% if reason != '' %}原因：{{ reason }}。{% endif %}${ORDER}`,
  },
  'clinic.order.timeout': {
    subject: `掛號已失效：${SUBJECT}`,
    body: `${VISIT} 的掛號逾時未付款，號源已釋出。如仍需就診，請重新掛號。${ORDER}`,
  },
  'clinic.order.rescheduled': {
    subject: `掛號已改期：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 號，預計 {{ time }} 就診。原為 {{ before }}。${ORDER}`,
  },
  'clinic.order.stopped': {
    subject: `停診通知：${SUBJECT}`,
    body:
      `很抱歉，${VISIT} 已停診（{{ reason }}），掛號已取消，退款 {{ refund }} 元。` +
      '{% if alternatives.size > 0 %}\n\n可改約：{% for other in alternatives %}\n- {{ other }}{% endfor %}{% endif %}' +
      ORDER,
  },
  'clinic.order.reminder_evening': {
    subject: `明日就診提醒：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 號，預計 {{ time }} 就診。請提前到達並報到；如不能前往，請盡快退號。${ORDER}`,
  },
  'clinic.order.reminder_day': {
    subject: `今日就診提醒：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 號，預計 {{ time }} 就診。請準時到 {{ clinic }} 報到候診。${ORDER}`,
  },
  'clinic.order.reminder': {
    subject: `就診提醒：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 號，預計 {{ time }} 就診。請提前到達並報到；如不能前往，請儘快退號。${ORDER}`,
  },
  'clinic.order.near': {
    subject: `即將就診：第 {{ number }} 號，${SUBJECT}`,
    body:
      '{{ patient }}（第 {{ number }} 號）' +
      '{% if ahead > 0 %}前面還有 {{ ahead }} 位患者{% else %}是下一位{% endif %}，請到 {{ clinic }} 候診。' +
      ORDER,
  },
  'clinic.order.called': {
    subject: `請就診：第 {{ number }} 號，${SUBJECT}`,
    body: `請 {{ patient }}（第 {{ number }} 號）到 {{ clinic }} 就診。${ORDER}`,
  },
  'clinic.order.passed': {
    subject: `您已過號：${SUBJECT}`,
    body: `{{ patient }}（第 {{ number }} 號）叫號時未到，已排到其他候診患者之後，請盡快到 {{ clinic }} 候診。${ORDER}`,
  },
  'clinic.order.no_show': {
    subject: `未按時就診：${SUBJECT}`,
    body: `${VISIT}，未按時就診，已記為爽約。多次爽約將暫停掛號。${ORDER}`,
  },
  'clinic.waitlist.promoted': {
    subject: `候補成功：${SUBJECT}`,
    body:
      `${VISIT}，第 {{ number }} 號。` +
      "{% if pay_until != '' %}請在 {{ pay_until }} 前付款 {{ amount }} 元，逾期號源自動釋出。{% endif %}" +
      ORDER,
  },
  'clinic.waitlist.ended': {
    subject: `候補已結束：${SUBJECT}`,
    body: `${VISIT} 的候補已結束。原因：{{ reason }}。${ORDER}`,
  },
  'clinic.audit.requested': {
    subject: `新的${KIND}申請：{{ applicant }}，{{ what }}`,
    body: `{{ department }} {{ applicant }} 提交了${KIND}申請（{{ what }}），請及時審核。`,
  },
  'clinic.audit.approved': {
    subject: `${KIND}申請已通過：{{ what }}`,
    body: `您的${KIND}申請（{{ what }}）已通過審核。${REMARK}`,
  },
  'clinic.audit.rejected': {
    subject: `${KIND}申請被駁回：{{ what }}`,
    body: `您的${KIND}申請（{{ what }}）未通過審核。${REMARK}`,
  },
}
