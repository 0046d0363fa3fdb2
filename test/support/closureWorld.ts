import type { Caller } from '../../src/kernel/http/request/caller.ts'
import type { Reservation } from '../../src/venue/core/reservationsStore.ts'
import { roles } from '../../src/venue/permissions.ts'
import { book } from '../../src/venue/visits/reservations/service.ts'
import { type Answer, type Method, MONDAY, openWorld, type Person } from './world.ts'

/** A world with what tests of closures ask for. Calls are by people under their names; `staff` may do everything. */
export async function openClosureWorld() {
  const world = await openWorld()
  const { clock, database, kernel, faults, rows } = world
  const people = new Map<string, Person>()

  /** Adds somebody with points; answers them as a caller. */
  async function person(name: string, role = 'venue:employee', points = 100): Promise<Caller> {
    const made = await world.person(role, { points })
    people.set(name, made)
    return {
      userId: made.id,
      sessionId: 's',
      roles: new Set([role]),
      permissions: new Set(roles.find((one) => one.name === role)?.permissions),
      isAdmin: false,
      scope: 'full',
      address: '192.0.2.1',
      requestId: 'r',
    }
  }

  const staff = await person('staff', 'venue:admin')

  let count = 0
  const nextId = async (query: string): Promise<number> => (await rows<{ id: number }>(query))[0]?.id ?? 0
  const at = MONDAY.toISOString()

  return {
    kernel,
    clock,
    database,
    staff,
    faults,
    person,
    rows,
    /** Calls the API; `null` is a visitor. */
    async call(
      method: Method,
      path: string,
      payload?: object,
      name: string | null = 'staff',
      headers: Record<string, string> = {},
    ): Promise<Answer> {
      const as = name === null ? undefined : people.get(name)
      return await world.call(method, path, { ...(as && { as }), headers, payload })
    },
    sportVenue(): Promise<number> {
      count += 1
      return nextId(
        `INSERT INTO sport_venues (name, created_at, updated_at) VALUES ('Hall ${count}', '${at}', '${at}') RETURNING id`,
      )
    },
    async venue({
      sportVenue = null as number | null,
      type = 'badminton',
      rules = {} as Record<string, unknown>,
    } = {}) {
      count += 1
      const id =
        await nextId(`INSERT INTO venues (name, sport_venue_id, type, capacity, check_in_secret, created_at, updated_at)
        VALUES ('Court ${count}', ${sportVenue}, '${type}', 4, 'secret', '${at}', '${at}') RETURNING id`)
      const names = Object.keys(rules)
      await rows(`INSERT INTO booking_rules (venue_id, max_reservations_per_user, updated_at ${names.map((name) => `, ${name}`).join('')})
        VALUES (${id}, 1000, '${at}' ${names.map((name) => `, ${String(rules[name])}`).join('')})`)
      return id
    },
    /** Adds a slot from a local time, as '2026-03-03 10:00', for an hour unless said. */
    slot(venueId: number, start: string, { minutes = 60, capacity = 4 } = {}): Promise<number> {
      return nextId(`INSERT INTO time_slots (venue_id, start_at, end_at, capacity, created_at, updated_at)
        VALUES (${venueId}, '${start}+08', timestamptz '${start}+08' + interval '${minutes} minutes', ${capacity}, '${at}', '${at}')
        RETURNING id`)
    },
    book(caller: Caller, slotId: number, partySize = 1): Promise<Reservation> {
      return book(kernel, caller, { slotId, partySize })
    },
    async reservation(id: number) {
      const [row] = await rows<{
        status: string
        end_reason: string
        ended_by: number
        rebook_until: Date
        rebooked_as: number
      }>(`SELECT * FROM reservations WHERE id = ${id}`)
      return row
    },
    async slotRow(id: number) {
      const [row] = await rows<{ open: boolean; taken: number; held: number }>(
        `SELECT open, taken, held FROM time_slots WHERE id = ${id}`,
      )
      return row
    },
    async points(caller: Caller): Promise<number> {
      return (
        (await rows<{ points: number }>(`SELECT points FROM venue_members WHERE user_id = ${caller.userId}`))[0]
          ?.points ?? 0
      )
    },
    /** The messages of a type that are on their way, the oldest first. */
    async messages(type: string) {
      const found = await rows<{ message: { userIds: number[]; data: Record<string, unknown>; key: string } }>(
        `SELECT message FROM outbox WHERE message ->> 'type' = '${type}' ORDER BY id`,
      )
      return found.map(({ message }) => message)
    },
    /** Everything that does not agree, but for confirmations: tests throw away what is on its way. */
    differences: async () => (await world.verify()).filter(({ check }) => check !== 'confirmations of reservations'),
    close: () => world.close(),
  }
}

export type ClosureWorld = Awaited<ReturnType<typeof openClosureWorld>>
