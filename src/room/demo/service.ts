import { minutesAfter } from '../../booking/interval.ts'
import { ManualClock } from '../../kernel/clock.ts'
import { demoLogins, enterDemo, perhaps, playOnce } from '../../kernel/demo.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { DemoLogin } from '../../kernel/product.ts'
import { addDays, instantAt, localDate } from '../../kernel/time.ts'
import { createBooking } from '../core/booking.ts'
import { settleBookings } from '../core/settling.ts'
import { APPROVED, REJECTED } from '../core/states.ts'
import { limitApprover } from '../people/approvers/service.ts'
import { ban } from '../people/bans/service.ts'
import { noteNoShow } from '../people/noShows/service.ts'
import { closeFor } from '../places/closures/service.ts'
import { decide, decideAll } from '../visits/approval/service.ts'
import { cancelBooking, endEarly, forceCancel } from '../visits/bookings/service.ts'
import { bookSeries } from '../visits/recurring/service.ts'
import { CAST, STUDENTS } from './people.ts'
import { buildPlaces, type DemoPlaces } from './places.ts'

/** Tools for playing the demo: the program with a clock that is set to the time of each scene. */
interface Stage {
  readonly kernel: Kernel
  readonly clock: ManualClock
  readonly admin: Caller
  readonly worker: Caller
  readonly student: Caller
  readonly places: DemoPlaces
  /** One of the students; the index wraps around. */
  person(index: number): Caller
  /** An instant at local time; `day` counts from today. */
  when(day: number, time: string): Date
  /** Sets the clock to that instant. */
  go(day: number, time: string): void
  /** Books a room for a person and some of the next students; returns the booking's id. */
  book(by: Caller, roomId: number, purpose: string, day: number, from: string, to: string): Promise<number>
}

/**
 * Fills a database by playing two weeks of a campus with the program's own use cases. If it is filled already, only
 * returns the log-ins.
 * @throws Error if there are people from elsewhere, because the passwords are public.
 */
export async function fillDemo(kernel: Kernel): Promise<readonly DemoLogin[]> {
  await playOnce(kernel, 'room', async () => {
    const stage = await setStage(kernel)
    await playPast(stage)
    await playAhead(stage)
    await playNow(stage, kernel.clock.now())
  })
  return demoLogins(CAST)
}

async function setStage(real: Kernel): Promise<Stage> {
  const zone = real.config.timeZone
  const today = localDate(real.clock.now(), zone)
  const when = (day: number, time: string) => instantAt(addDays(today, day), time, zone)
  const clock = new ManualClock(when(-9, '09:00'))
  const kernel: Kernel = { ...real, clock, nudge: () => {} }
  const people: Caller[] = []
  for (const person of [...CAST, ...STUDENTS]) people.push(await enterDemo(kernel, person))
  const [, admin, worker, student, ...students] = people
  if (!admin || !worker || !student) throw new Error('the cast is incomplete')
  const places = await buildPlaces(kernel, admin)
  await limitApprover(kernel, admin, worker.userId, [places.library])
  const person = (index: number): Caller => students[index % students.length] ?? student
  return {
    kernel,
    clock,
    admin,
    worker,
    student,
    places,
    person,
    when,
    go: (day, time) => clock.set(when(day, time)),
    async book(by, roomId, purpose, day, from, to) {
      const first = people.indexOf(by)
      const userIds = [1, 2, 3].map((next) => person(first + next).userId)
      const { id } = await createBooking(kernel, by, {
        roomId,
        purpose,
        start: when(day, from),
        end: when(day, to),
        userIds,
      })
      return id
    },
  }
}

const PURPOSES = ['课程小组讨论', '学生会例会', '毕业设计答辩预演', '乐队排练', '读书会', '辩论赛训练', '英语角']
const HOURS = [
  ['09:00', '11:00'],
  ['14:00', '16:00'],
  ['19:00', '21:00'],
] as const

/**
 * Eight days of use: most bookings were approved and took place, some ended early; a few were rejected, cancelled or
 * never decided about.
 */
