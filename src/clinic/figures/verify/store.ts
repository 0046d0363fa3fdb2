import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { Difference } from '../../../kernel/product.ts'

/** A stored figure beside the one that the rows give. */
interface Row {
  readonly check: string
  readonly subject: string
  readonly stored: string
  readonly computed: string
}

/**
 * Recomputes the numbers and figures of every schedule, and the money of every order, from the orders and the ledger.
 */
export async function findDifferences(db: Database): Promise<readonly Difference[]> {
  const { rows } = await sql<Row>`
    WITH counted AS (
      SELECT
        s.schedule_id, s.total_slots - s.remaining_slots AS sold, s.completed, s.revenue,
        count(o.queue_no)::int AS holding,
        count(*) FILTER (WHERE o.status = 'completed')::int AS done,
        coalesce(sum(o.paid - o.refunded), 0)::bigint AS money,
        s.last_no, s.free_nos,
        ARRAY (
          SELECT n FROM generate_series(1, s.last_no) AS n
          WHERE n <> ALL (coalesce(array_agg(o.queue_no) FILTER (WHERE o.queue_no IS NOT NULL), '{}'))
          ORDER BY n
        ) AS free
      FROM schedule s
      LEFT JOIN registration_order o ON o.schedule_id = s.schedule_id
      GROUP BY s.schedule_id
    ), money AS (
      SELECT
        o.order_id, o.paid, o.refunded,
        coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0)::int AS charged,
        -coalesce(sum(l.amount) FILTER (WHERE l.amount < 0), 0)::int AS returned
      FROM registration_order o
      LEFT JOIN order_ledger l ON l.order_id = o.order_id
      GROUP BY o.order_id
    )
    SELECT 'numbers sold' AS check, 'schedule ' || schedule_id AS subject, sold::text AS stored, holding::text AS computed
    FROM counted WHERE sold <> holding
    UNION ALL
    SELECT 'numbers given back', 'schedule ' || schedule_id, free_nos::text, free::text
    FROM counted WHERE free_nos <> free
    UNION ALL
    SELECT 'completed visits', 'schedule ' || schedule_id, completed::text, done::text
    FROM counted WHERE completed <> done
    UNION ALL
    SELECT 'revenue', 'schedule ' || schedule_id, revenue::text, money::text
    FROM counted WHERE revenue <> money
    UNION ALL
    SELECT 'paid', 'order ' || order_id, paid::text, charged::text
    FROM money WHERE paid <> charged
    UNION ALL
    SELECT 'refunded', 'order ' || order_id, refunded::text, returned::text
    FROM money WHERE refunded <> returned`.execute(db)
  return rows
}
