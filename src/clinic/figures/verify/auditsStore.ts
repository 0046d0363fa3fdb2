import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import type { Difference } from '../../../kernel/product.ts'

/** Differences between the decisions about requests, and what follows from them. */
export async function auditDifferences(db: Database): Promise<readonly Difference[]> {
  const { rows } = await sql<Difference>`
    WITH decided AS (
      SELECT 'schedule audit ' || audit_id AS subject, status, audit_time FROM schedule_audit
      UNION ALL
      SELECT 'leave audit ' || audit_id, status, audit_time FROM leave_audit
      UNION ALL
      SELECT 'add-slot audit ' || audit_id, status, audit_time FROM add_slot_audit
    )
    SELECT
      'time of the decision' AS check, subject, coalesce(audit_time::text, 'none') AS stored, status AS computed
    FROM decided WHERE (status = 'pending') <> (audit_time IS NULL)
    UNION ALL
    SELECT
      'order of an added number', 'add-slot audit ' || a.audit_id, coalesce('order ' || a.order_id, 'none'),
      CASE WHEN a.status = 'approved' THEN 'an order of patient ' || a.patient_id ELSE 'none' END
    FROM add_slot_audit a
    LEFT JOIN registration_order o ON o.order_id = a.order_id
    WHERE (a.status = 'approved') <> (a.order_id IS NOT NULL)
      OR (o.patient_id, o.source_type) <> (a.patient_id, 'add_slot')
    UNION ALL
    SELECT 'schedule in a leave', 'schedule ' || s.schedule_id, s.status, '停诊: leave audit ' || a.audit_id
    FROM leave_audit a
    JOIN schedule s ON s.doctor_id = a.doctor_id AND s.date BETWEEN a.leave_start_date AND a.leave_end_date
    WHERE a.status = 'approved' AND s.deleted_at IS NULL AND s.status = '正常'
      AND a.shift IN (
        'full', CASE s.time_section WHEN '上午' THEN 'morning' WHEN '下午' THEN 'afternoon' ELSE 'night' END)`.execute(
    db,
  )
  return rows
}
