import { sql } from 'kysely'
import { ensureMembers } from '../../src/venue/core/membersStore.ts'
import { type Answer, type Method, MONDAY, openWorld } from './world.ts'

/** Who calls; null is a visitor. */
export type Caller = 'staff' | 'person' | null

/** A world with what tests of the catalogue ask for. Calls are by `staff`, who may write, by `person`, who may not, or by a visitor (null). */
export async function openCatalogueWorld() {
  const world = await openWorld()
  const { clock, database, kernel } = world
  const callers = { staff: await world.person('venue:admin'), person: await world.person() }
  const { id: person } = callers.person

  /** Calls the API as staff unless said; `null` is a visitor. */
  async function call(
    method: Method,
    path: string,
    payload?: unknown,
    caller: Caller = 'staff',
  ): Promise<Pick<Answer, 'status' | 'body'>> {
    const { status, body } = await world.call(method, path, { ...(caller && { as: callers[caller] }), payload })
    return { status, body }
  }

  let count = 0
  return {
    kernel,
    clock,
    database,
    call,
    personId: person,
    /** Adds a venue and answers its id. */
    async venue(fields: object = {}): Promise<number> {
      count += 1
      const { status, body } = await call('POST', '/api/v1/venues', { name: `Court ${count}`, capacity: 4, ...fields })
      if (status !== 201) throw new Error(`the venue was refused: ${JSON.stringify(body)}`)
      return body.id
    },
    /** Adds a sport venue and answers its id. */
    async sportVenue(fields: object = {}): Promise<number> {
      count += 1
      const { body } = await call('POST', '/api/v1/sport-venues', { name: `Hall ${count}`, ...fields })
      return body.id
    },
    /** Adds a slot on a local day, as `['2026-03-03', '10:00', '11:00']`, and answers it. */
    async slot(venueId: number, [date, start_time, end_time]: readonly [string, string, string], fields: object = {}) {
      const path = `/api/v1/venues/${venueId}/reservation-time-slots`
      const { status, body } = await call('POST', path, { date, start_time, end_time, ...fields })
      if (status !== 201) throw new Error(`the slot was refused: ${JSON.stringify(body)}`)
      return body
    },
    /** Adds one more person. */
    user: async () => (await world.person()).id,
    /** Puts the person (or another one) into a slot, as the rows of a booking would. */
    async booked(slotId: number, status = 'confirmed', userId = person): Promise<number> {
      await ensureMembers(database.db, [userId], MONDAY)
      await sql`UPDATE time_slots SET taken = taken + 1 WHERE id = ${slotId}`.execute(database.db)
      const { rows } = await sql<{ id: number }>`
        INSERT INTO reservations (user_id, slot_id, venue_id, start_at, end_at, party_size, status, by_leader, points_paid, created_at, updated_at)
        SELECT ${userId}, id, venue_id, start_at, end_at, 1, ${status}, false, 0, ${MONDAY}, ${MONDAY} FROM time_slots WHERE id = ${slotId}
        RETURNING id`.execute(database.db)
      return rows[0]?.id ?? 0
    },
    /** Puts a venue, a sport venue or a facility out of use, as the row of a closure would. */
    async closed(
      owner: { venue_id?: number; sport_venue_id?: number; facility_id?: number },
      closure: { kind: 'closed' | 'maintenance'; start: string; end?: string; reason?: string },
    ): Promise<void> {
      await sql`INSERT INTO closures (venue_id, sport_venue_id, facility_id, kind, start_at, end_at, reason, created_at, updated_at)
        VALUES (${owner.venue_id ?? null}, ${owner.sport_venue_id ?? null}, ${owner.facility_id ?? null}, ${closure.kind},
          ${closure.start}, ${closure.end ?? null}, ${closure.reason ?? null}, ${MONDAY}, ${MONDAY})`.execute(
        database.db,
      )
    },
    /** The last entry for the operation log. */
    async lastOperation(): Promise<unknown> {
      const { rows } = await sql<{ operation: unknown }>`
        SELECT operation FROM outbox WHERE operation IS NOT NULL ORDER BY id DESC LIMIT 1`.execute(database.db)
      return rows[0]?.operation
    },
    close: () => world.close(),
  }
}

export type CatalogueWorld = Awaited<ReturnType<typeof openCatalogueWorld>>
