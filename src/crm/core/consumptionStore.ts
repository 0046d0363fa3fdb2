import { sql } from 'kysely'
import type { Transaction } from '../../kernel/database/database.ts'

/** A stay or purchase of a member. */
export interface Consumption {
  readonly memberId: number
  readonly orderNumber: string
  readonly roomType: string | null
  /** With at most two decimals: '18000.00'. */
  readonly amount: string
  readonly checkIn: string | null
  readonly checkOut: string | null
  readonly nights: number | null
  readonly source: 'pms' | 'manual'
  readonly createdAt: Date
  readonly syncedAt: Date | null
}

/**
 * Writes consumption records, and the conversions that follow: a record within `days` days after a click of its member
 * converts the recipient, once. With `replaces`, a known order number is changed; without, it is a Conflict.
 * @returns the ids of the records, in the order given
 */
export async function insertConsumption(
  tx: Transaction,
  records: readonly Consumption[],
  { days, zone, replaces }: { readonly days: number; readonly zone: string; readonly replaces: boolean },
): Promise<readonly number[]> {
  if (records.length === 0) return []
  const column = <K extends keyof Consumption>(key: K) => records.map((record) => record[key])
  const { rows } = await sql<{ id: number; orderNumber: string }>`
    INSERT INTO consumption_records AS c (member_id, order_number, room_type, amount, check_in_date, check_out_date,
      nights, source, created_at, synced_at)
    SELECT * FROM unnest(${column('memberId')}::bigint[], ${column('orderNumber')}::text[],
      ${column('roomType')}::text[], ${column('amount')}::numeric[], ${column('checkIn')}::date[],
      ${column('checkOut')}::date[], ${column('nights')}::int[], ${column('source')}::text[],
      ${column('createdAt')}::timestamptz[], ${column('syncedAt')}::timestamptz[])
    ${
      replaces
        ? sql`ON CONFLICT (order_number) DO UPDATE SET
            room_type = excluded.room_type, amount = excluded.amount, check_in_date = excluded.check_in_date,
            check_out_date = excluded.check_out_date, nights = excluded.nights, synced_at = excluded.synced_at`
        : sql``
    }
    RETURNING id, order_number AS "orderNumber"`.execute(tx)
  const ids = new Map(rows.map(({ id, orderNumber }) => [orderNumber, id]))
  await noteConversions(tx, [...ids.values()], { days, zone })
  return records.map(({ orderNumber }) => ids.get(orderNumber) ?? 0)
}

/** Converts the recipients whose clicks these records follow, and moves the figures of the campaigns' days. */
export async function noteConversions(
  tx: Transaction,
  recordIds: readonly number[],
  { days, zone }: { readonly days: number; readonly zone: string },
): Promise<void> {
  await sql`
    WITH hits AS (
      SELECT k.recipient_id, min(c.created_at) AS at
      FROM consumption_records c
      JOIN crm_clicks k ON k.member_id = c.member_id
        AND k.clicked_at <= c.created_at AND k.clicked_at > c.created_at - make_interval(days => ${days}::int)
      WHERE c.id = ANY (${recordIds}::bigint[])
      GROUP BY 1
    ), converted AS (
      UPDATE campaign_recipients r SET converted_at = h.at
      FROM hits h WHERE r.id = h.recipient_id AND r.converted_at IS NULL
      RETURNING r.campaign_id, (h.at AT TIME ZONE ${zone})::date AS day
    )
    INSERT INTO crm_campaign_days AS d (campaign_id, day, converted)
    SELECT campaign_id, day, count(*) FROM converted GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (campaign_id, day) DO UPDATE SET converted = d.converted + excluded.converted`.execute(tx)
}
