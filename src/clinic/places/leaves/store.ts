import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import type { FileRow } from '../../../kernel/files/store.ts'
import { ATTACHMENT } from '../../core/attachments.ts'
import type { Decided, Verdict } from '../../core/decisions/fields.ts'
import { SECTIONS_OF_SHIFT, type Shift, type TimeSection } from '../../core/types.ts'

/** A request of a doctor for leave. */
export interface Leave extends Decided {
  readonly id: number
  readonly doctorId: number
  readonly doctorName: string
  readonly doctorTitle: string | null
  readonly doctorUserId: number | null
  readonly deptId: number
  readonly deptName: string
  readonly from: string
  readonly to: string
  readonly shift: Shift
  readonly reason: string
  readonly attachments: readonly string[]
  readonly submitTime: Date
  readonly auditorName: string | null
  /** The sessions that the leave concerns, also those that its approval deleted: `2026-03-05 上午 心内科门诊`. */
  readonly sessions: readonly string[]
}

/** SQL: whether the section of a schedule `s` is in the shift of a leave `a`. */
const inShift = sql`(a.shift = 'full' OR s.time_section =
  CASE a.shift WHEN 'morning' THEN '上午' WHEN 'afternoon' THEN '下午' ELSE '晚上' END)`

const columns = sql`
    SELECT
      a.audit_id AS id, a.doctor_id AS "doctorId", d.name AS "doctorName", d.title AS "doctorTitle",
      d.user_id AS "doctorUserId", d.dept_id AS "deptId", m.name AS "deptName", a.leave_start_date AS "from",
      a.leave_end_date AS "to", a.shift, a.reason, a.attachment_data_json AS attachments,
      a.submit_time AS "submitTime", a.status, a.auditor_user_id AS "auditorUserId", u.display_name AS "auditorName",
      a.audit_time AS "auditTime", a.audit_remark AS "auditRemark",
      ARRAY (
        SELECT s.date || ' ' || s.time_section || ' ' || k.name
        FROM schedule s
        JOIN clinic k ON k.clinic_id = s.clinic_id
        WHERE s.doctor_id = a.doctor_id AND s.date BETWEEN a.leave_start_date AND a.leave_end_date AND ${inShift}
          AND (s.deleted_at IS NULL OR s.deleted_at = a.audit_time)
        ORDER BY s.date, array_position(ARRAY['上午', '下午', '晚上'], s.time_section)
      ) AS sessions
    FROM leave_audit a
    JOIN doctor d ON d.doctor_id = a.doctor_id
    JOIN minor_department m ON m.minor_dept_id = d.dept_id
    LEFT JOIN users u ON u.id = a.auditor_user_id`

/** Filters and page of a list of leaves. */
export interface LeaveFilter {
  readonly status?: string | undefined
  readonly doctorId?: number
  readonly deptId?: number
  readonly limit: number
  readonly offset: number
}

const matching = ({ status, doctorId, deptId }: LeaveFilter) => sql`
    WHERE (${status ?? null}::text IS NULL OR a.status = ${status ?? null}::text)
      AND (${doctorId ?? null}::bigint IS NULL OR a.doctor_id = ${doctorId ?? null}::bigint)
      AND (${deptId ?? null}::bigint IS NULL OR d.dept_id = ${deptId ?? null}::bigint)`

