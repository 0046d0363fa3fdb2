import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { NORMAL, type TimeSection } from '../../core/types.ts'

/** A session of a doctor with the record of their presence. */
export interface Session {
  readonly scheduleId: number
  readonly doctorId: number
  readonly date: string
  readonly timeSection: TimeSection
  readonly areaName: string
  readonly clinicName: string
  readonly clinicAddress: string | null
  readonly status: 'checked_in' | 'checked_out' | 'absent' | null
  readonly recordId: number | null
  readonly checkinTime: Date | null
  readonly checkoutTime: Date | null
}

/** SQL: sessions `s` with their clinic `k`, area `a` and record `r`. Stopped and deleted ones are not attended. */
const sessions = (db: Database) =>
  db
    .selectFrom('schedule as s')
    .innerJoin('clinic as k', 'k.clinic_id', 's.clinic_id')
    .innerJoin('hospital_area as a', 'a.area_id', 'k.area_id')
    .leftJoin('attendance_record as r', 'r.schedule_id', 's.schedule_id')
    .select(['s.schedule_id as scheduleId', 's.doctor_id as doctorId', 's.date', 's.time_section as timeSection'])
    .select(['a.name as areaName', 'k.name as clinicName', 'k.address as clinicAddress', 'r.status'])
    .select(['r.record_id as recordId', 'r.checkin_time as checkinTime', 'r.checkout_time as checkoutTime'])
    .where('s.status', '=', NORMAL)
    .where('s.deleted_at', 'is', null)

/** SQL: sections in the order of the day. */
const sectionOrder = sql`array_position(ARRAY['上午', '下午', '晚上'], s.time_section)`

/** The sessions of a doctor on a date, in the order of the day. */
export async function sessionsOn(db: Database, doctorId: number, date: string): Promise<readonly Session[]> {
  return await sessions(db)
    .where('s.doctor_id', '=', doctorId)
    .where('s.date', '=', date)
    .orderBy(sectionOrder)
    .execute()
}

/** Locks one of a doctor's sessions. Undefined if it is stopped, deleted, another doctor's, or there is none. */
export async function lockSession(tx: Transaction, scheduleId: number, doctorId: number): Promise<Session | undefined> {
  return await sessions(tx)
    .where('s.schedule_id', '=', scheduleId)
    .where('s.doctor_id', '=', doctorId)
    .forNoKeyUpdate('s')
    .executeTakeFirst()
}

/** A place on earth; its parts may be unknown. */
export interface Position {
  readonly latitude: number | null
  readonly longitude: number | null
}

/** Writes that a doctor has come. Returns false, and changes nothing, if the session has a record. */
export async function writeCheckIn(
  tx: Transaction,
  { scheduleId, doctorId }: Pick<Session, 'scheduleId' | 'doctorId'>,
  { latitude, longitude }: Position,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO attendance_record (
      schedule_id, doctor_id, status, checkin_time, checkin_lat, checkin_lng, create_time)
    VALUES (${scheduleId}, ${doctorId}, 'checked_in', ${now}, ${latitude}, ${longitude}, ${now})
    ON CONFLICT ON CONSTRAINT attendance_record_schedule DO NOTHING
    RETURNING record_id`.execute(tx)
  return rows.length === 1
}

/** Writes that a doctor has left. Returns false, and changes nothing, unless they are there. */
export async function writeCheckOut(
  tx: Transaction,
  scheduleId: number,
  { latitude, longitude }: Position,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE attendance_record
    SET status = 'checked_out', checkout_time = ${now}, checkout_lat = ${latitude}, checkout_lng = ${longitude}
    WHERE schedule_id = ${scheduleId} AND status = 'checked_in'
    RETURNING record_id`.execute(tx)
  return rows.length === 1
}

/** Numbers of a doctor's patients on a date. */
export interface Figures {
  readonly pending: number
  readonly ongoing: number
  readonly completed: number
}

/** How many patients of a doctor wait, are being seen, and were seen on a date. */
export async function figuresOn(db: Database, doctorId: number, date: string): Promise<Figures> {
  const { rows } = await sql<Figures>`
    SELECT
      count(*) FILTER (WHERE o.status = 'confirmed' AND NOT o.is_calling)::int AS pending,
      count(*) FILTER (WHERE o.is_calling)::int AS ongoing,
      count(*) FILTER (WHERE o.status = 'completed')::int AS completed
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    WHERE s.doctor_id = ${doctorId} AND s.date = ${date}::date`.execute(db)
  return rows[0] ?? { pending: 0, ongoing: 0, completed: 0 }
}

/** A visit that is over. */
export interface Consultation {
  readonly orderId: number
  readonly patientName: string
  readonly completedTime: Date | null
  readonly diagnosis: string | null
}

