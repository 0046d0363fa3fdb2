import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'

/** The key of the limit of passes in `system_config`. */
const KEY = 'consultation.maxPassCount'

/** Times that a patient may be passed before they count as absent, unless it is configured. */
const MOST_PASSES = 3

/** What a limit of passes is for: a doctor, or the whole hospital (id 0). */
export interface PassScope {
  readonly level: 'GLOBAL' | 'DOCTOR'
  readonly id: number
}

/** The limit of passes that applies, and where it comes from. */
export interface PassLimit {
  readonly most: number
  readonly source: 'DOCTOR' | 'GLOBAL' | 'DEFAULT'
  readonly description: string | null
  readonly updateTime: Date | null
}

const DEFAULT: PassLimit = { most: MOST_PASSES, source: 'DEFAULT', description: null, updateTime: null }

/** The limit of passes of a scope: its own, else that of the hospital, else the default. */
export async function passLimitOf(db: Database, { level, id }: PassScope): Promise<PassLimit> {
  const { rows } = await sql<PassLimit>`
    SELECT
      (config_value->>'most')::int AS most, scope_type AS source, config_value->>'description' AS description,
      update_time AS "updateTime"
    FROM system_config
    WHERE config_key = ${KEY} AND (scope_type, scope_id) IN ((${level}, ${id}::bigint), ('GLOBAL', 0))
    ORDER BY scope_type = 'GLOBAL'
    LIMIT 1`.execute(db)
  return rows[0] ?? DEFAULT
}

/** Sets the limit of passes of a scope. */
export async function setPassLimit(
  tx: Transaction,
  { level, id }: PassScope,
  limit: Pick<PassLimit, 'most' | 'description'>,
  now: Date,
): Promise<void> {
  await sql`
    INSERT INTO system_config (config_key, scope_type, scope_id, config_value, create_time, update_time)
    VALUES (${KEY}, ${level}, ${id}, ${JSON.stringify(limit)}::text::jsonb, ${now}, ${now})
    ON CONFLICT ON CONSTRAINT system_config_key DO UPDATE
      SET config_value = excluded.config_value, update_time = excluded.update_time`.execute(tx)
}

/** Takes the limit of passes of a scope away, so that the next level decides. */
export async function deletePassLimit(tx: Transaction, { level, id }: PassScope): Promise<void> {
  await sql`
    DELETE FROM system_config
    WHERE scope_type = ${level} AND scope_id = ${id} AND config_key = ${KEY}`.execute(tx)
}
