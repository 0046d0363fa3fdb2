import ical, { ICalCalendarMethod, ICalEventStatus } from 'ical-generator'
import { Temporal } from 'temporal-polyfill'
import { by, type Caller } from '../../kernel/http/caller.ts'
import { NotFound } from '../../kernel/http/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/notifications/outbox.ts'
import { createSigner } from '../../kernel/secrets/signature.ts'
import type { ReservationStatus } from '../reservations/states.ts'
import * as store from './store.ts'
import { vtimezone } from './timeZone.ts'

const PURPOSE = 'calendar feed'
/** How long what was called off stays in a calendar, crossed out. */
const REMEMBERED_MS = 30 * 86_400_000

const noSuchCalendar = () => new NotFound('not_found', 'There is no such calendar.')

/** The link under which somebody's calendar can be subscribed to without signing in. @throws NotFound */
export async function calendarLink(kernel: Kernel, userId: number): Promise<string> {
  const generation = await store.linkGeneration(kernel.db, userId)
  if (generation === null) throw noSuchCalendar()
  return linkOf(kernel, userId, generation)
}

/** A new link; those of before open nothing any more. */
export async function resetCalendarLink(kernel: Kernel, caller: Caller): Promise<string> {
  const now = kernel.clock.now()
  const generation = await kernel.transaction(async (tx) => {
    const next = await store.resetLink(tx, caller.userId, now)
    await record(tx, now, {
      ...by(caller),
      action: 'calendar_link.reset',
      resource: 'user',
      resourceId: caller.userId,
    })
    return next
  })
  kernel.nudge()
  return linkOf(kernel, caller.userId, generation)
}

function linkOf({ config }: Pick<Kernel, 'config'>, userId: number, generation: number): string {
  const token = createSigner(config.secretKey).sign(`${userId}.${generation}`, PURPOSE)
  return `${config.publicUrl}/api/v1/users/me/calendar.ics?token=${token}`
}

/** Whose calendar a link opens. @throws NotFound when it was not made by us, was reset, or its owner's account is not in use any more. */
export async function ownerOf(kernel: Kernel, token: string): Promise<number> {
  const [user, generation] = (createSigner(kernel.config.secretKey).verify(token, PURPOSE) ?? '').split('.').map(Number)
  if (user === undefined || generation === undefined) throw noSuchCalendar()
  if ((await store.linkGeneration(kernel.reads, user)) !== generation) throw noSuchCalendar()
  return user
}

const STATUS: Readonly<Record<ReservationStatus, ICalEventStatus>> = {
  pending: ICalEventStatus.TENTATIVE,
  confirmed: ICalEventStatus.CONFIRMED,
  checked_in: ICalEventStatus.CONFIRMED,
  completed: ICalEventStatus.CONFIRMED,
  no_show: ICalEventStatus.CONFIRMED,
  rejected: ICalEventStatus.CANCELLED,
  cancelled: ICalEventStatus.CANCELLED,
  displaced: ICalEventStatus.CANCELLED,
}

/** Somebody's reservations as an iCalendar (RFC 5545), the same bytes as long as nothing changes. */
export async function calendarOf(kernel: Kernel, userId: number): Promise<string> {
  const { timeZone, publicUrl } = kernel.config
  const now = kernel.clock.now()
  const appointments = await store.appointmentsOf(kernel.reads, userId, new Date(now.getTime() - REMEMBERED_MS))
  // Without a zone of its own: with one, the library writes DTSTAMP as local time, which must be UTC.
  const calendar = ical({
    name: '我的场馆预约',
    prodId: { company: 'Yuyue', product: 'Reservations', language: 'ZH' },
    method: ICalCalendarMethod.PUBLISH,
    timezone: { name: null, generator: (zone) => vtimezone(zone, now) },
    ttl: 15 * 60,
  })
  const local = (instant: Date) =>
    Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(timeZone)
  for (const one of appointments) {
    calendar.createEvent({
      id: `reservation-${one.id}@${new URL(publicUrl).hostname}`,
      start: local(one.startAt),
      end: local(one.endAt),
      timezone: timeZone,
      summary: one.status === 'pending' ? `${one.venueName}（待审核）` : one.venueName,
      description: `预约编号：${one.id}，人数：${one.partySize}`,
      location: one.location,
      status: STATUS[one.status],
      // Grows with every change, as calendars expect.
      sequence: Math.max(0, Math.floor((one.updatedAt.getTime() - one.createdAt.getTime()) / 1000)),
      stamp: one.updatedAt,
      created: one.createdAt,
      lastModified: one.updatedAt,
    })
  }
  return calendar.toString()
}
