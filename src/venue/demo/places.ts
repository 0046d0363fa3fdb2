import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { addDays, localDate } from '../../kernel/time.ts'
import { setRules } from '../places/bookingRules/service.ts'
import { addFacility } from '../places/facilities/service.ts'
import { setSportVenueHours } from '../places/openingHours/service.ts'
import { generateSlots } from '../places/slots/service.ts'
import { addSportVenue } from '../places/sportVenues/service.ts'
import { addVenue } from '../places/venues/service.ts'

/** Venues of the demo, each with its special feature. */
export interface DemoPlaces {
  readonly badminton: number
  readonly pool: number
  readonly gym: number
  /** Every booking waits for approval. */
  readonly hall: number
  /** Costs points, and only four can play. */
  readonly tennis: number
}

const week = [1, 2, 3, 4, 5, 6, 7]

/**
 * Creates two buildings with five venues, their equipment, hours, rules, and slots from a week ago until two weeks
 * ahead.
 */
export async function buildPlaces(kernel: Kernel, admin: Caller): Promise<DemoPlaces> {
  const campus = await addSportVenue(kernel, admin, {
    name: '总部体育馆',
    type: '综合馆',
    location: '1 号楼',
    description: '羽毛球、游泳与健身。',
  })
  const park = await addSportVenue(kernel, admin, { name: '滨江运动公园', type: '户外', location: '滨江路 8 号' })
  const hours = (opens: string, closes: string) => ({
    weekly: week.map((weekday) => ({ weekday, opens, closes })),
    exceptions: [],
  })
  await setSportVenueHours(kernel, admin, campus.id, hours('07:00', '22:00'))
  await setSportVenueHours(kernel, admin, park.id, hours('08:00', '20:00'))

  const venue = async (
    sportVenueId: number,
    name: string,
    type: string,
    capacity: number,
    notice: string,
    minutes: number,
  ) => {
    const { id } = await addVenue(kernel, admin, {
      sport_venue_id: sportVenueId,
      name,
      type,
      capacity,
      notice,
      location: name,
    })
    const today = localDate(kernel.clock.now(), kernel.config.timeZone)
    await generateSlots(kernel, admin, id, {
      startDate: addDays(today, 1),
      endDate: addDays(today, 21),
      slotMinutes: minutes,
      gapMinutes: 0,
      weekdays: [],
    })
    return id
  }
  const places = {
    badminton: await venue(campus.id, '羽毛球馆', '羽毛球', 4, '请穿运动鞋入场。', 60),
    pool: await venue(campus.id, '游泳馆', '游泳', 20, '请先淋浴，戴泳帽。', 120),
    gym: await venue(campus.id, '健身房', '健身', 12, '器械用后请归位。', 120),
    hall: await venue(campus.id, '多功能厅', '活动', 1, '活动须经审批。', 180),
    tennis: await venue(park.id, '网球场', '网球', 4, '雨天关闭。', 60),
  }
  await addFacility(kernel, admin, places.gym, { name: '跑步机', type: '有氧', quantity: 6 })
  await addFacility(kernel, admin, places.gym, { name: '深蹲架', type: '力量', quantity: 2, status: 'broken' })
  await addFacility(kernel, admin, places.pool, { name: '电子计时器', quantity: 1 })
  await setRules(
    kernel,
    admin,
    { venueId: places.hall },
    { requires_approval: true, max_reservations_per_user: 2, window: 'week' },
  )
  await setRules(kernel, admin, { venueId: places.tennis }, { points_cost: 5, max_party_size: 4 })
  await setRules(kernel, admin, { venueId: places.badminton }, { max_party_size: 2 })
  return places
}
