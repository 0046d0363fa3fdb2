import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import type { Decided, Verdict } from '../../core/decisions/fields.ts'
import { SECTIONS_OF_SHIFT, type Shift, type TimeSection } from '../../core/types.ts'
import type { Grid, Session } from './rules.ts'

/** A submitted week of a clinic. */
export interface Week extends Decided {
  readonly id: number
  readonly deptId: number
  readonly deptName: string
  readonly clinicId: number
  readonly clinicName: string
  readonly submitterId: number
  readonly submitterName: string
  readonly submitterUserId: number | null
  readonly submitTime: Date
  readonly weekStart: string
  readonly remark: string | null
  readonly grid: Grid
  /** Names of the doctors in the grid, by id. */
  readonly names: Readonly<Record<string, string>>
}

const columns = sql`
    SELECT
      a.audit_id AS id, a.minor_dept_id AS "deptId", m.name AS "deptName", a.clinic_id AS "clinicId",
      k.name AS "clinicName", a.submitter_doctor_id AS "submitterId", d.name AS "submitterName",
      d.user_id AS "submitterUserId", a.submit_time AS "submitTime", a.week_start_date AS "weekStart", a.remark,
      a.schedule_data_json AS grid, a.status, a.auditor_user_id AS "auditorUserId", a.audit_time AS "auditTime",
      a.audit_remark AS "auditRemark",
      coalesce((
        SELECT jsonb_object_agg(x.doctor_id, x.name)
        FROM doctor x
        WHERE x.doctor_id IN (
          SELECT (cell->>'doctor_id')::bigint
          FROM jsonb_array_elements(a.schedule_data_json) day
          CROSS JOIN LATERAL jsonb_array_elements(day) cell
          WHERE jsonb_typeof(cell) = 'object'
        )
      ), '{}') AS names
    FROM schedule_audit a
    JOIN minor_department m ON m.minor_dept_id = a.minor_dept_id
    JOIN clinic k ON k.clinic_id = a.clinic_id
    JOIN doctor d ON d.doctor_id = a.submitter_doctor_id`

const MOST = 10_000

/** Submitted weeks, the newest first. */
export async function listWeeks(db: Database, status: string | undefined): Promise<readonly Week[]> {
  const { rows } = await sql<Week>`
    ${columns}
    WHERE ${status ?? null}::text IS NULL OR a.status = ${status ?? null}::text
    ORDER BY a.audit_id DESC
    LIMIT ${MOST}`.execute(db)
  return rows
}

/** A submitted week by id. */
export async function findWeek(db: Database, id: number): Promise<Week | undefined> {
  const { rows } = await sql<Week>`${columns} WHERE a.audit_id = ${id}`.execute(db)
  return rows[0]
}

/** Locks a submitted week. */
export async function lockWeek(tx: Transaction, id: number): Promise<Week | undefined> {
  const { rows } = await sql<Week>`${columns} WHERE a.audit_id = ${id} FOR UPDATE OF a`.execute(tx)
  return rows[0]
}

/** Adds a submitted week. @throws Invalid `already_submitted` by constraint while one of the clinic is pending. */
export async function insertWeek(
  tx: Transaction,
  week: Pick<Week, 'deptId' | 'clinicId' | 'submitterId' | 'weekStart' | 'remark' | 'grid'>,
  now: Date,
): Promise<number> {
  const { deptId, clinicId, submitterId, weekStart, remark, grid } = week
  const { rows } = await sql<{ id: number }>`
    INSERT INTO schedule_audit (
      minor_dept_id, clinic_id, submitter_doctor_id, week_start_date, schedule_data_json, remark, submit_time
    )
    VALUES (
      ${deptId}, ${clinicId}, ${submitterId}, ${weekStart}, ${JSON.stringify(grid)}::text::jsonb, ${remark}, ${now}
    )
    RETURNING audit_id AS id`.execute(tx)
  return inserted(rows).id
}

/** Writes the decision about a locked week. */
export async function writeDecision(tx: Transaction, id: number, verdict: Verdict): Promise<void> {
  await sql`
    UPDATE schedule_audit
    SET status = ${verdict.approves ? 'approved' : 'rejected'}, auditor_user_id = ${verdict.by},
      audit_time = ${verdict.now}, audit_remark = ${verdict.comment}
    WHERE audit_id = ${id}`.execute(tx)
}

/** Locks doctors against leaves and deletion, and returns the ids of those that exist. */
export async function keepDoctors(tx: Transaction, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ id: number }>`
    SELECT doctor_id AS id
    FROM doctor
    WHERE doctor_id = ANY (${ids}::bigint[]) AND deleted_at IS NULL
    ORDER BY doctor_id
    FOR SHARE`.execute(tx)
  return new Set(rows.map(({ id }) => id))
}

