import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'

/** Times of reminders: a local time on the day before, and minutes before the start. */
export interface ReminderTimes {
  readonly dayBeforeAt: string
  readonly minutesBefore: number
}

export type ReminderKind = 'day' | 'hour'

/**
 * Marks every confirmed reservation whose reminder is due and adds the message to the outbox, in one statement, so that
 * neither exists without the other. A reservation that was changed (`updated_at`) after its reminder was due gets none.
 * Returns the number of reminders.
 */
export async function remind(
  db: Database,
  kind: ReminderKind,
  times: ReminderTimes,
  zone: string,
  now: Date,
): Promise<number> {
  const flag = sql.ref(kind === 'hour' ? 'hour_reminder' : 'day_reminder')
  const hourDue = sql`r.start_at - make_interval(mins => ${times.minutesBefore}::int)`
  const dayDue = sql`((r.start_at AT TIME ZONE ${zone})::date - 1 + ${times.dayBeforeAt}::time) AT TIME ZONE ${zone}`
  const due = kind === 'hour' ? hourDue : dayDue
  const { rows } = await sql<{ count: number }>`
    WITH due AS (
      SELECT r.id
      FROM reservations r
      WHERE r.status = 'confirmed'
        AND NOT ${flag}
        AND r.start_at > ${now}
        AND r.start_at < ${now}::timestamptz + interval '2 days 2 hours'
        AND ${due} <= ${now}
        AND r.updated_at <= ${due}
        ${kind === 'day' ? sql`AND ${hourDue} > ${now}` : sql``}
      ORDER BY r.id
      FOR UPDATE SKIP LOCKED
    ), reminded AS (
      UPDATE reservations r
      SET ${flag} = true
      FROM due
      WHERE r.id = due.id
      RETURNING r.id, r.user_id, r.venue_id, r.start_at, r.end_at
    ), told AS (
      INSERT INTO outbox (message, created_at)
      SELECT jsonb_build_object(
        'type', ${`reservation.reminder_${kind}`}::text,
        'userIds', jsonb_build_array(r.user_id),
        'key', 'reservation:' || r.id || ':reminder:' || ${kind}::text || ':' || extract(epoch FROM r.start_at)::bigint,
        'data', jsonb_build_object(
          'reservation_id', r.id, 'venue_id', r.venue_id, 'venue_name', v.name,
          'date', to_char(r.start_at AT TIME ZONE ${zone}, 'YYYY-MM-DD'),
          'start_time', to_char(r.start_at AT TIME ZONE ${zone}, 'HH24:MI'),
          'end_time', to_char(r.end_at AT TIME ZONE ${zone}, 'HH24:MI'))), ${now}::timestamptz
      FROM reminded r
      JOIN venues v ON v.id = r.venue_id
    )
    SELECT count(*) AS count FROM reminded`.execute(db)
  return rows[0]?.count ?? 0
}
