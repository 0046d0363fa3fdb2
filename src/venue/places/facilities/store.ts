import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'

export type FacilityStatus = 'available' | 'maintenance' | 'broken'

/** Equipment of a venue. */
export interface Facility {
  readonly id: number
  readonly venue_id: number
  readonly name: string
  readonly type: string | null
  readonly quantity: number
  readonly status: FacilityStatus
  readonly description: string | null
  readonly created_at: Date
  readonly updated_at: Date
}

/** What people say of a facility. */
export type FacilityFields = Omit<Facility, 'id' | 'venue_id' | 'created_at' | 'updated_at'>

/** A maintenance plan that is running shows in the status by itself; what is broken stays broken. */
const columns = (now: Date) => sql`f.id, f.venue_id, f.name, f.type, f.quantity,
  CASE WHEN f.status = 'available' AND EXISTS (SELECT FROM closures c
    WHERE c.facility_id = f.id AND c.cancelled_at IS NULL AND c.during @> ${now}::timestamptz)
  THEN 'maintenance' ELSE f.status END AS status, f.description, f.created_at, f.updated_at`

export const SORTS = {
  name: sql`f.name`,
  created_at: sql`f.created_at`,
  id: sql`f.id`,
} as const

/** One page of the facilities of a venue, and how many there are in all. */
export async function listFacilities(
  db: Database,
  venueId: number,
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ items: Facility[]; total: number }> {
  return await readPage<Facility>(db, {
    select: sql`SELECT ${columns(now)} FROM facilities f`,
    counted: sql`facilities f`,
    conditions: [sql`f.venue_id = ${venueId}`, sql`f.deleted_at IS NULL`],
    page: pageClause(page, SORTS, sql`f.id`),
  })
}

/** One facility as it is at an instant, or null when it or its venue is gone. */
export async function findFacility(db: Database, id: number, now: Date): Promise<Facility | null> {
  const { rows } = await sql<Facility>`
    SELECT ${columns(now)} FROM facilities f JOIN venues v ON v.id = f.venue_id
    WHERE f.id = ${id} AND f.deleted_at IS NULL AND v.deleted_at IS NULL`.execute(db)
  return rows[0] ?? null
}

/** A facility as it is stored, locked to be changed; null when it or its venue is gone. */
export async function lockFacility(
  tx: Transaction,
  id: number,
): Promise<(FacilityFields & { venue_id: number }) | null> {
  const { rows } = await sql<FacilityFields & { venue_id: number }>`
    SELECT f.venue_id, f.name, f.type, f.quantity, f.status, f.description FROM facilities f JOIN venues v ON v.id = f.venue_id
    WHERE f.id = ${id} AND f.deleted_at IS NULL AND v.deleted_at IS NULL FOR UPDATE OF f`.execute(tx)
  return rows[0] ?? null
}

/** @throws Conflict `name_taken` by constraint. */
export async function insertFacility(
  tx: Transaction,
  venueId: number,
  fields: FacilityFields,
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO facilities (venue_id, name, type, quantity, status, description, created_at, updated_at)
    VALUES (${venueId}, ${fields.name}, ${fields.type}, ${fields.quantity}, ${fields.status}, ${fields.description}, ${now}, ${now})
    RETURNING id`.execute(tx)
  return inserted(rows).id
}

/** @throws Conflict `name_taken` by constraint. */
export async function updateFacility(tx: Transaction, id: number, fields: FacilityFields, now: Date): Promise<void> {
  await sql`UPDATE facilities SET name = ${fields.name}, type = ${fields.type}, quantity = ${fields.quantity},
    status = ${fields.status}, description = ${fields.description}, updated_at = ${now} WHERE id = ${id}`.execute(tx)
}

/** Takes a facility out of use; its name is free again. */
export async function deleteFacility(tx: Transaction, id: number, now: Date): Promise<void> {
  await sql`UPDATE facilities SET deleted_at = ${now}, updated_at = ${now} WHERE id = ${id}`.execute(tx)
}
