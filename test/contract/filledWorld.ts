import { sql } from 'kysely'
import { addMember, addSlot, addVenue } from '../support/venue.ts'
import { openWorld, type Person, type World } from '../support/world.ts'
import { type ClinicCast, fillClinic } from './filledClinic.ts'
import { fillRooms, type RoomCast } from './filledRooms.ts'

/** Number of slots: their ids are 1 to this. */
export const SLOTS = 47

/** A world in which the ids 1 to 5 exist for every kind of object. */
export interface FilledWorld extends World, RoomCast, ClinicCast {
  readonly administrator: Person
  readonly venueAdministrator: Person
  readonly leader: Person
  readonly employee: Person
  readonly visitor: Person
  /** Nine employees with the ids 1 to 9. Reservations 1 to 5 belong to the employees with the same ids. */
  readonly people: readonly Person[]
}

/**
 * Nine people; five sport venues, venues, facilities and plans; slots; reservations that are confirmed, pending,
 * completed and displaced; a full slot with a waiting list; ratings; notifications; feedback, tickets, questions and
 * chats. The users that the tests act as have ids above 9, so that no test destroys its own account.
 */
export async function openFilledWorld(): Promise<FilledWorld> {
  const world = await openWorld()
  const people: Person[] = []
  for (let id = 1; id <= 9; id += 1) people.push(await addMember(world, { points: 100 }))
  const cast = {
    people,
    administrator: await world.person('admin'),
    venueAdministrator: await world.person('venue:admin'),
    leader: await addMember(world, { role: 'venue:leader', points: 100 }),
    employee: await addMember(world, { points: 100 }),
    visitor: await world.person('venue:visitor'),
  }
  const make = async (path: string, payload: object | undefined, as: Person = cast.administrator): Promise<number> => {
    const { status, body } = await world.call('POST', path, { as, payload })
    if (status >= 300) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`)
    return body.id
  }

  const rules = [{}, { requires_approval: true }, { points_cost: 5 }, { check_in_code_required: true }, {}]
  for (const [index, own] of rules.entries()) {
    const sportVenueId = await make('/api/v1/sport-venues', { name: `Hall ${index + 1}` })
    const venueId = await addVenue(world, { capacity: index === 4 ? 1 : 3, sportVenueId, rules: own })
    await make(`/api/v1/venues/${venueId}/facilities`, { name: 'Net', quantity: 2 })
    const plan = { start_time: '2026-06-01T00:00:00Z', end_time: '2026-06-02T00:00:00Z' }
    await make(`/api/v1/venues/${venueId}/maintenance`, plan)
    const slotId = await addSlot(world, venueId, { hour: 9 + index })
    await make('/api/v1/reservations', { time_slot_id: slotId }, people[index])
  }
  // Slot 5 has one place, which is taken.
  const waiting = '/api/v1/venues/5/reservation-time-slots/5/waiting-list'
  for (const one of people.slice(0, 4)) await make(waiting, {}, one)

  const visit = await addSlot(world, 1, { day: 0, hour: 9 })
  const visits: number[] = []
  for (const one of people.slice(5, 8)) visits.push(await make('/api/v1/reservations', { time_slot_id: visit }, one))
  const displaced = await addSlot(world, 4, { day: 10, hour: 9 })
  await make('/api/v1/reservations', { time_slot_id: displaced }, people[8])
  const plan = { start_time: '2026-03-12T00:00:00+08:00', end_time: '2026-03-13T00:00:00+08:00' }
  await make('/api/v1/venues/4/maintenance', plan)
  world.clock.advance(60)
  for (const [index, id] of visits.entries()) {
    const as = people[5 + index]
    await make(`/api/v1/reservations/${id}/check-in`, {}, as)
    await make(`/api/v1/reservations/${id}/check-out`, undefined, as)
    await make(`/api/v1/reservations/${id}/rating`, { score: 4, comment: '很好' }, as)
  }
  for (let id = 8; id <= SLOTS; id += 1) {
    const round = Math.floor(id / 5)
    await addSlot(world, 1 + (id % 5), { day: 1 + round, hour: 16 + (round % 3) })
  }
  for (const one of people.slice(0, 5)) {
    await make('/api/v1/feedback', { content: '灯光有点暗', venue_id: 1 }, one)
    await make('/api/v1/support/tickets', { subject: '无法登录', description: '一直转圈' }, one)
    await make('/api/admin/support/faqs', { question: '如何取消预约？', answer: '在“我的预约”里取消。' })
    const chat = await make('/api/v1/support/chat', undefined, one)
    await make(`/api/v1/support/chat/sessions/${chat}/messages`, { content: '怎么取消？' }, one)
    if (chat < 4) await make(`/api/v1/support/chat/sessions/${chat}/handover`, undefined, one)
  }
  const roomCast = await fillRooms(world, people)
  const clinicCast = await fillClinic(world, people)
  await world.drain()
  return { ...world, ...cast, ...roomCast, ...clinicCast }
}

/** Tables that even refused calls change: log-in attempts, the last use of a session, and the operation log. */
const mayChange = new Set(['login_log', 'sessions', 'operation_log', 'operation_log_rest'])

/** A fingerprint of every row of every table that a refused request must not change. */
export async function fingerprint({ database }: World): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1`.execute(
    database.db,
  )
  const parts = tables
    .filter(({ name }) => !mayChange.has(name) && !name.startsWith('operation_log_'))
    .map(
      ({ name }) => sql`
        SELECT ${name}::text AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS hash FROM ${sql.table(name)} t`,
    )
  const { rows } = await sql<{ name: string; hash: string | null }>`
    ${sql.join(parts, sql` UNION ALL `)} ORDER BY name`.execute(database.db)
  return rows.map(({ name, hash }) => `${name} ${hash ?? '-'}`).join('\n')
}