/** The last visits of a doctor, the newest first. */
export async function recentConsultations(
  db: Database,
  doctorId: number,
  limit: number,
): Promise<readonly Consultation[]> {
  const { rows } = await sql<Consultation>`
    SELECT
      o.order_id AS "orderId", p.name AS "patientName", o.completed_time AS "completedTime", v.diagnosis
    FROM registration_order o
    JOIN schedule s ON s.schedule_id = o.schedule_id
    JOIN patient p ON p.patient_id = o.patient_id
    LEFT JOIN visit_history v ON v.order_id = o.order_id
    WHERE s.doctor_id = ${doctorId} AND o.status = 'completed'
    ORDER BY o.completed_time DESC, o.order_id DESC
    LIMIT ${limit}`.execute(db)
  return rows
}

/** A page of a doctor's sessions with a record, from one date to another, the latest first. */
export async function listRecords(
  db: Database,
  doctorId: number,
  query: {
    readonly from: string | undefined
    readonly to: string | undefined
    readonly limit: number
    readonly offset: number
  },
): Promise<{ readonly items: readonly Session[]; readonly total: number }> {
  let matching = db
    .selectFrom('attendance_record as r')
    .innerJoin('schedule as s', 's.schedule_id', 'r.schedule_id')
    .innerJoin('clinic as k', 'k.clinic_id', 's.clinic_id')
    .innerJoin('hospital_area as a', 'a.area_id', 'k.area_id')
    .where('r.doctor_id', '=', doctorId)
  if (query.from !== undefined) matching = matching.where('s.date', '>=', query.from)
  if (query.to !== undefined) matching = matching.where('s.date', '<=', query.to)
  const items = await matching
    .select(['s.schedule_id as scheduleId', 'r.doctor_id as doctorId', 's.date', 's.time_section as timeSection'])
    .select(['a.name as areaName', 'k.name as clinicName', 'k.address as clinicAddress', 'r.status'])
    .select(['r.record_id as recordId', 'r.checkin_time as checkinTime', 'r.checkout_time as checkoutTime'])
    .orderBy('s.date', 'desc')
    .orderBy('r.record_id', 'desc')
    .limit(query.limit)
    .offset(query.offset)
    .execute()
  const { total } = await matching.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  return { items, total }
}

/** The range of dates of a marking or a figure, both included. */
export interface Range {
  readonly from: string
  readonly to: string
}

/** Marks the doctors of all sessions without a record as absent. Returns the dates of those that were marked. */
export async function markAbsent(
  tx: Transaction,
  { from, to }: Range,
  by: number,
  now: Date,
): Promise<readonly string[]> {
  const { rows } = await sql<{ date: string }>`
    WITH marked AS (
      INSERT INTO attendance_record (schedule_id, doctor_id, status, marked_by, create_time)
      SELECT s.schedule_id, s.doctor_id, 'absent', ${by}, ${now}
      FROM schedule s
      WHERE s.date BETWEEN ${from}::date AND ${to}::date AND s.status = ${NORMAL} AND s.deleted_at IS NULL
      ORDER BY s.schedule_id
      ON CONFLICT ON CONSTRAINT attendance_record_schedule DO NOTHING
      RETURNING schedule_id
    )
    SELECT s.date FROM marked JOIN schedule s USING (schedule_id) ORDER BY s.date`.execute(tx)
  return rows.map(({ date }) => date)
}

/** Absences of a doctor. */
export interface DoctorAbsences {
  readonly doctorId: number
  readonly doctorName: string
  readonly deptName: string
  readonly absent: number
}

/** How often doctors were absent in a range, the most absent first. */
export async function absencesByDoctor(db: Database, { from, to }: Range): Promise<readonly DoctorAbsences[]> {
  const { rows } = await sql<DoctorAbsences>`
    SELECT d.doctor_id AS "doctorId", d.name AS "doctorName", m.name AS "deptName", count(*)::int AS absent
    FROM attendance_record r
    JOIN schedule s ON s.schedule_id = r.schedule_id
    JOIN doctor d ON d.doctor_id = r.doctor_id
    JOIN minor_department m ON m.minor_dept_id = d.dept_id
    WHERE r.status = 'absent' AND s.date BETWEEN ${from}::date AND ${to}::date
    GROUP BY d.doctor_id, m.name
    ORDER BY absent DESC, d.doctor_id`.execute(db)
  return rows
}

/** Dates of the absences in a range, one for each absence. */
export async function absentDates(db: Database, { from, to }: Range): Promise<readonly string[]> {
  const { rows } = await sql<{ date: string }>`
    SELECT s.date
    FROM attendance_record r
    JOIN schedule s ON s.schedule_id = r.schedule_id
    WHERE r.status = 'absent' AND s.date BETWEEN ${from}::date AND ${to}::date
    ORDER BY s.date`.execute(db)
  return rows.map(({ date }) => date)
}
