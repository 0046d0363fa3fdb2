import type pg from 'pg'
import { DAY_MS, tomorrow } from './fixture.ts'
import type { Ask } from './load.ts'

/** The data for bookings of rooms. */
export interface RoomFixture {
  /** Number of rooms; their ids start at 1. */
  readonly rooms: number
  /** Number of bookable hours in each room, from the day after tomorrow. */
  readonly hours: number
  readonly people: number
}

const DAYS = 360
const HOURS_A_DAY = 16
const OPENS = 7
const BUILDINGS = 20
const FEWEST = 3
/** A prime number that divides no number of rooms or hours, so that steps of this size visit every place. */
const STRIDE = 1_000_003

/**
 * Adds rooms that are open from 7 to 23 and can be booked a year ahead, with the other settings of a new site. The
 * people must exist.
 * @throws Error if they are too few to fill all rooms at once.
 */
export async function fillRooms(pool: pg.Pool, { rooms, people }: Omit<RoomFixture, 'hours'>): Promise<RoomFixture> {
  if (people < rooms * FEWEST) throw new Error(`${people} people are too few for ${rooms} rooms`)
  const now = new Date()
  await pool.query(
    `INSERT INTO tb_facility_building (building_name, create_time)
     SELECT '楼 ' || n, $2::timestamptz FROM generate_series(1, $1::int) n`,
    [BUILDINGS, now],
  )
  await pool.query(
    `INSERT INTO tb_facility_room (building_id, floor_no, room_name, capacity, equipment_tags, open_hours, create_time)
     SELECT 1 + n % $2::int, n % 7, '房 ' || n, 5 + n % 60, '白板,电视', (
       SELECT jsonb_agg(jsonb_build_object('weekday', d, 'opens', '07:00', 'closes', '23:00'))
       FROM generate_series(1, 7) d),
       $3::timestamptz
     FROM generate_series(1, $1::int) n`,
    [rooms, BUILDINGS, now],
  )
  await pool.query('UPDATE tb_facility_setting SET advance_days = 366')
  // Not the empty tables: a plan made for an empty table reads all of it, and nothing would renew the statistics in so
  // short a run.
  await pool.query('ANALYZE tb_facility_building, tb_facility_room, tb_facility_setting')
  return { rooms, hours: DAYS * HOURS_A_DAY, people }
}

/**
 * Makes bookings of one hour over all rooms and times, without conflicts: each booking of the same hour has three
 * people of its own. Each call continues after the last one.
 */
export function roomBookings({ rooms, hours, people }: RoomFixture): (count: number) => Ask[] {
  const [first = ''] = new Date(tomorrow(new Date())).toISOString().split('T')
  let made = 0
  const next = (): Ask => {
    const place = (made++ * STRIDE) % (rooms * hours)
    const [room, hour] = [place % rooms, Math.floor(place / rooms)]
    const day = new Date(Date.parse(first) + Math.floor(hour / HOURS_A_DAY) * DAY_MS).toISOString().slice(0, 10)
    const at = (n: number) => `${day} ${String(OPENS + n).padStart(2, '0')}:00:00`
    const from = hour % HOURS_A_DAY
    // At another hour a person has other neighbours.
    const person = (FEWEST * (room + hour * 7)) % (Math.floor(people / FEWEST) * FEWEST)
    return {
      token: person,
      line: 'POST /portal/facility/booking',
      body: JSON.stringify({
        roomId: room + 1,
        purpose: '会议',
        startTime: at(from),
        endTime: at(from + 1),
        userIdList: [person + 1, person + 2, person + 3],
      }),
    }
  }
  return (count) => {
    if (made + count > rooms * hours) throw new Error('all rooms are booked')
    return Array.from({ length: count }, next)
  }
}
