import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import { type Decision, type RepairStatus, repairLifecycle } from './rules.ts'

/** A person's report that a facility needs repair. */
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

/** Query for reports, as `p`, with the facility `f` and its venue `v`. */
function reports(db: Database) {
  return db
    .selectFrom('repair_reports as p')
    .innerJoin('facilities as f', 'f.id', 'p.facility_id')
    .innerJoin('venues as v', 'v.id', 'f.venue_id')
}

const withColumns = (db: Database) =>
  reports(db)
    .select(['p.id', 'p.facility_id', 'f.name as facility_name', 'f.venue_id', 'v.name as venue_name', 'p.user_id'])
    .select(['p.description', 'p.status', 'p.note', 'p.accepted_at', 'p.closed_at', 'p.created_at', 'p.updated_at'])

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
  return (await withColumns(db).where('p.id', '=', id).executeTakeFirst()) ?? null
}

/** One page of the reports, and their total number. */
export async function listReports(
  db: Database,
  { userId, status, facilityId, venueId }: RepairFilter,
  page: PageOf<RepairSort>,
): Promise<{ readonly items: readonly RepairReport[]; readonly total: number }> {
  return await readPage<RepairReport>(db, {
    select: withColumns(db),
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

/** Inserts a report and returns its id; null when there is no such facility. */
export async function insertReport(
  tx: Transaction,
  report: { readonly facilityId: number; readonly userId: number; readonly description: string; readonly now: Date },
): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO repair_reports (facility_id, user_id, description, created_at, updated_at)
    SELECT
      f.id, ${report.userId}::bigint, ${report.description}::text,
      ${report.now}::timestamptz, ${report.now}::timestamptz
    FROM facilities f
    JOIN venues v ON v.id = f.venue_id
    WHERE f.id = ${report.facilityId} AND f.deleted_at IS NULL AND v.deleted_at IS NULL
    RETURNING id`.execute(tx)
  return rows[0]?.id ?? null
}

/** Moves a report to another state. Returns false if the lifecycle does not allow it. */
export async function moveReport(
  tx: Transaction,
  id: number,
  to: { readonly status: Decision; readonly note: string | null; readonly by: number; readonly now: Date },
): Promise<boolean> {
  const moved = await tx
    .updateTable('repair_reports')
    .set((eb) => ({
      status: to.status,
      note: eb.fn.coalesce(sql<string | null>`${to.note}::text`, 'note'),
      handled_by: to.by,
      updated_at: to.now,
      ...(to.status === 'accepted' ? { accepted_at: to.now, closed_at: null } : { closed_at: to.now }),
    }))
    .where('id', '=', id)
    .where('status', 'in', among([...repairLifecycle.sourcesOf(to.status)]))
    .returning('id')
    .executeTakeFirst()
  return moved !== undefined
}

/**
 * Sets the status of a facility from its reports: broken while one is accepted, available when the last accepted one is
 * closed. Returns the status before and after, or null when nothing changed. The facility must be locked first, so that
 * two reports of one facility are handled one after the other.
 */
export async function updateFacilityStatus(
  tx: Transaction,
  facilityId: number,
  wasAccepted: boolean,
  now: Date,
): Promise<readonly [string, string] | null> {
  const facility = await tx
    .selectFrom('facilities as f')
    .select('f.status as before')
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom('repair_reports as p')
          .select('p.id')
          .whereRef('p.facility_id', '=', 'f.id')
          .where('p.status', '=', sql.lit('accepted')),
      ).as('broken'),
    )
    .where('f.id', '=', facilityId)
    .executeTakeFirst()
  if (!facility) return null
  const after = facility.broken ? 'broken' : wasAccepted && facility.before === 'broken' ? 'available' : facility.before
  if (after === facility.before) return null
  await tx.updateTable('facilities').set({ status: after, updated_at: now }).where('id', '=', facilityId).execute()
  return [facility.before, after]
}

/** Locks a report and its facility. Returns the data for the notification, or null when there is no such report. */
export async function lockReport(tx: Transaction, id: number) {
  const report = await reports(tx)
    .select(['f.id as facilityId', 'f.name as facilityName', 'v.name as venueName', 'p.user_id as userId', 'p.status'])
    .where('p.id', '=', id)
    .forUpdate(['f', 'p'])
    .executeTakeFirst()
  return report ?? null
}
