import { sql } from 'kysely'
import { at, building, room, storedBooking } from '../support/room.ts'
import type { Person, World } from '../support/world.ts'

/** The series of the bookings 7 and 8. */
export const SERIES = '7e57ab1e-0000-4000-8000-000000000007'

export interface RoomCast {
  /** Can book in the portal, and takes part in no booking yet. */
  readonly portalUser: Person
  /** Decides on bookings of building 1 only. */
  readonly studentWorker: Person
  readonly roomAdministrator: Person
}

/**
 * Five buildings with one room each, closed on a day far ahead. Bookings 1 to 9 belong to the people with the same ids,
 * except 8, which is in the series of 7; two others take part in each. Their states: pending, approved, ongoing,
 * rejected, cancelled, completed, the series (pending), and an approved one. Five bans of other people: three
 * active ones (permanent, temporary, one that cancels bookings), a lifted and a proposed one.
 */
export async function fillRooms(world: World, people: readonly Person[]): Promise<RoomCast> {
  const cast = {
    portalUser: await world.person('room:user'),
    studentWorker: await world.person('room:student_worker'),
    roomAdministrator: await world.person('room:admin'),
  }
  const call = async (
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    payload?: object,
    as = cast.roomAdministrator,
  ) => {
    const { body } = await world.call(method, path, { as, payload })
    if (body.code !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(body)}`)
  }
  const groupOf = (id: number) => [0, 1, 2].flatMap((more) => people[(id - 1 + more) % people.length] ?? [])
  const book = async (id: number, roomId: number, day: number, more: { path?: string; weeks?: number } = {}) => {
    const { path = '', ...series } = more
    const group = groupOf(id)
    const times = { startTime: at(world, day, '09:00'), endTime: at(world, day, '12:00') }
    const request = { roomId, purpose: '会议', ...times, userIdList: group.map((person) => person.id), ...series }
    await call('POST', `/portal/facility/booking${path}`, request, group[0])
  }

  for (let id = 1; id <= 5; id += 1) {
    await room(world, {
      buildingId: await building(world, `${id} 号楼`),
      capacity: 6,
      tags: '白板',
      name: `会议室 ${id}01`,
    })
    const day = { startTime: at(world, 20, '00:00'), endTime: at(world, 21, '00:00') }
    await call('POST', '/manage/facility/closure', { roomId: id, ...day, reason: '消防演练' })
  }
  await book(1, 1, 1)
  await book(2, 2, 2)
  await call('PUT', '/manage/facility/booking/2/approve')
  await storedBooking(world, 3, groupOf(3), { start: -1, end: 3, status: '4' })
  await book(4, 4, 2)
  await call('PUT', '/manage/facility/booking/4/reject', { reason: '材料不全' })
  await book(5, 5, 2)
  await call('DELETE', '/portal/facility/booking/5', undefined, people[4])
  await storedBooking(world, 1, groupOf(6), { start: -4, end: -2, status: '5' })
  await book(7, 4, 3, { path: '/recurring', weeks: 2 })
  await sql`UPDATE tb_facility_booking SET series_id = ${SERIES} WHERE id IN (7, 8)`.execute(world.database.db)
  await book(9, 5, 3)
  await call('PUT', '/manage/facility/booking/9/approve')

  for (const [status, expires, cancels] of [
    ['0', null, false],
    ['0', '2026-12-31', false],
    ['0', null, true],
    ['1', null, false],
    ['2', null, false],
  ] as const) {
    const { id } = await world.person('room:user')
    await sql`INSERT INTO tb_facility_ban (user_id, reason, status, expire_time, cancel_future, create_time)
      VALUES (${id}, '多次违约', ${status}, ${expires}, ${cancels}, ${world.clock.now()})`.execute(world.database.db)
  }
  await call('PUT', `/manage/facility/approver/${cast.studentWorker.id}`, { buildingIds: [1] })
  return cast
}
