import { type CalendarEvent, icalendar } from '../../../kernel/calendars/icalendar.ts'
import type { Feed } from '../../../kernel/calendars/links.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { ReservationStatus } from '../../core/states.ts'
import * as store from './store.ts'

/** Calendar feed of a person's own reservations. */
export const FEED: Feed = { purpose: 'calendar feed', path: '/api/v1/users/me/calendar.ics' }

/** Time for which cancelled reservations stay in a calendar. */
const REMEMBERED_MS = 30 * 86_400_000

const STATUS: Readonly<Record<ReservationStatus, CalendarEvent['status']>> = {
  pending: 'tentative',
  confirmed: 'confirmed',
  checked_in: 'confirmed',
  completed: 'confirmed',
  no_show: 'confirmed',
  rejected: 'cancelled',
  cancelled: 'cancelled',
  displaced: 'cancelled',
}

/** A person's reservations as an iCalendar (RFC 5545); the same bytes as long as nothing changes. */
export async function calendarOf(kernel: Kernel, userId: number): Promise<string> {
  const now = kernel.clock.now()
  const appointments = await store.appointmentsOf(kernel.reads, userId, new Date(now.getTime() - REMEMBERED_MS))
  const events = appointments.map(({ id, venueName, partySize, status, ...times }) => ({
    ...times,
    key: `reservation-${id}`,
    summary: status === 'pending' ? `${venueName}（待审核）` : venueName,
    description: `预约编号：${id}，人数：${partySize}`,
    status: STATUS[status],
  }))
  return icalendar(kernel.config, '我的场馆预约', events, now)
}