async function playPast({ kernel, admin, student, places, person, go, book }: Stage): Promise<void> {
  const { small, dance } = places
  for (let day = -8; day < 0; day += 1) {
    go(day - 1, '20:00')
    const approved = []
    for (let index = 0; index < 6; index += 1) {
      const [from, to] = HOURS[index % HOURS.length] ?? HOURS[0]
      const by = index === 0 ? student : person(day + 8 + index * 2)
      const purpose = PURPOSES[(day + 8 + index) % PURPOSES.length] ?? ''
      const id = await book(by, small[(day + 8 + index) % small.length] ?? 0, purpose, day, from, to)
      if (index === 4) await perhaps(decide(kernel, admin, id, { to: REJECTED, reason: '该时段安排了校级活动' }))
      else if (index === 5 && day % 2 === 0) await cancelBooking(kernel, by, 'portal', id)
      else if (index !== 3 || day !== -3) {
        await decide(kernel, admin, id, { to: APPROVED })
        approved.push({ by, id, index })
      }
    }
    // A person who does not come, three times by now: a ban is proposed.
    const missed = day < -1 && day >= -4 ? await book(person(9), dance, '街舞练习', day, '16:30', '17:30') : null
    if (missed !== null) await decide(kernel, admin, missed, { to: APPROVED })
    go(day, '10:20')
    await settleBookings(kernel)
    for (const { by, id, index } of approved) if (index === 0) await endEarly(kernel, by, 'portal', id, null)
    go(day, '17:45')
    await settleBookings(kernel)
    if (missed !== null) await noteNoShow(kernel, admin, missed)
    go(day, '21:30')
    await settleBookings(kernel)
  }
}

/** The days ahead: a booking in every state, a series, a closure and a ban. */
async function playAhead(stage: Stage): Promise<void> {
  const { kernel, admin, worker, student, places, person, when, go, book } = stage
  const { small, hall, club, dance } = places
  const [seminar = 0, other = 0, meeting = 0] = small
  go(-1, '21:40')
  // A weekly series, whose first week is approved.
  const series = await bookSeries(kernel, student, {
    first: {
      roomId: club,
      purpose: '摄影社例会',
      start: when(2, '19:00'),
      end: when(2, '21:00'),
      userIds: [1, 2, 3, 4].map((index) => person(index).userId),
    },
    weeks: 4,
    until: null,
    mode: 'all',
  })
  await decideAll(kernel, admin, [series.booked[0]?.id ?? 0], { to: APPROVED })
  // Decided by the student worker, for their own building.
  await decide(kernel, worker, await book(student, seminar, '数学建模集训', 1, '14:00', '17:00'), { to: APPROVED })
  const wrong = await book(person(2), meeting, '生日聚会', 1, '18:00', '21:00')
  await decide(kernel, worker, wrong, { to: REJECTED, reason: '会议室不外借用于聚会' })
  // Pending: two for the student worker, two for the administrators.
  await book(person(0), seminar, '英语四级复习', 2, '09:00', '11:30')
  await book(student, other, '创新项目讨论', 3, '14:00', '16:00')
  await book(person(6), hall, '迎新晚会彩排', 4, '18:00', '21:30')
  await book(person(4), dance, '健美操队训练', 2, '16:00', '18:00')
  // Cancelled: by the applicant and by staff.
  await cancelBooking(kernel, student, 'portal', await book(student, meeting, '班会', 4, '19:00', '20:30'))
  await forceCancel(kernel, admin, await book(person(7), hall, '电影放映', 5, '19:00', '21:30'), '放映版权未获许可')
  // A closure next week that ends a booking.
  await decide(kernel, worker, await book(person(3), other, '读书会', 7, '10:00', '12:00'), { to: APPROVED })
  await closeFor(
    kernel,
    admin,
    { roomId: other },
    { start: when(7, '08:00'), end: when(7, '18:00'), reason: '空调检修' },
  )
  // A ban that also cancels future bookings.
  await book(person(11), dance, '街舞练习', 6, '19:00', '21:00')
  await ban(kernel, admin, {
    userId: person(11).userId,
    username: null,
    reason: '多次损坏器材',
    expireTime: when(21, '00:00'),
    cancelFuture: true,
  })
}

/** A booking that is ongoing now. Then the clock is set to the real time. */
async function playNow({ kernel, clock, admin, person, places }: Stage, now: Date): Promise<void> {
  const grid = 5 * 60_000
  const start = new Date(Math.floor(minutesAfter(now, -60).getTime() / grid) * grid)
  clock.set(minutesAfter(start, -10))
  const { id } = await createBooking(kernel, person(5), {
    roomId: places.night,
    purpose: '考研自习',
    start,
    end: minutesAfter(start, 240),
    userIds: [6, 7].map((index) => person(index).userId),
  })
  await decide(kernel, admin, id, { to: APPROVED })
  clock.set(now)
  await settleBookings(kernel)
}
