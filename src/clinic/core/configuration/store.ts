import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { DEFAULTS } from './rules.ts'
import type { Configuration } from './types.ts'

/** The key of each part of the configuration in `system_config`, at the scope GLOBAL. */
const PARTS = ['registration', 'schedule', 'patientIdentityDiscounts'] as const

/** SQL: the stored configuration as one JSON object of its parts, for statements that read facts. */
export const storedConfiguration = sql`
  (SELECT jsonb_object_agg(c.config_key, c.config_value)
   FROM system_config c
   WHERE c.scope_type = 'GLOBAL' AND c.scope_id = 0
     AND c.config_key IN ('registration', 'schedule', 'patientIdentityDiscounts'))`

/** The configuration of a stored one, in which parts or keys may be absent. */
export function configurationOf(stored: Partial<Configuration> | null): Configuration {
  return {
    registration: { ...DEFAULTS.registration, ...stored?.registration },
    schedule: { ...DEFAULTS.schedule, ...stored?.schedule },
    patientIdentityDiscounts: { ...DEFAULTS.patientIdentityDiscounts, ...stored?.patientIdentityDiscounts },
  }
}

/** The present configuration. */
export async function readConfiguration(db: Database): Promise<Configuration> {
  const { rows } = await sql<{ stored: Partial<Configuration> | null }>`
    SELECT ${storedConfiguration} AS stored`.execute(db)
  return configurationOf(rows[0]?.stored ?? null)
}

/** Locks the configuration against other changes until the transaction ends, and returns it. */
export async function lockConfiguration(tx: Transaction): Promise<Configuration> {
  await sql`SELECT pg_advisory_xact_lock(hashtext('clinic.configuration'))`.execute(tx)
  return await readConfiguration(tx)
}

/** Writes the configuration. Call it with the configuration locked. */
export async function writeConfiguration(tx: Transaction, configuration: Configuration, now: Date): Promise<void> {
  for (const part of PARTS) {
    await sql`
      INSERT INTO system_config (config_key, scope_type, scope_id, config_value, create_time, update_time)
      VALUES (${part}, 'GLOBAL', 0, ${JSON.stringify(configuration[part])}::text::jsonb, ${now}, ${now})
      ON CONFLICT ON CONSTRAINT system_config_key DO UPDATE
        SET config_value = excluded.config_value, update_time = excluded.update_time`.execute(tx)
  }
}
