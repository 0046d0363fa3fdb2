import { type CalendarEvent, icalendar } from '../../../kernel/calendars/icalendar.ts'
import type { Feed } from '../../../kernel/calendars/links.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { BookingStatus } from '../../core/states.ts'
import { PORTAL } from '../../fields.ts'
import * as store from './store.ts'

/** The calendar of a person's bookings. */
export const FEED: Feed = { purpose: 'room calendar feed', path: `${PORTAL}/booking/my/calendar.ics` }

/** Time for which ended or cancelled bookings stay in a calendar. */
const REMEMBERED_MS = 30 * 86_400_000

const STATUS: Readonly<Record<BookingStatus, CalendarEvent['status']>> = {
  '0': 'tentative',
  '1': 'confirmed',
  '2': 'cancelled',
  '3': 'cancelled',
  '4': 'confirmed',
  '5': 'confirmed',
}

/**
 * The bookings that a person applied for or takes part in as an iCalendar (RFC 5545). The bytes are the same as long as
 * nothing changes.
 */
export async function calendarOf(kernel: Kernel, userId: number): Promise<string> {
  const now = kernel.clock.now()
  const since = new Date(now.getTime() - REMEMBERED_MS)
  const bookings = await store.appointmentsOf(kernel.reads, userId, { since, now })
  const events = bookings.map((booking) => ({
    key: `room-booking-${booking.id}`,
    startAt: booking.startTime,
    endAt: booking.endTime,
    summary: booking.status === '0' ? `${booking.purpose}（待审核）` : booking.purpose,
    description: `预约编号：${booking.id}，申请人：${booking.applicantNickName}`,
    location: `${booking.buildingName} ${booking.roomName}`,
    status: STATUS[booking.status],
    createdAt: booking.createTime,
    updatedAt: booking.updateTime ?? booking.createTime,
  }))
  return icalendar(kernel.config, '我的功能房预约', events, now)
}
