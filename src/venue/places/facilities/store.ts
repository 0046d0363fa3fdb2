import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { type Facility, type FacilityFields, facilities } from '../../core/venues/facilitiesStore.ts'

export const SORTS = {
  name: sql`f.name`,
  created_at: sql`f.created_at`,
  id: sql`f.id`,
} as const

/** One page of the facilities of a venue, and the total number. */
export async function listFacilities(
  db: Database,
  venueId: number,
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ items: Facility[]; total: number }> {
  return await readPage<Facility>(db, {
    select: facilities(db, now),
    counted: sql`facilities f`,
    conditions: [sql`f.venue_id = ${venueId}`, sql`f.deleted_at IS NULL`],
    page: pageClause(page, SORTS, sql`f.id`),
  })
}

/** @throws Conflict `name_taken` by constraint. */
export async function insertFacility(
  tx: Transaction,
  venueId: number,
  fields: FacilityFields,
  now: Date,
): Promise<number> {
  const { id } = await tx
    .insertInto('facilities')
    .values({ ...columnsOf(fields), venue_id: venueId, created_at: now, updated_at: now })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** @throws Conflict `name_taken` by constraint. */
export async function updateFacility(tx: Transaction, id: number, fields: FacilityFields, now: Date): Promise<void> {
  await tx
    .updateTable('facilities')
    .set({ ...columnsOf(fields), updated_at: now })
    .where('id', '=', id)
    .execute()
}

function columnsOf({ name, type, quantity, status, description }: FacilityFields) {
  return { name, type, quantity, status, description }
}

/** Marks a facility as deleted; its name can be used again. */
export async function deleteFacility(tx: Transaction, id: number, now: Date): Promise<void> {
  await tx.updateTable('facilities').set({ deleted_at: now, updated_at: now }).where('id', '=', id).execute()
}
