import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { type Decision, type RepairStatus, repairLifecycle } from './rules.ts'

/** Somebody says that a facility needs repair. */
export interface RepairReport {
  readonly id: number
  readonly facility_id: number
  readonly facility_name: string
  readonly venue_id: number
  readonly venue_name: string
  readonly user_id: number
  readonly description: string
  readonly status: RepairStatus
  readonly note: string | null
  readonly accepted_at: Date | null
  readonly closed_at: Date | null
  readonly created_at: Date
  readonly updated_at: Date
}

const reports = sql`
  SELECT p.id, p.facility_id, f.name AS facility_name, f.venue_id, v.name AS venue_name, p.user_id, p.description, p.status, p.note,
    p.accepted_at, p.closed_at, p.created_at, p.updated_at
  FROM repair_reports p JOIN facilities f ON f.id = p.facility_id JOIN venues v ON v.id = f.venue_id`

export interface RepairFilter {
  readonly userId?: number | undefined
  readonly status?: RepairStatus | undefined
  readonly facilityId?: number | undefined
  readonly venueId?: number | undefined
}

const SORTS = { created_at: sql`p.created_at`, id: sql`p.id` } as const
export type RepairSort = keyof typeof SORTS

/** One report, or null. */
export async function findReport(db: Database, id: number): Promise<RepairReport | null> {
  const { rows } = await sql<RepairReport>`${reports} WHERE p.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** One page of the reports, and how many there are. */
export async function listReports(
  db: Database,
  { userId, status, facilityId, venueId }: RepairFilter,
  page: PageOf<RepairSort>,
): Promise<{ readonly items: readonly RepairReport[]; readonly total: number }> {
  return await readPage<RepairReport>(db, {
    select: reports,
    counted: sql`repair_reports p JOIN facilities f ON f.id = p.facility_id`,
    conditions: [
      userId !== undefined && sql`p.user_id = ${userId}`,
      status !== undefined && sql`p.status = ${status}`,
      facilityId !== undefined && sql`p.facility_id = ${facilityId}`,
      venueId !== undefined && sql`f.venue_id = ${venueId}`,
    ],
    page: pageClause(page, SORTS, sql`p.id`),
  })
}

/** Writes a report down: null when there is no such facility. */
export async function insertReport(
  tx: Transaction,
  report: { readonly facilityId: number; readonly userId: number; readonly description: string; readonly now: Date },
): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO repair_reports (facility_id, user_id, description, created_at, updated_at)
    SELECT f.id, ${report.userId}::bigint, ${report.description}::text, ${report.now}::timestamptz, ${report.now}::timestamptz
    FROM facilities f JOIN venues v ON v.id = f.venue_id
    WHERE f.id = ${report.facilityId} AND f.deleted_at IS NULL AND v.deleted_at IS NULL RETURNING id`.execute(tx)
  return rows[0]?.id ?? null
}

/** Moves a report to another state where the lifecycle allows it: false when it is in a state that may not. */
export async function moveReport(
  tx: Transaction,
  id: number,
  to: { readonly status: Decision; readonly note: string | null; readonly by: number; readonly now: Date },
): Promise<boolean> {
  const accepted = to.status === 'accepted' ? sql`${to.now}::timestamptz` : sql`accepted_at`
  const closed = to.status === 'accepted' ? sql`NULL` : sql`${to.now}::timestamptz`
  const { rows } = await sql`
    UPDATE repair_reports SET status = ${to.status}, note = coalesce(${to.note}, note), handled_by = ${to.by}, accepted_at = ${accepted},
      closed_at = ${closed}, updated_at = ${to.now}
    WHERE id = ${id} AND status IN (${sql.join([...repairLifecycle.sourcesOf(to.status)])}) RETURNING id`.execute(tx)
  return rows.length > 0
}

/**
 * Makes the status of a report's facility what its reports say: broken while one is accepted, available when the last one was dealt with. Answers the
 * status before and after, null when nothing changed. The facility is locked first, so that two reports of one facility follow each other.
 */
export async function settleFacility(
  tx: Transaction,
  facilityId: number,
  wasAccepted: boolean,
  now: Date,
): Promise<readonly [string, string] | null> {
  const { rows } = await sql<{ before: string; broken: boolean }>`
    SELECT f.status AS before, EXISTS (SELECT FROM repair_reports p WHERE p.facility_id = f.id AND p.status = 'accepted') AS broken
    FROM facilities f WHERE f.id = ${facilityId}`.execute(tx)
  const [facility] = rows
  if (!facility) return null
  const after = facility.broken ? 'broken' : wasAccepted && facility.before === 'broken' ? 'available' : facility.before
  if (after === facility.before) return null
  await sql`UPDATE facilities SET status = ${after}, updated_at = ${now} WHERE id = ${facilityId}`.execute(tx)
  return [facility.before, after]
}

/** Locks the facility of a report; answers it with the report's state and what the notification says, null when there is no such report. */
export async function lockReport(
  tx: Transaction,
  id: number,
): Promise<{
  facilityId: number
  facilityName: string
  venueName: string
  userId: number
  status: RepairStatus
} | null> {
  const { rows } = await sql<{
    facilityId: number
    facilityName: string
    venueName: string
    userId: number
    status: RepairStatus
  }>`
    SELECT f.id AS "facilityId", f.name AS "facilityName", v.name AS "venueName", p.user_id AS "userId", p.status
    FROM repair_reports p JOIN facilities f ON f.id = p.facility_id JOIN venues v ON v.id = f.venue_id
    WHERE p.id = ${id} FOR UPDATE OF f, p`.execute(tx)
  return rows[0] ?? null
}