/** A page of leaves, the newest first, and their number. */
export async function listLeaves(
  db: Database,
  filter: LeaveFilter,
): Promise<{ readonly items: readonly Leave[]; readonly total: number }> {
  const { rows: items } = await sql<Leave>`
    ${columns} ${matching(filter)}
    ORDER BY a.audit_id DESC
    LIMIT ${filter.limit} OFFSET ${filter.offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`
    SELECT count(*)::int AS total
    FROM leave_audit a
    JOIN doctor d ON d.doctor_id = a.doctor_id ${matching(filter)}`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** A leave by id. */
export async function findLeave(db: Database, id: number): Promise<Leave | undefined> {
  const { rows } = await sql<Leave>`${columns} WHERE a.audit_id = ${id}`.execute(db)
  return rows[0]
}

/** Locks a leave. */
export async function lockLeave(tx: Transaction, id: number): Promise<Leave | undefined> {
  const { rows } = await sql<Leave>`${columns} WHERE a.audit_id = ${id} FOR UPDATE OF a`.execute(tx)
  return rows[0]
}

/** Leaves of a doctor that touch a range of dates, and are pending or approved. */
export async function leavesWithin(
  db: Database,
  doctorId: number,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<readonly Pick<Leave, 'from' | 'to' | 'shift' | 'status'>[]> {
  const { rows } = await sql<Pick<Leave, 'from' | 'to' | 'shift' | 'status'>>`
    SELECT leave_start_date AS "from", leave_end_date AS "to", shift, status
    FROM leave_audit
    WHERE doctor_id = ${doctorId} AND leave_start_date <= ${to} AND leave_end_date >= ${from}
      AND status IN ('pending', 'approved')
    ORDER BY audit_id`.execute(db)
  return rows
}

/** Locks a doctor against other leaves, and against weeks that are approved meanwhile. */
export async function lockDoctor(tx: Transaction, doctorId: number): Promise<void> {
  await sql`SELECT FROM doctor WHERE doctor_id = ${doctorId} FOR NO KEY UPDATE`.execute(tx)
}

/** Adds a request for leave. */
export async function insertLeave(
  tx: Transaction,
  doctorId: number,
  leave: Pick<Leave, 'from' | 'to' | 'shift' | 'reason' | 'attachments'>,
  now: Date,
): Promise<number> {
  const { from, to, shift, reason, attachments } = leave
  const { rows } = await sql<{ id: number }>`
    INSERT INTO leave_audit (doctor_id, leave_start_date, leave_end_date, shift, reason, attachment_data_json, submit_time)
    VALUES (
      ${doctorId}, ${from}, ${to}, ${shift}, ${reason}, ${JSON.stringify(attachments)}::text::jsonb, ${now}
    )
    RETURNING audit_id AS id`.execute(tx)
  return inserted(rows).id
}

/** Writes the decision about a locked leave. */
export async function writeDecision(tx: Transaction, id: number, verdict: Verdict): Promise<void> {
  await sql`
    UPDATE leave_audit
    SET status = ${verdict.approves ? 'approved' : 'rejected'}, auditor_user_id = ${verdict.by},
      audit_time = ${verdict.now}, audit_remark = ${verdict.comment}
    WHERE audit_id = ${id}`.execute(tx)
}

/** A session that a leave concerns. */
export interface Session {
  readonly scheduleId: number
  readonly date: string
  readonly timeSection: TimeSection
  readonly status: string
}

/** The doctor's sessions of a leave from a date on. */
export async function sessionsOf(
  db: Database,
  { doctorId, from, to, shift }: Pick<Leave, 'doctorId' | 'from' | 'to' | 'shift'>,
  today: string,
): Promise<readonly Session[]> {
  const { rows } = await sql<Session>`
    SELECT schedule_id AS "scheduleId", date, time_section AS "timeSection", status
    FROM schedule
    WHERE doctor_id = ${doctorId} AND date BETWEEN greatest(${from}::date, ${today}::date) AND ${to}::date
      AND time_section = ANY (${[...SECTIONS_OF_SHIFT[shift]]}::text[]) AND deleted_at IS NULL
    ORDER BY schedule_id`.execute(db)
  return rows
}

/** Marks those of locked schedules as deleted that never had an order. */
export async function deleteUnused(tx: Transaction, ids: readonly number[], now: Date): Promise<void> {
  await sql`
    UPDATE schedule s
    SET deleted_at = ${now}, update_time = ${now}, revision = revision + 1
    WHERE s.schedule_id = ANY (${ids}::bigint[]) AND s.deleted_at IS NULL
      AND NOT EXISTS (SELECT FROM registration_order o WHERE o.schedule_id = s.schedule_id)`.execute(tx)
}

/** Marks a file of a user as used. Returns false if there is no such picture or PDF of theirs. */
export async function useAttachment(tx: Transaction, fileId: number, ownerId: number, now: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE files
    SET in_use = true, touched_at = ${now}
    WHERE id = ${fileId} AND owner_id = ${ownerId} AND purpose = ${ATTACHMENT}
      AND (content_type LIKE 'image/%' OR content_type = 'application/pdf')
    RETURNING id`.execute(tx)
  return rows.length === 1
}

/** A file that a user has uploaded, attached or not yet. */
export async function findUpload(
  db: Database,
  fileId: number,
  ownerId: number,
): Promise<Pick<FileRow, 'name' | 'content_type' | 'bytes'> | undefined> {
  return await db
    .selectFrom('files')
    .select(['name', 'content_type', 'bytes'])
    .where('id', '=', fileId)
    .where('owner_id', '=', ownerId)
    .where('purpose', '=', ATTACHMENT)
    .executeTakeFirst()
}

/** The file of an attachment, if a leave of the department (null: of any) has this path. */
export async function findAttachment(
  db: Database,
  { fileId, path, deptId }: { readonly fileId: number; readonly path: string; readonly deptId: number | null },
): Promise<Pick<FileRow, 'name' | 'content_type' | 'bytes'> | undefined> {
  const { rows } = await sql<Pick<FileRow, 'name' | 'content_type' | 'bytes'>>`
    SELECT f.name, f.content_type, f.bytes
    FROM files f
    WHERE f.id = ${fileId} AND f.purpose = ${ATTACHMENT} AND (f.content_type LIKE 'image/%' OR f.content_type = 'application/pdf')
      AND EXISTS (
        SELECT FROM leave_audit a
        JOIN doctor d ON d.doctor_id = a.doctor_id
        WHERE a.attachment_data_json @> ${JSON.stringify([path])}::text::jsonb
          AND (${deptId}::bigint IS NULL OR d.dept_id = ${deptId}::bigint)
      )`.execute(db)
  return rows[0]
}

/** Numbers of a department's leaves: pending ones, and those decided since an instant. */
export async function countLeaves(
  db: Database,
  deptId: number,
  since: Date,
): Promise<{ readonly pending: number; readonly approved: number; readonly rejected: number }> {
  const { rows } = await sql<{ pending: number; approved: number; rejected: number }>`
    SELECT
      (count(*) FILTER (WHERE a.status = 'pending'))::int AS pending,
      (count(*) FILTER (WHERE a.status = 'approved' AND a.audit_time >= ${since}))::int AS approved,
      (count(*) FILTER (WHERE a.status = 'rejected' AND a.audit_time >= ${since}))::int AS rejected
    FROM leave_audit a
    JOIN doctor d ON d.doctor_id = a.doctor_id
    WHERE d.dept_id = ${deptId}`.execute(db)
  return inserted(rows)
}
