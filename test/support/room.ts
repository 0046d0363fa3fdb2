import { sql } from 'kysely'
import { inserted } from '../../src/kernel/database/inserted.ts'
import { addDays, localDate } from '../../src/kernel/time.ts'
import type { Person, World } from './world.ts'

let count = 0

/** Adds a building that is in use. */
export async function building(world: World, name = `楼房 ${++count}`): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO tb_facility_building (building_name, create_time) VALUES (${name}, ${world.clock.now()}) RETURNING id`.execute(
    world.database.db,
  )
  return inserted(rows).id
}

/** Adds a room that is in use and always open, in a new building unless one is named. */
export async function room(
  world: World,
  options: {
    readonly buildingId?: number
    readonly floorNo?: number
    readonly capacity?: number
    readonly tags?: string
    readonly name?: string
  } = {},
): Promise<number> {
  const { floorNo = 1, capacity = 20, tags = '', name = `房间 ${++count}` } = options
  const buildingId = options.buildingId ?? (await building(world))
  const { rows } = await sql<{ id: number }>`
    INSERT INTO tb_facility_room (building_id, floor_no, room_name, capacity, equipment_tags, create_time)
    VALUES (${buildingId}, ${floorNo}, ${name}, ${capacity}, ${tags}, ${world.clock.now()}) RETURNING id`.execute(
    world.database.db,
  )
  return inserted(rows).id
}

/** Adds `count` people who may book. */
export async function people(world: World, count = 3): Promise<Person[]> {
  const made: Person[] = []
  while (made.length < count) made.push(await world.person('room:user'))
  return made
}

/** Changes booking rules, such as `{audit_required: false}`. */
export async function setting(
  world: World,
  change: Readonly<Record<string, string | number | boolean>>,
): Promise<void> {
  const pairs = Object.entries(change).map(([name, value]) => sql`${sql.ref(name)} = ${value}`)
  await sql`UPDATE tb_facility_setting SET ${sql.join(pairs)}`.execute(world.database.db)
}

/** A local time as `yyyy-MM-dd HH:mm:ss`, on the day `day` days after today by the clock. */
export function at(world: World, day: number, time: string): string {
  return `${addDays(localDate(world.clock.now(), world.config.timeZone), day)} ${time}:00`
}

/** The body of a booking with others, from 09:00 to 10:00, `day` days after today by the clock. */
export function meeting(world: World, roomId: number, others: readonly Person[], day = 1) {
  return {
    roomId,
    purpose: '会议',
    startTime: at(world, day, '09:00'),
    endTime: at(world, day, '10:00'),
    userIdList: others.map(({ id }) => id),
  }
}

/** Writes a booking into the tables without checking any rule; `start` and `end` are hours from now by the clock. */
export async function storedBooking(
  world: World,
  roomId: number,
  [applicant, ...others]: readonly Person[],
  options: {
    readonly start: number
    readonly end: number
    readonly status?: string
    readonly purpose?: string
    readonly noShow?: boolean
  },
): Promise<number> {
  const { status = '1', purpose = '会议', noShow = false } = options
  const now = world.clock.now()
  const hour = (hours: number) => new Date(now.getTime() + hours * 3_600_000)
  const { rows } = await sql<{ id: number }>`
    INSERT INTO tb_facility_booking (room_id, applicant_id, purpose, start_time, end_time, status, no_show_at, create_by, create_time)
    VALUES (${roomId}, ${applicant?.id}, ${purpose}, ${hour(options.start)}, ${hour(options.end)}, ${status},
      ${noShow ? now : null}, ${applicant?.id}, ${now}) RETURNING id`.execute(world.database.db)
  const id = inserted(rows).id
  await sql`INSERT INTO tb_facility_booking_user (booking_id, user_id, is_applicant, ends_by, create_time)
    SELECT ${id}::bigint, p.id, CASE WHEN p.id = ${applicant?.id ?? 0} THEN '1' ELSE '0' END, ${hour(options.end)}::timestamptz, ${now}::timestamptz
    FROM unnest(${[applicant, ...others].map((person) => person?.id ?? 0)}::bigint[]) AS p (id)`.execute(
    world.database.db,
  )
  return id
}

/** The local time `hours` hours from now by the clock, as `yyyy-MM-dd HH:mm:ss`. */
export function inHours(world: World, hours: number): string {
  const wall = new Date(world.clock.now().getTime() + (hours + 8) * 3_600_000)
  return wall.toISOString().slice(0, 19).replace('T', ' ')
}
