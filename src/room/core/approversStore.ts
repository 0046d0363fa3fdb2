import { type SqlBool, sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'

/**
 * SQL: true if this person decides about bookings in a building. A person without any building in the table decides
 * about all.
 */
export const decidesAbout = (userId: number, buildingId: unknown) => sql<SqlBool>`
  (
    NOT EXISTS (SELECT FROM tb_facility_approver a WHERE a.user_id = ${userId})
    OR EXISTS (SELECT FROM tb_facility_approver a WHERE a.user_id = ${userId} AND a.building_id = ${buildingId})
  )`

/** True if this approver decides about bookings in a building. */
export async function mayDecide(db: Database, approverId: number, buildingId: number): Promise<boolean> {
  const { may } = await db.selectNoFrom(decidesAbout(approverId, buildingId).as('may')).executeTakeFirstOrThrow()
  return Boolean(may)
}
