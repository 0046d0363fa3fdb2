import type { NotificationType } from '../../kernel/notifications/texts/types.ts'

/** Sample of the data of every message about an order (see messages.ts). */
const order = {
  hospital: '主校区',
  department: '心内科',
  clinic: '心内科普通门诊',
  doctor: '张三',
  patient: '李同学',
  date: '2026-03-14',
  section: '上午',
  hours: '08:00–12:00',
  slot_type: '普通',
  amount: '50.00',
  order_id: 1001,
}
const numbered = { ...order, number: 3, time: '08:40' }

/** Patient, place and session in every text. */
const VISIT =
  '{{ patient }}：{{ date }} {{ section }}（{{ hours }}）{{ hospital }} {{ department }} {{ doctor }} {{ slot_type }}号'
const ORDER = '\n\n订单编号：{{ order_id }}'
const SUBJECT = '{{ date }} {{ section }} {{ department }} {{ doctor }}'

const ordinary = {
  category: 'reservation',
  urgent: false,
  channels: ['websocket', 'email'],
} as const

/** Messages that a patient must get in time: they also go by SMS. */
const important = { ...ordinary, urgent: true, channels: ['websocket', 'email', 'sms'] } as const

/** Messages about orders. */
export const orderNotificationTypes: readonly NotificationType[] = [
  {
    ...ordinary,
    key: 'clinic.order.pending',
    title: '挂号待支付',
    subject: `挂号成功，请支付：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号。请在 {{ pay_until }} 前支付 {{ amount }} 元，逾期号源自动释放。${ORDER}`,
    sample: { ...numbered, pay_until: '2026-03-10 08:15:00' },
  },
  {
    ...ordinary,
    key: 'clinic.order.confirmed',
    title: '挂号成功',
    subject: `挂号成功：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号。请按时就诊；如不能前往，请提前退号。${ORDER}`,
    sample: { ...numbered, pay_until: '' },
  },
  {
    ...ordinary,
    key: 'clinic.order.paid',
    title: '挂号已支付',
    subject: `挂号已支付：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号，预计 {{ time }} 就诊。已支付 {{ amount }} 元。${ORDER}`,
    sample: numbered,
  },
  {
    ...ordinary,
    key: 'clinic.order.payment_returned',
    title: '支付已退回',
    subject: `支付已退回：${SUBJECT}`,
    body: `${VISIT} 的挂号已失效，收到的 {{ amount }} 元已原路退回。如仍需就诊，请重新挂号。${ORDER}`,
    sample: order,
  },
  {
    ...ordinary,
    key: 'clinic.order.cancelled',
    title: '挂号已取消',
    subject: `挂号已取消：${SUBJECT}`,
    body: `${VISIT} 的挂号已取消，退款 {{ refund }} 元。{% if reason != '' %}原因：{{ reason }}。{% endif %}${ORDER}`,
    sample: { ...numbered, reason: '患者取消', refund: '50.00' },
  },
  {
    ...ordinary,
    key: 'clinic.order.timeout',
    title: '挂号超时未支付',
    subject: `挂号已失效：${SUBJECT}`,
    body: `${VISIT} 的挂号超时未支付，号源已释放。如仍需就诊，请重新挂号。${ORDER}`,
    sample: { ...numbered, reason: '超时未支付', refund: '0.00' },
  },
  {
    ...ordinary,
    key: 'clinic.order.rescheduled',
    title: '挂号已改期',
    subject: `挂号已改期：${SUBJECT}`,
    body: `${VISIT}，第 {{ number }} 号，预计 {{ time }} 就诊。原为 {{ before }}。${ORDER}`,
    sample: { ...numbered, before: '2026-03-13 上午' },
  },
  {
    ...important,
    key: 'clinic.order.stopped',
    title: '停诊通知',
    subject: `停诊通知：${SUBJECT}`,
    body:
      `很抱歉，${VISIT} 已停诊（{{ reason }}），挂号已取消，退款 {{ refund }} 元。` +
      '{% if alternatives.size > 0 %}\n\n可改约：{% for other in alternatives %}\n- {{ other }}{% endfor %}{% endif %}' +
      ORDER,
    sample: {
      ...numbered,
      reason: '医生停诊',
      refund: '50.00',
      alternatives: ['2026-03-16 上午 张三（心内科普通门诊，余 3 号）'],
    },
  },
  {
    ...important,
    key: 'clinic.waitlist.promoted',
    title: '候补成功',
    subject: `候补成功：${SUBJECT}`,
    body:
      `${VISIT}，第 {{ number }} 号。` +
      "{% if pay_until != '' %}请在 {{ pay_until }} 前支付 {{ amount }} 元，逾期号源自动释放。{% endif %}" +
      ORDER,
    sample: { ...numbered, pay_until: '2026-03-10 08:15:00' },
  },
  {
    ...ordinary,
    key: 'clinic.waitlist.ended',
    title: '候补已结束',
    subject: `候补已结束：${SUBJECT}`,
    body: `${VISIT} 的候补已结束。原因：{{ reason }}。${ORDER}`,
    sample: { ...order, reason: '同一科室 7 天内只能挂一次号', refund: '0.00' },
  },
  {
    ...ordinary,
    channels: ['websocket'],
    key: 'clinic.order.called',
    title: '叫号',
    subject: `请就诊：第 {{ number }} 号，${SUBJECT}`,
    body: `请 {{ patient }}（第 {{ number }} 号）到 {{ clinic }} 就诊。${ORDER}`,
    sample: numbered,
  },
  {
    ...ordinary,
    key: 'clinic.order.passed',
    title: '过号',
    subject: `您已过号：${SUBJECT}`,
    body: `{{ patient }}（第 {{ number }} 号）叫号时未到，已排到其他候诊患者之后，请尽快到 {{ clinic }} 候诊。${ORDER}`,
    sample: numbered,
  },
  {
    ...ordinary,
    key: 'clinic.order.no_show',
    title: '爽约',
    subject: `未按时就诊：${SUBJECT}`,
    body: `${VISIT}，未按时就诊，已记为爽约。多次爽约将暂停挂号。${ORDER}`,
    sample: numbered,
  },
]
