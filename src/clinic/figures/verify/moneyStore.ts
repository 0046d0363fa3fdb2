import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { Difference } from '../../../kernel/product.ts'

/** Differences of the money of orders, the ledger, and the payments and refunds of the payment platform. */
export async function moneyDifferences(db: Database): Promise<readonly Difference[]> {
  return [...(await ledgerDifferences(db)), ...(await platformDifferences(db))]
}

async function ledgerDifferences(db: Database): Promise<readonly Difference[]> {
  const { rows } = await sql<Difference>`
    WITH money AS (
      SELECT
        o.order_id, o.paid, o.refunded,
        coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0)::int AS charged,
        -coalesce(sum(l.amount) FILTER (WHERE l.amount < 0), 0)::int AS returned
      FROM registration_order o
      LEFT JOIN order_ledger l ON l.order_id = o.order_id
      GROUP BY o.order_id
    ), allowed AS (
      SELECT
        order_id, status, price, paid, refunded, payment_status,
        CASE
          WHEN status = 'waitlist' THEN ARRAY['pending']
          WHEN status = 'pending' THEN ARRAY['pending', 'paying']
          WHEN status IN ('confirmed', 'completed', 'no_show') AND paid > 0 AND paid = refunded AND price > 0
            THEN ARRAY['refunded']
          WHEN status IN ('confirmed', 'completed', 'no_show') THEN ARRAY['paid']
          WHEN paid > refunded OR price = 0 THEN ARRAY['paid', 'refunded', 'cancelled']
          WHEN status = 'timeout' THEN ARRAY['failed', 'refunded']
          ELSE ARRAY['cancelled', 'refunded']
        END AS states
      FROM registration_order
    )
    SELECT 'paid' AS check, 'order ' || order_id AS subject, paid::text AS stored, charged::text AS computed
    FROM money WHERE paid <> charged
    UNION ALL
    SELECT 'refunded', 'order ' || order_id, refunded::text, returned::text
    FROM money WHERE refunded <> returned
    UNION ALL
    SELECT 'state of the payment', 'order ' || order_id, payment_status, array_to_string(states, ' or ')
    FROM allowed
    WHERE payment_status <> ALL (states)
      OR (payment_status = 'refunded' AND (paid = 0 OR paid <> refunded))
    UNION ALL
    SELECT 'payment of an order that counts', 'order ' || order_id, paid::text, 'at least ' || price
    FROM allowed
    WHERE status IN ('confirmed', 'completed', 'no_show') AND paid < price`.execute(db)
  return rows
}

async function platformDifferences(db: Database): Promise<readonly Difference[]> {
  const { rows } = await sql<Difference>`
    WITH charged AS (
      SELECT order_id, amount, substr(reference, 8) AS transaction_id
      FROM order_ledger
      WHERE amount > 0 AND reference LIKE 'wechat:%'
    ), payment AS (
      SELECT
        p.payment_id, p.order_id, p.amount, p.refunded, p.transaction_id,
        coalesce((SELECT sum(r.amount) FROM platform_refund r WHERE r.payment_id = p.payment_id), 0)::int AS owed
      FROM platform_payment p
    ), by_order AS (
      SELECT
        p.order_id, sum(p.refunded)::int AS refunded,
        (SELECT -coalesce(sum(l.amount), 0)::int FROM order_ledger l
         WHERE l.order_id = p.order_id AND l.amount < 0 AND l.method = 'wechat') AS returned
      FROM payment p
      GROUP BY p.order_id
      HAVING bool_or(p.transaction_id IS NOT NULL)
    )
    SELECT
      'platform payment in the ledger' AS check, 'payment ' || p.payment_id AS subject,
      'order ' || p.order_id || ': ' || p.amount AS stored,
      coalesce('order ' || c.order_id || ': ' || c.amount, 'none') AS computed
    FROM payment p
    LEFT JOIN charged c ON c.transaction_id = p.transaction_id
    WHERE p.transaction_id IS NOT NULL AND (c.order_id, c.amount) IS DISTINCT FROM (p.order_id, p.amount)
    UNION ALL
    SELECT 'platform payment of the ledger', 'order ' || c.order_id, c.transaction_id, 'none'
    FROM charged c
    WHERE NOT EXISTS (SELECT FROM payment p WHERE p.transaction_id = c.transaction_id)
    UNION ALL
    SELECT 'refunds of a platform payment', 'payment ' || payment_id, refunded::text, owed::text
    FROM payment WHERE refunded <> owed
    UNION ALL
    SELECT 'platform refunds in the ledger', 'order ' || order_id, refunded::text, returned::text
    FROM by_order WHERE refunded <> returned`.execute(db)
  return rows
}
