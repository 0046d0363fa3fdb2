import { sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'
import { gathered, inOrderOf } from '../../kernel/database/gather.ts'
import { Stale } from '../../kernel/database/transaction.ts'
import { moveNumbers, numberOfRank } from './numbersStore.ts'
import type { Facts } from './rules.ts'
import type { SourceType } from './states.ts'
import { NORMAL } from './types.ts'

/** An order to insert, with the facts of the decision about it. */
export interface OrderRow {
  readonly facts: Facts
  readonly initiatorId: number
  /** In fen. With a price of 0 the order is confirmed at once. */
  readonly price: number
  /** The instant at which the order expires if it is not paid. */
  readonly expiresAt: Date
  readonly symptoms: string
  readonly source: Extract<SourceType, 'normal' | 'walk_in'>
  readonly now: Date
  /** JSON texts for the outbox. The statement adds the order's id and number to the message, and its id to the log. */
  readonly message: string
  readonly operation: string
}

/**
 * Inserts an order, takes its number and adds its outbox row, in ONE statement that concurrent registrations share.
 * Guards: the patient's revision; the schedule's revision, state and numbers; nobody waits for it (staff need not care);
 * one order per patient and schedule. First come, first served.
 * @throws Stale when a guard no longer holds: nothing was written, the caller reads fresh facts and decides again.
 */
export async function insertOrder(db: Database, row: OrderRow): Promise<{ orderId: number; number: number }> {
  const made = await insertTogether(db, row)
  if (!made) throw new Stale()
  return { orderId: made.orderId, number: made.number }
}

interface MadeRow {
  readonly nth: number
  readonly orderId: number
  readonly number: number
}

const insertTogether = gathered(async (db, rows: readonly OrderRow[]): Promise<readonly (MadeRow | undefined)[]> => {
  const inserted = await registrationStatement(rows.map(valuesOf)).execute(db)
  return inOrderOf(rows, inserted.rows)
})

type Values = ReturnType<typeof valuesOf>

/** Values of a row as the statement reads them. */
function valuesOf({ facts: { schedule, patient }, ...row }: OrderRow, nth: number) {
  return {
    nth,
    patient: patient.id,
    patient_revision: patient.revision,
    schedule: schedule.id,
    schedule_revision: schedule.revision,
    initiator: row.initiatorId,
    price: row.price,
    status: row.price > 0 ? 'pending' : 'confirmed',
    payment: row.price > 0 ? 'pending' : 'paid',
    expires: row.price > 0 ? row.expiresAt : null,
    symptoms: row.symptoms,
    source: row.source,
    now: row.now,
    message: row.message,
    operation: row.operation,
  }
}

/** Keeps only the first row of each patient, since it raises the revision that the patient's other rows name. */
function oncePerPatient(rows: readonly Values[]): readonly Values[] {
  const patients = new Set<number>()
  return rows.filter(({ patient }) => !patients.has(patient) && patients.add(patient))
}

/**
 * Locks the rows that guards check in a fixed order (patients, then schedules, each by id), finds the orders that fit
 * the locked rows, gives each a number, and writes only those.
 */
function registrationStatement(rows: readonly Values[]) {
  return sql<MadeRow>`
    WITH asked AS MATERIALIZED (
      SELECT *
      FROM jsonb_to_recordset(${JSON.stringify(oncePerPatient(rows))}::text::jsonb) AS a
        (nth int, patient bigint, patient_revision int, schedule bigint, schedule_revision int, initiator bigint,
         price int, status text, payment text, expires timestamptz, symptoms text, source text, now timestamptz,
         message text, operation text)
    ), person AS (
      SELECT p.*
      FROM (SELECT patient, patient_revision FROM asked ORDER BY patient) a
      CROSS JOIN LATERAL (
        SELECT p.patient_id
        FROM patient p
        WHERE p.patient_id = a.patient AND p.revision = a.patient_revision AND p.deleted_at IS NULL
        FOR NO KEY UPDATE
      ) p
    ), place AS (
      SELECT s.*
      FROM (SELECT DISTINCT schedule FROM asked JOIN person ON patient_id = asked.patient ORDER BY schedule) a
      CROSS JOIN LATERAL (
        SELECT
          s.schedule_id, s.minor_dept_id, s.date, s.slot_type, s.revision, s.remaining_slots, s.last_no, s.free_nos
        FROM schedule s
        WHERE s.schedule_id = a.schedule AND s.status = ${sql.lit(NORMAL)} AND s.deleted_at IS NULL
          AND s.remaining_slots > 0
        FOR NO KEY UPDATE
      ) s
    ), ranked AS (
      SELECT a.*, row_number() OVER (PARTITION BY a.schedule ORDER BY a.nth)::int AS rank
      FROM asked a
      JOIN person p ON p.patient_id = a.patient
      JOIN place s ON s.schedule_id = a.schedule AND s.revision = a.schedule_revision
      WHERE a.source = 'walk_in' OR NOT EXISTS (
        SELECT FROM registration_order w WHERE w.schedule_id = a.schedule AND w.status = 'waitlist')
    ), fit AS MATERIALIZED (
      SELECT r.*, s.minor_dept_id, s.date, s.slot_type, ${numberOfRank('s', sql`r.rank`)} AS number
      FROM ranked r
      JOIN place s ON s.schedule_id = r.schedule
      WHERE r.rank <= s.remaining_slots
    ), counted AS (
      UPDATE patient p
      SET revision = p.revision + 1
      FROM fit f
      WHERE p.patient_id = f.patient
    ), moved AS (
      ${moveNumbers({
        taken: sql`f.taken`,
        from: sql`(SELECT schedule, count(*)::int AS taken FROM fit GROUP BY schedule) f`,
        guard: sql`s.schedule_id = f.schedule`,
      })}
    ), made AS (
      INSERT INTO registration_order (
        patient_id, initiator_user_id, schedule_id, minor_dept_id, slot_date, slot_type, price, symptoms,
        status, payment_status, payment_time, expires_at, source_type, queue_no, create_time, update_time
      )
      SELECT
        f.patient, f.initiator, f.schedule, f.minor_dept_id, f.date, f.slot_type, f.price, f.symptoms,
        f.status, f.payment, CASE WHEN f.payment = 'paid' THEN f.now END, f.expires, f.source, f.number, f.now, f.now
      FROM fit f
      ORDER BY f.nth
      RETURNING order_id, patient_id, queue_no
    ), told AS (
      INSERT INTO outbox (message, operation, created_at)
      SELECT
        jsonb_set(
          f.message::jsonb, '{data}',
          f.message::jsonb->'data' || jsonb_build_object('order_id', m.order_id, 'number', m.queue_no)
        ) || jsonb_build_object('key', 'clinic.order:' || m.order_id || ':' || f.status),
        f.operation::jsonb || jsonb_build_object('resourceId', m.order_id::text),
        f.now
      FROM fit f
      JOIN made m ON m.patient_id = f.patient
      ORDER BY f.nth
    )
    SELECT f.nth, m.order_id AS "orderId", m.queue_no AS number
    FROM fit f
    JOIN made m ON m.patient_id = f.patient`
}
