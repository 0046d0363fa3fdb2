import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { SlotType, TimeSection } from '../../core/types.ts'

// All figures come from the schedules, which keep the numbers of their orders in the same transaction: registrations
// are the numbers given out (by visit date, cancelled orders not counted), money is what was paid minus refunds.

/** Local dates, both included. */
export interface Period {
  readonly from: string
  readonly to: string
}

/** What figures are of; nothing: the whole hospital. */
export interface Subject {
  readonly areaId?: number
  readonly deptId?: number
  readonly doctorId?: number
}

/** Figures of a group; money in fen. */
export interface Figures {
  readonly registrations: number
  readonly completed: number
  readonly revenue: number
}

const figures = sql`
  coalesce(sum(s.total_slots - s.remaining_slots), 0)::int AS registrations,
  coalesce(sum(s.completed), 0)::int AS completed,
  coalesce(sum(s.revenue), 0)::bigint AS revenue`

function within({ from, to }: Period, { areaId, deptId, doctorId }: Subject): RawBuilder<unknown> {
  const area = areaId !== undefined && sql` AND s.clinic_id IN (SELECT clinic_id FROM clinic WHERE area_id = ${areaId})`
  return sql`
    s.date BETWEEN ${from}::date AND ${to}::date
    ${area || sql``}
    ${deptId === undefined ? sql`` : sql`AND s.minor_dept_id = ${deptId}`}
    ${doctorId === undefined ? sql`` : sql`AND s.doctor_id = ${doctorId}`}`
}

/** Figures by kind of number. */
export async function bySlotType(
  db: Database,
  period: Period,
  subject: Subject,
): Promise<readonly (Figures & { readonly slotType: SlotType })[]> {
  const { rows } = await sql<Figures & { slotType: SlotType }>`
    SELECT s.slot_type AS "slotType", ${figures}
    FROM schedule s
    WHERE ${within(period, subject)}
    GROUP BY 1`.execute(db)
  return rows
}

/** Registrations by section of the day. */
export async function bySection(
  db: Database,
  period: Period,
  subject: Subject,
): Promise<readonly (Figures & { readonly timeSection: TimeSection })[]> {
  const { rows } = await sql<Figures & { timeSection: TimeSection }>`
    SELECT s.time_section AS "timeSection", ${figures}
    FROM schedule s
    WHERE ${within(period, subject)}
    GROUP BY 1`.execute(db)
  return rows
}

export interface DepartmentFigures extends Figures {
  readonly deptId: number
  readonly deptName: string
}

type RankedBy = 'registrations' | 'revenue'

const order = (by: RankedBy, id: string) =>
  by === 'revenue'
    ? sql`ORDER BY revenue DESC, registrations DESC, ${sql.ref(id)}`
    : sql`ORDER BY registrations DESC, revenue DESC, ${sql.ref(id)}`

/** Figures by minor department, the largest first. Departments without any are left out. */
export async function byDepartment(
  db: Database,
  period: Period,
  subject: Subject,
  { by, limit }: { readonly by: RankedBy; readonly limit: number },
): Promise<readonly DepartmentFigures[]> {
  const { rows } = await sql<DepartmentFigures>`
    SELECT f.dept_id AS "deptId", m.name AS "deptName", f.registrations, f.completed, f.revenue
    FROM (
      SELECT s.minor_dept_id AS dept_id, ${figures}
      FROM schedule s
      WHERE ${within(period, subject)}
      GROUP BY 1
    ) f
    JOIN minor_department m ON m.minor_dept_id = f.dept_id
    WHERE f.registrations > 0 OR f.revenue > 0
    ${order(by, 'f.dept_id')}
    LIMIT ${limit}`.execute(db)
  return rows
}

export interface DoctorFigures extends Figures {
  readonly doctorId: number
  readonly doctorName: string
  readonly title: string | null
  readonly deptName: string
}

/** Figures by doctor, the largest first. Doctors without any are left out. */
export async function byDoctor(
  db: Database,
  period: Period,
  subject: Subject,
  { by, limit }: { readonly by: RankedBy; readonly limit: number },
): Promise<readonly DoctorFigures[]> {
  const { rows } = await sql<DoctorFigures>`
    SELECT
      f.doctor_id AS "doctorId", d.name AS "doctorName", d.title, m.name AS "deptName", f.registrations, f.completed,
      f.revenue
    FROM (
      SELECT s.doctor_id, ${figures}
      FROM schedule s
      WHERE ${within(period, subject)}
      GROUP BY 1
    ) f
    JOIN doctor d ON d.doctor_id = f.doctor_id
    JOIN minor_department m ON m.minor_dept_id = d.dept_id
    WHERE f.registrations > 0 OR f.revenue > 0
    ${order(by, 'f.doctor_id')}
    LIMIT ${limit}`.execute(db)
  return rows
}

export interface ScheduleFigures {
  readonly scheduleId: number
  readonly clinicName: string
  readonly date: string
  readonly timeSection: TimeSection
  readonly slotType: SlotType
  readonly registrations: number
  readonly totalSlots: number
}

/** The schedules of a doctor with their use, in order. Deleted ones that had no orders are left out. */
export async function schedulesOf(db: Database, period: Period, doctorId: number): Promise<readonly ScheduleFigures[]> {
  const { rows } = await sql<ScheduleFigures>`
    SELECT
      s.schedule_id AS "scheduleId", k.name AS "clinicName", s.date, s.time_section AS "timeSection",
      s.slot_type AS "slotType", s.total_slots - s.remaining_slots AS registrations, s.total_slots AS "totalSlots"
    FROM schedule s
    JOIN clinic k ON k.clinic_id = s.clinic_id
    WHERE ${within(period, { doctorId })} AND (s.deleted_at IS NULL OR s.remaining_slots < s.total_slots)
    ORDER BY s.date, array_position(ARRAY['上午', '下午', '晚上'], s.time_section), s.schedule_id`.execute(db)
  return rows
}

/** Names of an area, department or doctor; undefined if there is none. Deleted ones keep their figures. */
export async function nameOf(
  db: Database,
  { areaId, deptId, doctorId }: Subject,
): Promise<{ readonly name: string; readonly title: string | null } | undefined> {
  const { rows } = await sql<{ name: string; title: string | null }>`
    SELECT name, NULL AS title FROM hospital_area WHERE area_id = ${areaId ?? null}
    UNION ALL
    SELECT name, NULL FROM minor_department WHERE minor_dept_id = ${deptId ?? null}
    UNION ALL
    SELECT name, title FROM doctor WHERE doctor_id = ${doctorId ?? null}`.execute(db)
  return rows[0]
}

/** The number of people with an account. */
export async function countUsers(db: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM users WHERE status <> 'deleted'`.execute(
    db,
  )
  return rows[0]?.count ?? 0
}
