import { ManualClock } from '../../kernel/clock.ts'
import { demoLogins, enterDemo, perhaps, playOnce } from '../../kernel/demo.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { DemoLogin } from '../../kernel/product.ts'
import { addDays, instantAt, localDate } from '../../kernel/time.ts'
import { playSupport } from '../../support/demo.ts'
import { grantAllowance } from '../people/members/service.ts'
import { rateReservation } from '../people/ratings/service.ts'
import { planMaintenance } from '../places/maintenance/service.ts'
import { decide } from '../visits/approval/service.ts'
import { checkIn, checkOut, settleAttendance } from '../visits/attendance/service.ts'
import { book, cancel } from '../visits/reservations/service.ts'
import { join } from '../visits/waitingList/service.ts'
import { CAST, COLLEAGUES } from './people.ts'
import { buildPlaces, type DemoPlaces } from './places.ts'
import * as store from './store.ts'

/** The program with a clock that each scene sets to its own time, and the people and places of the demo. */
interface Stage {
  readonly kernel: Kernel
  readonly clock: ManualClock
  readonly admin: Caller
  readonly leader: Caller
  readonly employee: Caller
  readonly colleagues: readonly Caller[]
  readonly places: DemoPlaces
  /** Sets the clock: days from today, local time. */
  go(day: number, time: string): void
  /** Id of the slot of a venue that starts at that time. */
  slot(venueId: number, day: number, time: string): Promise<number>
}

/**
 * Fills an empty database by playing three weeks of use with the program's own use cases, so that every counter, ledger
 * and message is as real use would have left it. If run again, it only returns the log-ins.
 * @throws Error when there are people already: the passwords are public.
 */
export async function fillDemo(kernel: Kernel): Promise<readonly DemoLogin[]> {
  await playOnce(kernel, 'venue', async () => {
    const stage = await setStage(kernel)
    await playPast(stage)
    await playPresent(stage)
    await playSupport(stage.kernel, stage.admin, stage.employee, stage.places.badminton)
  })
  return demoLogins(CAST)
}

async function setStage(real: Kernel): Promise<Stage> {
  const zone = real.config.timeZone
  const today = localDate(real.clock.now(), zone)
  const when = (day: number, time: string) => instantAt(addDays(today, day), time, zone)
  const clock = new ManualClock(when(-8, '09:00'))
  const kernel: Kernel = { ...real, clock, nudge: () => {} }
  const people = []
  for (const person of [...CAST, ...COLLEAGUES]) people.push(await enterDemo(kernel, person))
  const [admin, , leader, employee, , , ...colleagues] = people
  if (!admin || !leader || !employee) throw new Error('the cast is incomplete')
  const places = await buildPlaces(kernel, admin)
  await grantAllowance(kernel, admin, { points: 100, reason: 'grant', to: 'all_employees', note: '年度积分' })
  return {
    kernel,
    clock,
    admin,
    leader,
    employee,
    colleagues,
    places,
    go: (day, time) => clock.set(when(day, time)),
    async slot(venueId, day, time) {
      const id = await store.slotAt(kernel.db, venueId, when(day, time))
      if (id === null) throw new Error(`the demo has no slot at ${addDays(today, day)} ${time}`)
      return id
    },
  }
}

const evenings = ['18:00', '19:00', '20:00']
const comments = ['场地很好', '灯光有点暗', '下次还来', '', '人不多，很舒服']

/** Plays a week of visits: most people came and rated, some left early, a few did not come. */
async function playPast({ kernel, colleagues, places, employee, go, slot }: Stage): Promise<void> {
  for (let day = -7; day < 0; day += 1) {
    go(day - 1, '20:00')
    const visits = []
    for (const [index, person] of [employee, ...colleagues].entries()) {
      if ((index + day + 70) % 3 !== 0) continue
      const time = evenings[index % evenings.length] ?? '18:00'
      const reservation = await perhaps(
        book(kernel, person, { slotId: await slot(places.badminton, day, time), partySize: 1 }),
      )
      if (reservation) visits.push({ person, reservation, time, index })
    }
    for (const time of evenings) {
      go(day, time)
      for (const { person, reservation } of visits.filter((visit) => visit.time === time && visit.index % 7 !== 5)) {
        await checkIn(kernel, person, reservation.id)
      }
    }
    go(day, '20:55')
    for (const { person, reservation, index } of visits.filter(
      (visit) => visit.time === '20:00' && visit.index % 7 !== 5,
    )) {
      await checkOut(kernel, person, reservation.id)
      const comment = comments[index % comments.length]
      const score = ([5, 4, 5, 3, 4] as const)[index % 5] ?? 5
      await rateReservation(kernel, person, reservation.id, { score, ...(comment && { comment }) })
    }
    go(day, '22:30')
    await settleAttendance(kernel)
  }
}

/** Plays today and the coming days: reservations in every state that an upcoming one can have. */
async function playPresent(stage: Stage): Promise<void> {
  const { kernel, colleagues, places, admin, leader, employee, go, slot } = stage
  const person = (index: number): Caller => colleagues[index % colleagues.length] ?? employee
  go(-1, '21:30')
  // A full evening with people waiting, and a leader who needs a place.
  const full = await slot(places.badminton, 2, '19:00')
  for (let index = 0; index < 4; index += 1) await book(kernel, person(index), { slotId: full, partySize: 1 })
  for (let index = 4; index < 7; index += 1) await join(kernel, person(index), { slotId: full })
  await book(kernel, leader, { slotId: full, partySize: 1 })
  // Approvals: one given, one refused, one open.
  const halls = await Promise.all(['07:00', '10:00', '13:00'].map((time) => slot(places.hall, 3, time)))
  for (const [index, slotId] of halls.entries()) {
    const { id } = await book(kernel, person(8 + index), { slotId, partySize: 1 })
    if (index === 0) await decide(kernel, admin, id, { status: 'confirmed' })
    if (index === 1) await decide(kernel, admin, id, { status: 'rejected', reason: '该时段有公司活动' })
  }
  // Ordinary bookings, one of them cancelled, one for points.
  await book(kernel, employee, { slotId: await slot(places.pool, 1, '07:00'), partySize: 1 })
  await book(kernel, employee, { slotId: await slot(places.tennis, 4, '18:00'), partySize: 2 })
  const { id } = await book(kernel, employee, { slotId: await slot(places.gym, 2, '07:00'), partySize: 1 })
  await cancel(kernel, employee, id, '临时出差')
  for (let index = 0; index < 12; index += 1) {
    await perhaps(
      book(kernel, person(index), { slotId: await slot(places.pool, 1 + (index % 5), '19:00'), partySize: 1 }),
    )
  }
  // Maintenance next week: people who had booked are notified, with other times to choose from.
  for (let index = 11; index < 14; index += 1) {
    await book(kernel, person(index), { slotId: await slot(places.gym, 7, '07:00'), partySize: 1 })
  }
  const zone = kernel.config.timeZone
  const day = addDays(localDate(kernel.clock.now(), zone), 8)
  await planMaintenance(
    kernel,
    admin,
    { venueId: places.gym },
    {
      start: instantAt(day, '07:00', zone),
      end: instantAt(day, '12:00', zone),
      reason: '器械检修',
    },
  )
}
