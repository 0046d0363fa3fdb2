import type { NotificationType } from '../../kernel/notifications/texts/types.ts'
import { isStill } from './noticesStore.ts'
import { inAllLanguages } from './texts/inAllLanguages.ts'

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

const ordinary = {
  category: 'reservation',
  urgent: false,
  channels: ['websocket', 'email'],
} as const

/** Messages that a patient must get in time: they also go by SMS. */
const important = { ...ordinary, urgent: true, channels: ['websocket', 'email', 'sms'] } as const

/** Messages for people in the hall, which are of no use later. */
const immediate = { ...ordinary, channels: ['websocket'], goodForHours: 1 } as const

type Condition = NonNullable<NotificationType['stillTrue']>
const ifPending: Condition = (db, data) => isStill(db, data, ['pending'])
const ifAhead: Condition = (db, data) => isStill(db, data, ['confirmed'])
const ifWaiting: Condition = (db, data) => isStill(db, data, ['confirmed'], false)
const ifCalled: Condition = (db, data) => isStill(db, data, ['confirmed'], true)
const ifRegistered: Condition = (db, data) => isStill(db, data, ['pending', 'confirmed'])

/** Messages about orders. */
export const orderNotificationTypes: readonly NotificationType[] = [
  {
    ...ordinary,
    key: 'clinic.order.pending',
    title: '挂号待支付',
    stillTrue: ifPending,
    sample: { ...numbered, pay_until: '2026-03-10 08:15:00' },
  },
  {
    ...ordinary,
    key: 'clinic.order.confirmed',
    title: '挂号成功',
    stillTrue: ifAhead,
    sample: { ...numbered, pay_until: '' },
  },
  { ...ordinary, key: 'clinic.order.paid', title: '挂号已支付', sample: numbered },
  { ...ordinary, key: 'clinic.order.payment_returned', title: '支付已退回', sample: order },
  {
    ...ordinary,
    key: 'clinic.order.refunded',
    title: '退款通知',
    sample: { ...order, reason: '检查未做', refund: '20.00' },
  },
  {
    ...ordinary,
    key: 'clinic.order.cancelled',
    title: '挂号已取消',
    sample: { ...numbered, reason: '患者取消', refund: '50.00' },
  },
  {
    ...ordinary,
    key: 'clinic.order.timeout',
    title: '挂号超时未支付',
    sample: { ...numbered, reason: '超时未支付', refund: '0.00' },
  },
  {
    ...ordinary,
    key: 'clinic.order.rescheduled',
    title: '挂号已改期',
    stillTrue: ifRegistered,
    sample: { ...numbered, before: '2026-03-13 上午' },
  },
  {
    ...important,
    key: 'clinic.order.stopped',
    title: '停诊通知',
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
    stillTrue: ifRegistered,
    sample: { ...numbered, pay_until: '2026-03-10 08:15:00' },
  },
  {
    ...ordinary,
    key: 'clinic.waitlist.ended',
    title: '候补已结束',
    sample: { ...order, reason: '同一科室 7 天内只能挂一次号', refund: '0.00' },
  },
  {
    ...ordinary,
    key: 'clinic.order.reminder_evening',
    title: '明日就诊提醒',
    goodForHours: 8,
    stillTrue: ifAhead,
    sample: numbered,
  },
  {
    ...ordinary,
    key: 'clinic.order.reminder_day',
    title: '今日就诊提醒',
    goodForHours: 2,
    stillTrue: ifWaiting,
    sample: numbered,
  },
  { ...ordinary, key: 'clinic.order.reminder', title: '就诊提醒', stillTrue: ifAhead, sample: numbered },
  {
    ...immediate,
    key: 'clinic.order.near',
    title: '即将就诊',
    stillTrue: ifWaiting,
    sample: { ...numbered, ahead: 2 },
  },
  { ...immediate, key: 'clinic.order.called', title: '叫号', stillTrue: ifCalled, sample: numbered },
  { ...ordinary, key: 'clinic.order.passed', title: '过号', stillTrue: ifWaiting, sample: numbered },
  { ...ordinary, key: 'clinic.order.no_show', title: '爽约', sample: numbered },
].map(inAllLanguages)
