import { sql } from 'kysely'
import type { Transaction } from '../database/database.ts'
import { type LogSpan, logOf } from './log.ts'

/** One row of the operation log, before it has an id. */
export interface OperationRow {
  readonly at: Date
  /** Null: the system itself. */
  readonly actorId: number | null
  readonly action: string
  readonly resource: string
  readonly resourceId: string | null
  readonly changes: object | null
  readonly address: string | null
  readonly requestId: string | null
}

/** An entry of the operation log. */
export interface Operation extends OperationRow {
  readonly id: number
}

export interface OperationFilter extends LogSpan {
  readonly actorId?: number | undefined
  readonly action?: string | undefined
  readonly resource?: string | undefined
  readonly resourceId?: string | undefined
}

/** Appends rows to the operation log, in the given order, by one statement. */
export async function insertOperations(tx: Transaction, rows: readonly OperationRow[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    INSERT INTO operation_log (at, actor_id, action, resource, resource_id, changes, address, request_id)
    SELECT at, "actorId", action, resource, "resourceId", changes, address, "requestId"
    FROM ROWS FROM (
      jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS (
        at timestamptz, "actorId" bigint, action text, resource text, "resourceId" text,
        changes jsonb, address text, "requestId" text
      )
    )
      WITH ORDINALITY AS given(at, "actorId", action, resource, "resourceId", changes, address, "requestId", place)
    ORDER BY place
  `.execute(tx)
}

/** The operation log. */
export const operations = logOf<OperationFilter, Operation>(
  sql`operation_log`,
  sql`
    id, at, actor_id AS "actorId", action, resource, resource_id AS "resourceId",
    changes, address, request_id AS "requestId"`,
  ({ actorId, action, resource, resourceId }) => [
    actorId !== undefined && sql`actor_id = ${actorId}`,
    action !== undefined && sql`action = ${action}`,
    resource !== undefined && sql`resource = ${resource}`,
    resourceId !== undefined && sql`resource_id = ${resourceId}`,
  ],
)
