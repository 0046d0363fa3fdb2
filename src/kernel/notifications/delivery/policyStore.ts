import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'
import { DEFAULT_POLICY, type Policy } from './policy.ts'

const KEY = 'notifications.policy'

/** Reads the policy that administrators set, with defaults for what they did not set. */
export async function loadPolicy(db: Database): Promise<Policy> {
  const { rows } = await sql<{ value: Partial<Omit<Policy, 'holidays'>> | null; holidays: string[] }>`
    SELECT (SELECT value FROM settings WHERE key = ${KEY}) AS value,
      ARRAY(SELECT date::text FROM holidays ORDER BY date) AS holidays`.execute(db)
  const { value, holidays = [] } = rows[0] ?? {}
  return {
    quietHours: value?.quietHours === undefined ? DEFAULT_POLICY.quietHours : value.quietHours,
    caps: { ...DEFAULT_POLICY.caps, ...value?.caps },
    holidays: new Set(holidays),
  }
}

/** Stores the policy that administrators set. */
export async function savePolicy(db: Database, policy: Omit<Policy, 'holidays'>, at: Date): Promise<void> {
  await sql`
    INSERT INTO settings (key, value, updated_at) VALUES (${KEY}, ${JSON.stringify(policy)}::text::jsonb, ${at})
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`.execute(db)
}

export interface Holiday {
  readonly date: string
  readonly name: string
}

/** Lists the holidays from one local date to another, both inclusive. */
export async function listHolidays(db: Database, from: string, to: string): Promise<readonly Holiday[]> {
  const { rows } = await sql<Holiday>`
    SELECT date::text AS date, name
    FROM holidays
    WHERE date BETWEEN ${from}::date AND ${to}::date
    ORDER BY date`.execute(db)
  return rows
}

/** Adds a holiday or renames it. */
export async function putHoliday(db: Database, { date, name }: Holiday, at: Date): Promise<void> {
  await sql`
    INSERT INTO holidays (date, name, created_at) VALUES (${date}::date, ${name}, ${at})
    ON CONFLICT (date) DO UPDATE SET name = excluded.name`.execute(db)
}

/** Deletes a holiday. Returns whether there was one. */
export async function deleteHoliday(db: Database, date: string): Promise<boolean> {
  const { numAffectedRows } = await sql`DELETE FROM holidays WHERE date = ${date}::date`.execute(db)
  return (numAffectedRows ?? 0n) > 0n
}