/** A priced session. The price is in fen. */
export interface PricedSession extends Session {
  readonly clinicId: number
  readonly deptId: number
}

/** Inserts sessions in one statement. Returns those whose doctor has another session then: they were not inserted. */
export async function insertSessions(
  tx: Transaction,
  sessions: readonly PricedSession[],
  now: Date,
): Promise<readonly PricedSession[]> {
  const { rows } = await sql<{ doctorId: number; date: string; timeSection: TimeSection }>`
    INSERT INTO schedule (
      doctor_id, clinic_id, minor_dept_id, date, time_section, slot_type, total_slots, remaining_slots, price,
      create_time, update_time
    )
    SELECT
      a."doctorId", a."clinicId", a."deptId", a.date, a."timeSection", a."slotType", a."totalSlots", a."totalSlots",
      a.price, ${now}, ${now}
    FROM jsonb_to_recordset(${JSON.stringify(sessions)}::text::jsonb) AS a
      ("doctorId" bigint, "clinicId" bigint, "deptId" bigint, date date, "timeSection" text, "slotType" text,
       "totalSlots" int, price int)
    ORDER BY a."doctorId", a.date, a."timeSection"
    ON CONFLICT (doctor_id, date, time_section) WHERE deleted_at IS NULL DO NOTHING
    RETURNING doctor_id AS "doctorId", date, time_section AS "timeSection"`.execute(tx)
  const made = new Set(rows.map((row) => `${row.doctorId} ${row.date} ${row.timeSection}`))
  return sessions.filter((one) => !made.has(`${one.doctorId} ${one.date} ${one.timeSection}`))
}

/** Whether doctors have an approved leave in sections: those sessions that fall into one. */
export async function onLeave<One extends Pick<Session, 'doctorId' | 'date' | 'timeSection'>>(
  db: Database,
  sessions: readonly One[],
): Promise<readonly One[]> {
  const { rows } = await sql<{ doctorId: number; from: string; to: string; shift: Shift }>`
    SELECT doctor_id AS "doctorId", leave_start_date AS "from", leave_end_date AS "to", shift
    FROM leave_audit
    WHERE doctor_id = ANY (${sessions.map(({ doctorId }) => doctorId)}::bigint[]) AND status = 'approved'`.execute(db)
  return sessions.filter(({ doctorId, date, timeSection }) =>
    rows.some(
      (leave) =>
        leave.doctorId === doctorId &&
        leave.from <= date &&
        date <= leave.to &&
        SECTIONS_OF_SHIFT[leave.shift].includes(timeSection),
    ),
  )
}

/** A clinic of a department. */
export async function clinicsOf(
  db: Database,
  deptId: number,
): Promise<readonly { readonly id: number; readonly name: string; readonly clinicType: number }[]> {
  const { rows } = await sql<{ id: number; name: string; clinicType: number }>`
    SELECT clinic_id AS id, name, clinic_type AS "clinicType"
    FROM clinic
    WHERE minor_dept_id = ${deptId} AND deleted_at IS NULL
    ORDER BY clinic_id`.execute(db)
  return rows
}

/** The doctors of a department. */
export async function doctorsOf(
  db: Database,
  deptId: number,
): Promise<readonly { readonly id: number; readonly name: string; readonly title: string | null }[]> {
  const { rows } = await sql<{ id: number; name: string; title: string | null }>`
    SELECT doctor_id AS id, name, title
    FROM doctor
    WHERE dept_id = ${deptId} AND deleted_at IS NULL
    ORDER BY doctor_id`.execute(db)
  return rows
}

/** The sessions of a department's doctors, wherever they are, in a range of dates. */
export async function sessionsOfDoctors(
  db: Database,
  doctorIds: readonly number[],
  { from, to }: { readonly from: string; readonly to: string },
): Promise<readonly Pick<PricedSession, 'doctorId' | 'clinicId' | 'date' | 'timeSection'>[]> {
  const { rows } = await sql<Pick<PricedSession, 'doctorId' | 'clinicId' | 'date' | 'timeSection'>>`
    SELECT doctor_id AS "doctorId", clinic_id AS "clinicId", date, time_section AS "timeSection"
    FROM schedule
    WHERE doctor_id = ANY (${doctorIds}::bigint[]) AND date BETWEEN ${from} AND ${to} AND deleted_at IS NULL`.execute(
    db,
  )
  return rows
}
