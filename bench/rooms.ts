import type pg from 'pg'
import { DAY_MS, tomorrow } from './fixture.ts'
import type { Ask } from './load.ts'

/** What bookings of rooms are made of. */
export interface RoomFixture {
  /** Ids from 1. */
  readonly rooms: number
  /** Hours that can be booked in each, from the day after tomorrow on. */
  readonly hours: number
  readonly people: number
}

const DAYS = 360
const HOURS_A_DAY = 16
const OPENS = 7
const BUILDINGS = 20
const FEWEST = 3
/** Hundreds of thousands of prime numbers would do: any that divides no count of rooms or hours. */
const STRIDE = 1_000_003

/**
 * Rooms that open from 7 to 23 and may be booked a year ahead; otherwise the settings a new site has. The people must be there.
 * @throws Error when they are too few to fill all rooms at once.
 */
export async function fillRooms(pool: pg.Pool, { rooms, people }: Omit<RoomFixture, 'hours'>): Promise<RoomFixture> {
  if (people < rooms * FEWEST) throw new Error(`${people} people are too few for ${rooms} rooms`)
  const now = new Date()
  await pool.query(
    `INSERT INTO tb_facility_building (building_name, create_time) SELECT '楼 ' || n, $2::timestamptz FROM generate_series(1, $1::int) n`,
    [BUILDINGS, now],
  )
  await pool.query(
    `INSERT INTO tb_facility_room (building_id, floor_no, room_name, capacity, equipment_tags, open_hours, create_time)
     SELECT 1 + n % $2::int, n % 7, '房 ' || n, 5 + n % 60, '白板,电视', (
       SELECT jsonb_agg(jsonb_build_object('weekday', d, 'opens', '07:00', 'closes', '23:00')) FROM generate_series(1, 7) d),
       $3::timestamptz
     FROM generate_series(1, $1::int) n`,
    [rooms, BUILDINGS, now],
  )
  await pool.query('UPDATE tb_facility_setting SET advance_days = 366')
  // Not the tables that are still empty: a plan made for an empty table reads all of it, and nothing would make it anew in so short a run.
  await pool.query('ANALYZE tb_facility_building, tb_facility_room, tb_facility_setting')
  return { rooms, hours: DAYS * HOURS_A_DAY, people }
}

/**
 * Makes bookings of one hour, all over rooms and times, none in the way of another: those of the same hour have three people of their own each.
 * Each call goes on where the last one stopped.
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
    // Another hour, other neighbours.
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
