import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { at, people, setting } from './room.ts'
import { MONDAY, openWorld, type Person, type World } from './world.ts'

// People who book rooms, for the tests of bookings.

export let world: World
export let anna: Person
export let ben: Person
export let cleo: Person
export let dora: Person
export let staff: Person

const RULES = {
  audit_required: true,
  max_duration_minutes: 4320,
  advance_days: 30,
  grid_minutes: 5,
  participant_overlap: 'warn',
}
/** Opens a world for the tests of a file. Each test starts on Monday, with the default rules and four new people. */
export function openBookings(): void {
  beforeAll(async () => {
    world = await openWorld()
    staff = await world.person('room:admin')
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    world.clock.set(MONDAY)
    await setting(world, RULES)
    const [first, second, third, fourth] = (await people(world, 4)).sort((a, b) => a.id - b.id)
    if (!first || !second || !third || !fourth) throw new Error('four people')
    anna = first
    ben = second
    cleo = third
    dora = fourth
  })
}

export const ids = (...persons: Person[]) => persons.map(({ id }) => id)

/** The body of a booking by Anna with Ben and Cleo, tomorrow from 09:00 to 12:00. */
export const request = (roomId: number, more: object = {}) => ({
  roomId,
  purpose: '会议',
  startTime: at(world, 1, '09:00'),
  endTime: at(world, 1, '12:00'),
  userIdList: ids(anna, ben, cleo),
  ...more,
})
export const post = (payload: object, as = anna, base = '/portal/facility') =>
  world.call('POST', `${base}/booking`, { as, payload })
export const book = async (payload: object, as = anna): Promise<number> => {
  const { body } = await post(payload, as)
  expect(body).toMatchObject({ code: 200 })
  return body.data.id
}
export const put = (id: number, payload: object, as = anna, base = '/portal/facility') =>
  world.call('PUT', `${base}/booking/${id}`, { as, payload })
export const endEarly = (id: number, payload: object = {}, as = anna, base = '/portal/facility') =>
  world.call('PUT', `${base}/booking/${id}/end-early`, { as, payload })
export const cancel = (id: number, as = anna, base = '/portal/facility') =>
  world.call('DELETE', `${base}/booking/${id}`, { as })
export const leave = (id: number, as: Person) => world.call('PUT', `/portal/facility/booking/${id}/leave`, { as })

interface Row {
  readonly status: string
  readonly start_time: Date
  readonly end_time: Date
  readonly reject_reason: string | null
  readonly cancel_reason: string | null
  readonly cancelled_by: number | null
  readonly duration_minutes: number
}
export const row = async (id: number): Promise<Row> => {
  const [found] = await world.rows<Row>(`SELECT * FROM tb_facility_booking WHERE id = ${id}`)
  if (!found) throw new Error(`no booking ${id}`)
  return found
}
export const participants = async (id: number) =>
  (
    await world.rows<{ user_id: number; is_applicant: string }>(
      `SELECT user_id, is_applicant FROM tb_facility_booking_user WHERE booking_id = ${id} ORDER BY user_id`,
    )
  ).map(({ user_id, is_applicant }) => [user_id, is_applicant])
export const told = async (person: Person, id: number) =>
  (await world.inbox(person))
    .filter(({ body }) => body.includes(`预约编号：${id}`))
    .map(({ type }) => type.replace('room.booking.', ''))
/** The entries of the operation log about a booking: action, actor, changes. */
export const noted = async (id: number) => {
  await world.drain()
  const entries = await world.rows<{ action: string; actor_id: number | null; changes: unknown }>(
    `SELECT action, actor_id, changes FROM operation_log WHERE resource = 'room_booking' AND resource_id = '${id}' ORDER BY id`,
  )
  return entries.map(({ action, actor_id, changes }) => [action, actor_id, changes])
}
export const ban = (person: Person, until: string | null, more = '') =>
  world.rows(`INSERT INTO tb_facility_ban (user_id, reason, expire_time, create_time ${more && ', cancel_future'})
    VALUES (${person.id}, '多次违约', ${until === null ? 'NULL' : `'${until}'`}, now() ${more && `, ${more}`})`)
export const refused = (msg: RegExp | string) => ({
  status: 200,
  body: { code: 500, msg: typeof msg === 'string' ? msg : expect.stringMatching(msg) },
})
