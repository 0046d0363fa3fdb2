import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { Difference } from '../../../kernel/product.ts'
import { type Check, runChecks } from '../../../kernel/verify.ts'
import { ACTIVE, HOLDING } from '../../core/states.ts'

const checks: readonly Check[] = [
  {
    name: 'time_slots.taken',
    differences: sql`
      SELECT 'slot ' || s.id AS subject, s.taken::text AS stored, coalesce(sum(r.party_size), 0)::text AS computed
      FROM time_slots s
      LEFT JOIN reservations r ON r.slot_id = s.id AND r.status IN ${among(HOLDING)}
      GROUP BY s.id
      HAVING s.taken <> coalesce(sum(r.party_size), 0)
      ORDER BY s.id`,
  },
  {
    name: 'time_slots.held',
    differences: sql`
      SELECT 'slot ' || s.id AS subject, s.held::text AS stored, coalesce(sum(w.party_size), 0)::text AS computed
      FROM time_slots s
      LEFT JOIN waiting_list w ON w.slot_id = s.id AND w.state = 'offered'
      GROUP BY s.id
      HAVING s.held <> coalesce(sum(w.party_size), 0)
      ORDER BY s.id`,
  },
  {
    name: 'reservations time',
    differences: sql`
      SELECT
        'reservation ' || r.id AS subject,
        r.start_at || '/' || r.end_at AS stored,
        s.start_at || '/' || s.end_at AS computed
      FROM reservations r
      JOIN time_slots s ON s.id = r.slot_id
      WHERE r.status IN ${among(ACTIVE)} AND (r.start_at <> s.start_at OR r.end_at <> s.end_at)
      ORDER BY r.id`,
  },
  {
    name: 'active reservations of deleted slots',
    differences: sql`
      SELECT 'reservation ' || r.id AS subject, r.status AS stored, 'slot ' || s.id || ' is deleted' AS computed
      FROM reservations r
      JOIN time_slots s ON s.id = r.slot_id
      WHERE r.status IN ${among(ACTIVE)} AND s.deleted_at IS NOT NULL
      ORDER BY r.id`,
  },
  {
    name: 'venue_members.points',
    differences: sql`
      SELECT 'user ' || m.user_id AS subject, m.points::text AS stored, coalesce(sum(l.delta), 0)::text AS computed
      FROM venue_members m
      LEFT JOIN points_ledger l ON l.user_id = m.user_id
      GROUP BY m.user_id, m.points
      HAVING m.points <> coalesce(sum(l.delta), 0)
      ORDER BY m.user_id`,
  },
  {
    name: 'points_ledger.balance',
    differences: sql`
      SELECT 'entry ' || id AS subject, balance::text AS stored, running::text AS computed
      FROM (SELECT id, balance, sum(delta) OVER (PARTITION BY user_id ORDER BY id) AS running FROM points_ledger) l
      WHERE balance <> running
      ORDER BY id`,
  },
  {
    name: 'points paid for reservations',
    differences: sql`
      SELECT
        'reservation ' || r.id AS subject,
        r.points_paid::text AS stored,
        (-coalesce(sum(l.delta), 0))::text AS computed
      FROM reservations r
      LEFT JOIN points_ledger l ON l.reservation_id = r.id
      GROUP BY r.id, r.points_paid
      HAVING CASE
        WHEN r.status IN ${among(HOLDING)} THEN r.points_paid <> -coalesce(sum(l.delta), 0)
        ELSE sum(l.delta) > 0
      END
      ORDER BY r.id`,
  },
  {
    name: 'venue_members.credit',
    differences: sql`
      SELECT
        'user ' || m.user_id AS subject,
        m.credit::text AS stored,
        (100 + coalesce(sum(l.delta), 0))::text AS computed
      FROM venue_members m
      LEFT JOIN credit_ledger l ON l.user_id = m.user_id
      GROUP BY m.user_id, m.credit
      HAVING m.credit <> 100 + coalesce(sum(l.delta), 0)
      ORDER BY m.user_id`,
  },
  {
    name: 'live waiting-list entries of people who are booked',
    differences: sql`
      SELECT 'entry ' || w.id AS subject, w.state AS stored, 'reservation ' || r.id AS computed
      FROM waiting_list w
      JOIN reservations r ON r.slot_id = w.slot_id AND r.user_id = w.user_id AND r.status IN ${among(ACTIVE)}
      WHERE w.state IN ('waiting', 'offered')
      ORDER BY w.id`,
  },
  {
    name: 'live waiting-list entries of deleted slots',
    differences: sql`
      SELECT 'entry ' || w.id AS subject, w.state AS stored, 'slot ' || s.id || ' is deleted' AS computed
      FROM waiting_list w
      JOIN time_slots s ON s.id = w.slot_id
      WHERE w.state IN ('waiting', 'offered') AND s.deleted_at IS NOT NULL
      ORDER BY w.id`,
  },
  {
    name: 'confirmations of reservations',
    // Messages that are still in the outbox are not missing.
    differences: sql`
      SELECT 'reservation ' || r.id AS subject, count(m.id)::text AS stored, '1' AS computed
      FROM reservations r
      LEFT JOIN notification_messages m ON m.user_id = r.user_id AND m.key = 'reservation:' || r.id || ':confirmed'
      WHERE r.status = 'confirmed'
        AND NOT EXISTS (SELECT FROM outbox o WHERE o.message->>'key' = 'reservation:' || r.id || ':confirmed')
      GROUP BY r.id
      HAVING count(m.id) <> 1
      ORDER BY r.id`,
  },
]

/** Recomputes all data that is stored twice and returns the differences. */
export function findDifferences(db: Database): Promise<readonly Difference[]> {
  return runChecks(db, checks)
}
