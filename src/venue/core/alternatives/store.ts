import { sql } from 'kysely'
import type { Interval } from '../../../booking/interval.ts'
import type { Database } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import { ACTIVE } from '../states.ts'
import type { Alternative } from './rules.ts'

/** A venue and the start of a reservation there. */
export interface Wanted {
  readonly venueId: number
  readonly startAt: Date
}

/** Candidates read for each venue and time. More than are ever shown, since the person may be busy at some of them. */
const LOOKED_AT = 30

/**
 * Reads the bookable slots that can replace each venue and time, in the given order: first those of the same venue
 * within 14 days, the nearest first, then those of venues of the same type in the same sport venue that start at the
 * same time. `except`: ids of slots that are about to close or go.
 */
export async function candidatesFor(
  db: Database,
  wanted: readonly Wanted[],
  except: readonly number[],
  now: Date,
): Promise<readonly (readonly Alternative[])[]> {
  const venueIds = wanted.map(({ venueId }) => venueId)
  const starts = wanted.map(({ startAt }) => startAt.toISOString())
  const bookable = sql`s.deleted_at IS NULL
          AND s.open
          AND s.start_at > ${now}::timestamptz
          AND s.taken + s.held < s.capacity
          AND s.id <> ALL (${except}::bigint[])`
  const { rows } = await sql<Alternative & { nth: number }>`
    SELECT
      p.nth, c.id, c.venue_id AS "venueId", w.name AS "venueName", c.start_at AS "startAt", c.end_at AS "endAt", c.free
    FROM unnest(${venueIds}::bigint[], ${starts}::timestamptz[]) WITH ORDINALITY AS p (venue_id, start_at, nth)
    JOIN venues v ON v.id = p.venue_id
    CROSS JOIN LATERAL (
      (
        SELECT
          s.id, s.venue_id, s.start_at, s.end_at, s.capacity - s.taken - s.held AS free,
          0 AS sibling, abs(extract(epoch FROM s.start_at - p.start_at)) AS distance
        FROM time_slots s
        WHERE s.venue_id = p.venue_id
          AND v.deleted_at IS NULL
          AND ${bookable}
          AND s.start_at BETWEEN p.start_at - interval '336 hours' AND p.start_at + interval '336 hours'
        ORDER BY distance, s.id
        LIMIT ${LOOKED_AT}
      )
      UNION ALL
      (
        SELECT s.id, s.venue_id, s.start_at, s.end_at, s.capacity - s.taken - s.held, 1, 0
        FROM venues o
        JOIN time_slots s ON s.venue_id = o.id
        WHERE o.sport_venue_id = v.sport_venue_id
          AND o.id <> v.id
          AND o.deleted_at IS NULL
          AND o.type IS NOT DISTINCT FROM v.type
          AND s.start_at = p.start_at
          AND ${bookable}
        ORDER BY s.id
        LIMIT ${LOOKED_AT}
      )
    ) c
    JOIN venues w ON w.id = c.venue_id
    ORDER BY p.nth, c.sibling, c.distance, c.id`.execute(db)
  const answers: Alternative[][] = wanted.map(() => [])
  for (const { nth, ...slot } of rows) answers[nth - 1]?.push(slot)
  return answers
}

/**
 * Reads the times of these people's active reservations that have not ended. `except`: ids of reservations that are to
 * be replaced.
 */
export async function ownTimes(
  db: Database,
  userIds: readonly number[],
  except: readonly number[],
  now: Date,
): Promise<ReadonlyMap<number, readonly Interval[]>> {
  const { rows } = await sql<Interval & { userId: number }>`
    SELECT user_id AS "userId", start_at AS start, end_at AS "end"
    FROM reservations
    WHERE user_id = ANY (${userIds})
      AND status IN ${among(ACTIVE)}
      AND end_at > ${now}
      AND id <> ALL (${except}::bigint[])`.execute(db)
  return Map.groupBy(rows, ({ userId }) => userId)
}
