import { sql } from 'kysely'
import type { Database } from '../../../src/kernel/database/database.ts'
import { BROADCAST, type Change, type Stored, type Thing } from './history.ts'

/** The table of each thing, and the names of its columns. */
const TABLES = {
  reservation: ['reservations', 'slot_id', 'user_id', 'status', 'party_size', 'start_at', 'end_at'],
  entry: ['waiting_list', 'slot_id', 'user_id', 'state', 'party_size', 'none', 'none'],
  booking: ['tb_facility_booking', 'room_id', 'applicant_id', 'status', 'none', 'start_time', 'end_time'],
} as const satisfies Record<Thing, readonly string[]>

/**
 * Makes the database record every state change in its own transaction, so that the proof does not rely on the program.
 * A state can be recorded before its slot is locked; the counts of a slot's row are recorded under its lock, so they
 * are in the order of the commits.
 */
export async function startRecord(db: Database): Promise<void> {
  await sql`CREATE TABLE proof_changes (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, transaction bigint NOT NULL, thing text NOT NULL, id bigint NOT NULL,
    place bigint NOT NULL, owner bigint NOT NULL, was text, status text NOT NULL, places int NOT NULL,
    start_at timestamptz, end_at timestamptz, at timestamptz NOT NULL)`.execute(db)
  await sql`CREATE FUNCTION proof_note() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      made jsonb := to_jsonb(NEW);
      was text := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) ->> TG_ARGV[3] END;
    BEGIN
      IF was IS DISTINCT FROM made ->> TG_ARGV[3] THEN
        INSERT INTO proof_changes (transaction, thing, id, place, owner, was, status, places, start_at, end_at, at)
        VALUES (txid_current(), TG_ARGV[0], (made ->> 'id')::bigint, (made ->> TG_ARGV[1])::bigint, (made ->> TG_ARGV[2])::bigint, was,
          made ->> TG_ARGV[3], coalesce((made ->> TG_ARGV[4])::int, 1), (made ->> TG_ARGV[5])::timestamptz,
          (made ->> TG_ARGV[6])::timestamptz, clock_timestamp());
      END IF;
      RETURN NULL;
    END $$`.execute(db)
  await sql`CREATE TABLE proof_counts (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, transaction bigint NOT NULL, slot bigint NOT NULL, taken int NOT NULL)`.execute(
    db,
  )
  await sql`CREATE FUNCTION proof_count() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO proof_counts (transaction, slot, taken) VALUES (txid_current(), NEW.id, NEW.taken + NEW.held);
      RETURN NULL;
    END $$`.execute(db)
  await sql`CREATE TRIGGER proof_count AFTER UPDATE OF taken, held ON time_slots FOR EACH ROW EXECUTE FUNCTION proof_count()`.execute(
    db,
  )
  for (const [thing, [table, ...columns]] of Object.entries(TABLES)) {
    const given = [thing, ...columns].map((name) => sql.lit(name))
    await sql`CREATE TRIGGER proof_note AFTER INSERT OR UPDATE ON ${sql.table(table)}
      FOR EACH ROW EXECUTE FUNCTION proof_note(${sql.join(given)})`.execute(db)
  }
}

/** Reads all data for the checker, once no work is left. A broadcast is identified by the number in its subject. */
export async function readRecord(db: Database): Promise<Stored> {
  const rows = async <T>(query: ReturnType<typeof sql<T>>) => (await query.execute(db)).rows
  const ms = (column: string) => sql`coalesce(extract(epoch FROM ${sql.ref(column)}) * 1000, 0)::float8`
  return {
    changes: await rows(sql<Change>`
      SELECT n, transaction, thing, id, place, owner, was AS "from", status AS "to", places, ${ms('start_at')} AS start, ${ms('end_at')} AS "end",
        ${ms('at')} AS at FROM proof_changes ORDER BY n`),
    things: await rows(sql<Stored['things'][number]>`
      SELECT 'reservation' AS thing, id, status FROM reservations
      UNION ALL SELECT 'entry', id, state FROM waiting_list UNION ALL SELECT 'booking', id, status FROM tb_facility_booking`),
    counts: await rows(sql<Stored['counts'][number]>`SELECT transaction, slot, taken FROM proof_counts ORDER BY n`),
    slots: await rows(sql<Stored['slots'][number]>`SELECT id, venue_id AS venue, capacity FROM time_slots`),
    participants: await rows(sql<Stored['participants'][number]>`
      SELECT booking_id AS booking, user_id AS person FROM tb_facility_booking_user WHERE del_flag = '0'`),
    operations: await rows(sql<Stored['operations'][number]>`
      SELECT action, resource_id::bigint AS id, count(*) AS count FROM operation_log
      WHERE resource IN ('reservation', 'waiting_list', 'room_booking') GROUP BY action, resource_id`),
    messages: await rows(sql<Stored['messages'][number]>`
      SELECT user_id AS person, type, count(*) AS count, coalesce((data ->> 'reservation_id')::bigint, (data ->> 'waiting_list_id')::bigint,
        (data ->> 'booking_id')::bigint, CASE WHEN type = ${BROADCAST} THEN subject::bigint END, 0) AS about
      FROM notification_messages GROUP BY user_id, type, about`),
    everybody: (
      await rows(sql<{ id: number }>`SELECT user_id AS id FROM user_roles WHERE role = 'venue:employee' ORDER BY 1`)
    ).map(({ id }) => id),
  }
}

/** The number of messages and deliveries that have not been handed on or sent yet. */
export async function underWay(db: Database): Promise<number> {
  const { rows } = await sql<{ open: number }>`
    SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM broadcast_recipients WHERE NOT handed_on)
      + (SELECT count(*) FROM deliveries WHERE state = 'queued') AS open`.execute(db)
  return rows[0]?.open ?? 0
}
