import type { ClinicTexts } from './types.ts'

/** Patient, place and session. */
const VISIT =
  '{{ patient }}：{{ date }} {{ section }}（{{ hours }}）{{ hospital }} {{ department }} {{ doctor }} {{ slot_type }}号'
const ORDER = '\n\n订单编号：{{ order_id }}'
const SUBJECT = '{{ date }} {{ section }} {{ department }} {{ doctor }}'
const REMARK = "{% if remark != '' %}审核意见：{{ remark }}。{% endif %}"

/** The texts in simplified Chinese. */
export const zhCN: ClinicTexts = {
  'clinic.order.pending': {
    subject: `挂号成功，请支付：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号。请在 {{ pay_until }} 前支付 {{ amount }} 元，逾期号源自动释放。${ORDER}`,
  },
  'clinic.order.confirmed': {
    subject: `挂号成功：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号。请按时就诊；如不能前往，请提前退号。${ORDER}`,
  },
  'clinic.order.paid': {
    subject: `挂号已支付：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号，预计 {{ time }} 就诊。已支付 {{ amount }} 元。${ORDER}`,
  },
  'clinic.order.payment_returned': {
    subject: `支付已退回：${SUBJECT}`,
    body: `${VISIT} 的挂号已失效，收到的 {{ amount }} 元已原路退回。如仍需就诊，请重新挂号。${ORDER}`,
  },
  'clinic.order.refunded': {
    subject: `已退款 {{ refund }} 元：${SUBJECT}`,
    body: `${VISIT}：已退款 {{ refund }} 元。{% if reason != '' %}原因：{{ reason }}。{% endif %}${ORDER}`,
  },
  'clinic.order.cancelled': {
    subject: `挂号已取消：${SUBJECT}`,
    body: `${VISIT} 的挂号已取消，退款 {{ refund }} 元。{% if reason != '' %}原因：{{ reason }}。{% endif %}${ORDER}`,
  },
  'clinic.order.timeout': {
    subject: `挂号已失效：${SUBJECT}`,
    body: `${VISIT} 的挂号超时未支付，号源已释放。如仍需就诊，请重新挂号。${ORDER}`,
  },
  'clinic.order.rescheduled': {
    subject: `挂号已改期：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号，预计 {{ time }} 就诊。原为 {{ before }}。${ORDER}`,
  },
  'clinic.order.stopped': {
    subject: `停诊通知：${SUBJECT}`,
    body:
      `很抱歉，${VISIT} 已停诊（{{ reason }}），挂号已取消，退款 {{ refund }} 元。` +
      '{% if alternatives.size > 0 %}\n\n可改约：{% for other in alternatives %}\n- {{ other }}{% endfor %}{% endif %}' +
      ORDER,
  },
  'clinic.order.reminder_evening': {
    subject: `明日就诊提醒：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号，预计 {{ time }} 就诊。请提前到达并签到；如不能前往，请尽快退号。${ORDER}`,
  },
  'clinic.order.reminder_day': {
    subject: `今日就诊提醒：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号，预计 {{ time }} 就诊。请按时到 {{ clinic }} 签到候诊。${ORDER}`,
  },
  'clinic.order.reminder': {
    subject: `就诊提醒：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号，预计 {{ time }} 就诊。请提前到达并签到；如不能前往，请尽快退号。${ORDER}`,
  },
  'clinic.order.near': {
    subject: `即将就诊：第 {{ number }} 号，${SUBJECT}`,
    body:
      '{{ patient }}（第 {{ number }} 号）' +
      '{% if ahead > 0 %}前面还有 {{ ahead }} 位患者{% else %}是下一位{% endif %}，请到 {{ clinic }} 候诊。' +
      ORDER,
  },
  'clinic.order.called': {
    subject: `请就诊：第 {{ number }} 号，${SUBJECT}`,
    body: `请 {{ patient }}（第 {{ number }} 号）到 {{ clinic }} 就诊。${ORDER}`,
  },
  'clinic.order.passed': {
    subject: `您已过号：${SUBJECT}`,
    body: `{{ patient }}（第 {{ number }} 号）叫号时未到，已排到其他候诊患者之后，请尽快到 {{ clinic }} 候诊。${ORDER}`,
  },
  'clinic.order.no_show': {
    subject: `未按时就诊：${SUBJECT}`,
    body: `${VISIT}，未按时就诊，已记为爽约。多次爽约将暂停挂号。${ORDER}`,
  },
  'clinic.waitlist.promoted': {
    subject: `候补成功：${SUBJECT}`,
    body:
      `${VISIT}，第 {{ number }} 号。` +
      "{% if pay_until != '' %}请在 {{ pay_until }} 前支付 {{ amount }} 元，逾期号源自动释放。{% endif %}" +
      ORDER,
  },
  'clinic.waitlist.ended': {
    subject: `候补已结束：${SUBJECT}`,
    body: `${VISIT} 的候补已结束。原因：{{ reason }}。${ORDER}`,
  },
  'clinic.audit.requested': {
    subject: '新的{{ kind }}申请：{{ applicant }}，{{ what }}',
    body: '{{ department }} {{ applicant }} 提交了{{ kind }}申请（{{ what }}），请及时审核。',
  },
  'clinic.audit.approved': {
    subject: '{{ kind }}申请已通过：{{ what }}',
    body: `您的{{ kind }}申请（{{ what }}）已通过审核。${REMARK}`,
  },
  'clinic.audit.rejected': {
    subject: '{{ kind }}申请被驳回：{{ what }}',
    body: `您的{{ kind }}申请（{{ what }}）未通过审核。${REMARK}`,
  },
}
