import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { decidesAbout } from '../../people/approvers/store.ts'

/** Does this approver decide about bookings of a building? */
export async function mayDecide(db: Database, approverId: number, buildingId: number): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`SELECT ${decidesAbout(approverId, sql`${buildingId}`)} AS may`.execute(
    db,
  )
  return rows[0]?.may ?? false
}
