import { minutesAfter } from '../../../booking/interval.ts'
import { type CalendarEvent, icalendar } from '../../../kernel/calendars/icalendar.ts'
import type { Feed } from '../../../kernel/calendars/links.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localDate } from '../../../kernel/time.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import type { ScheduleRules } from '../../core/configuration/types.ts'
import { orderNumber } from '../../core/orderNumber.ts'
import type { Order } from '../../core/ordersStore.ts'
import { estimatedAt, queueNumber, sessionOf } from '../../core/sections/rules.ts'
import type { OrderStatus } from '../../core/states.ts'
import * as store from './store.ts'

/** The calendar of a person's orders. */
export const FEED: Feed = { purpose: 'clinic calendar feed', path: '/patient/appointments/calendar.ics' }

/** Time for which past or cancelled orders stay in a calendar. */
const REMEMBERED_MS = 30 * 86_400_000

const STATUS: Readonly<Record<OrderStatus, CalendarEvent['status']>> = {
  waitlist: 'tentative',
  pending: 'tentative',
  confirmed: 'confirmed',
  completed: 'confirmed',
  no_show: 'confirmed',
  cancelled: 'cancelled',
  timeout: 'cancelled',
}

/**
 * The orders of a person's own patient record, and those they made for others, as an iCalendar (RFC 5545). The bytes are
 * the same as long as nothing changes.
 */
export async function calendarOf(kernel: Kernel, userId: number): Promise<string> {
  const now = kernel.clock.now()
  const zone = kernel.config.timeZone
  const since = new Date(now.getTime() - REMEMBERED_MS)
  const orders = await store.appointmentsOf(kernel.reads, userId, { since, from: localDate(since, zone) })
  const { schedule: rules } = await readConfiguration(kernel.reads)
  return icalendar(
    kernel.config,
    '我的挂号',
    orders.map((order) => eventOf(order, rules, zone)),
    now,
  )
}

/** An order takes place at its estimated time; a cancelled one has no number any more, so it is at the session's start. */
function eventOf(order: Order, rules: ScheduleRules, zone: string): CalendarEvent {
  const startAt = estimatedAt(rules, sessionOf(rules, order, zone).startAt, order.queueNo ?? 1)
  const number = order.queueNo === null ? [] : [`就诊序号：${queueNumber(order.queueNo)}`]
  return {
    key: `clinic-order-${order.orderId}`,
    startAt,
    endAt: minutesAfter(startAt, rules.consultationDuration),
    summary: `${order.deptName} ${order.doctorName}${order.status === 'pending' ? '（待支付）' : ''}`,
    description: [`就诊人：${order.patientName}`, ...number, `订单号：${orderNumber(order, zone)}`].join('，'),
    location: [order.areaName, order.clinicName, order.clinicAddress].filter((part) => part).join(' '),
    status: STATUS[order.status],
    createdAt: order.createTime,
    updatedAt: order.updateTime,
  }
}
