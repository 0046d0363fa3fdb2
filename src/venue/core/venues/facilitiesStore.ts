import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'

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

/** The fields of a facility that staff set. */
export type FacilityFields = Omit<Facility, 'id' | 'venue_id' | 'created_at' | 'updated_at'>

/**
 * Status at an instant. A running maintenance plan makes an available facility `maintenance`; a broken one stays
 * broken.
 */
const statusAt = (now: Date): RawBuilder<FacilityStatus> => sql`
  CASE
    WHEN f.status = 'available' AND EXISTS (
      SELECT FROM closures c WHERE c.facility_id = f.id AND c.cancelled_at IS NULL AND c.during @> ${now}::timestamptz
    ) THEN 'maintenance'
    ELSE f.status
  END`

/** Query for facilities as they are at an instant, as `f`. */
export function facilities(db: Database, now: Date) {
  return db
    .selectFrom('facilities as f')
    .select(['f.id', 'f.venue_id', 'f.name', 'f.type', 'f.quantity'])
    .select(statusAt(now).as('status'))
    .select(['f.description', 'f.created_at', 'f.updated_at'])
    .where('f.deleted_at', 'is', null)
}

/** Whether a facility exists, at a venue that exists. */
export async function facilityExists(db: Database, id: number): Promise<boolean> {
  return (await stored(db, id).executeTakeFirst()) !== undefined
}

/** Query for a facility as it is stored; no row when it or its venue is deleted. */
const stored = (db: Database, id: number) =>
  db
    .selectFrom('facilities as f')
    .innerJoin('venues as v', 'v.id', 'f.venue_id')
    .select(['f.venue_id', 'f.name', 'f.type', 'f.quantity', 'f.status', 'f.description'])
    .where('f.id', '=', id)
    .where('f.deleted_at', 'is', null)
    .where('v.deleted_at', 'is', null)

/** One facility as it is at an instant, or null when it or its venue is deleted. */
export async function findFacility(db: Database, id: number, now: Date): Promise<Facility | null> {
  const facility = await facilities(db, now)
    .innerJoin('venues as v', 'v.id', 'f.venue_id')
    .where('f.id', '=', id)
    .where('v.deleted_at', 'is', null)
    .executeTakeFirst()
  return facility ?? null
}

/** Locks a facility and returns it as it is stored; null when it or its venue is deleted. */
export async function lockFacility(
  tx: Transaction,
  id: number,
): Promise<(FacilityFields & { readonly venue_id: number }) | null> {
  return (await stored(tx, id).forUpdate('f').executeTakeFirst()) ?? null
}
