import { sql } from 'kysely'
import type { Database } from '../../../src/kernel/database/database.ts'
import type { StoredOrders } from './history.ts'

/**
 * Makes the database record every change of an order, and of the numbers of a schedule, in its own transaction, so that
 * the proof does not rely on the program.
 */
export async function startRecord(db: Database): Promise<void> {
  await sql`CREATE TABLE proof_orders (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, transaction bigint NOT NULL, old jsonb, made jsonb NOT NULL,
    at timestamptz NOT NULL)`.execute(db)
  await sql`CREATE FUNCTION proof_order() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE was jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END;
    BEGIN
      INSERT INTO proof_orders (transaction, old, made, at) VALUES (txid_current(), was, to_jsonb(NEW), clock_timestamp());
      RETURN NULL;
    END $$`.execute(db)
  await sql`CREATE TRIGGER proof_order AFTER INSERT OR UPDATE OF status, schedule_id, queue_no, is_calling, pass_count
    ON registration_order FOR EACH ROW EXECUTE FUNCTION proof_order()`.execute(db)
  await sql`CREATE TABLE proof_numbers (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, transaction bigint NOT NULL, schedule bigint NOT NULL,
    sold int NOT NULL, total int NOT NULL)`.execute(db)
  await sql`CREATE FUNCTION proof_number() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO proof_numbers (transaction, schedule, sold, total)
      VALUES (txid_current(), NEW.schedule_id, NEW.total_slots - NEW.remaining_slots, NEW.total_slots);
      RETURN NULL;
    END $$`.execute(db)
  await sql`CREATE TRIGGER proof_number AFTER UPDATE OF total_slots, remaining_slots ON schedule
    FOR EACH ROW EXECUTE FUNCTION proof_number()`.execute(db)
}

/** Reads all data for the checker, once no work is left. `stoppers`: the people who stop schedules. */
export async function readRecord(db: Database, stoppers: readonly number[]): Promise<StoredOrders> {
  const rows = async <T>(query: ReturnType<typeof sql<T>>) => (await query.execute(db)).rows
  return {
    stoppers,
    changes: await rows(sql<StoredOrders['changes'][number]>`
      SELECT n, transaction, (made->>'order_id')::bigint AS order, (made->>'patient_id')::bigint AS patient,
        (made->>'initiator_user_id')::bigint AS initiator, (made->>'schedule_id')::bigint AS schedule,
        (old->>'schedule_id')::bigint AS "oldSchedule", old->>'status' AS "from", made->>'status' AS "to",
        (old->>'queue_no')::int AS "oldNumber", (made->>'queue_no')::int AS number,
        (made->>'is_calling')::boolean AND NOT coalesce((old->>'is_calling')::boolean, false) AS called,
        (made->>'pass_count')::int > coalesce((old->>'pass_count')::int, 0) AS passed,
        (made->>'cancelled_by')::bigint AS "endedBy", (extract(epoch FROM at) * 1000)::float8 AS at
      FROM proof_orders ORDER BY n`),
    orders: await rows(sql<StoredOrders['orders'][number]>`
      SELECT o.order_id AS id, patient_id AS patient, schedule_id AS schedule, minor_dept_id AS dept, slot_date AS date,
        status, source_type AS source, price, paid, refunded, check_in_time IS NOT NULL AS "isCheckedIn",
        coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0)::int AS charged,
        coalesce(-sum(l.amount) FILTER (WHERE l.amount < 0), 0)::int AS returned
      FROM registration_order o LEFT JOIN order_ledger l ON l.order_id = o.order_id
      GROUP BY o.order_id ORDER BY o.order_id`),
    counts: await rows(sql<StoredOrders['counts'][number]>`
      SELECT transaction, schedule, sold, total FROM proof_numbers ORDER BY n`),
    patients: await rows(
      sql<StoredOrders['patients'][number]>`SELECT patient_id AS id, user_id AS "user" FROM patient`,
    ),
    messages: await rows(sql<StoredOrders['messages'][number]>`
      SELECT user_id AS person, type, (data->>'order_id')::bigint AS order, count(*) AS count
      FROM notification_messages WHERE type LIKE 'clinic.%' AND data ? 'order_id' GROUP BY 1, 2, 3`),
  }
}
