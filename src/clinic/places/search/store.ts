import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { contains } from '../../../kernel/database/lists.ts'

/** A doctor or department that a search found. */
export interface Found {
  readonly type: 'doctor' | 'department'
  readonly id: number
  readonly name: string
  readonly title: string | null
  readonly specialty: string | null
  readonly deptId: number
  readonly deptName: string
}

/**
 * Departments and doctors whose name, specialty or pinyin initials contain a text, and how many there are. At most
 * `limit` of each.
 */
export async function search(
  db: Database,
  text: string,
  limit: number,
): Promise<{ readonly found: readonly Found[]; readonly departments: number; readonly doctors: number }> {
  const departments = await sql<Found & { total: number }>`
    SELECT
      'department' AS type, m.minor_dept_id AS id, m.name, NULL AS title, m.description AS specialty,
      m.minor_dept_id AS "deptId", m.name AS "deptName", (count(*) OVER ())::int AS total
    FROM minor_department m
    WHERE m.deleted_at IS NULL AND ${contains(text, sql`m.name`, sql`m.initials`)}
    ORDER BY m.minor_dept_id
    LIMIT ${limit}`.execute(db)
  const doctors = await sql<Found & { total: number }>`
    SELECT
      'doctor' AS type, d.doctor_id AS id, d.name, d.title, d.specialty, d.dept_id AS "deptId", m.name AS "deptName",
      (count(*) OVER ())::int AS total
    FROM doctor d
    JOIN minor_department m ON m.minor_dept_id = d.dept_id
    WHERE d.deleted_at IS NULL AND ${contains(text, sql`d.name`, sql`d.specialty`, sql`d.initials`)}
    ORDER BY d.doctor_id
    LIMIT ${limit}`.execute(db)
  return {
    found: [...departments.rows, ...doctors.rows],
    departments: departments.rows[0]?.total ?? 0,
    doctors: doctors.rows[0]?.total ?? 0,
  }
}
