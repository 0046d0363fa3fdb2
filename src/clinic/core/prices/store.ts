import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { SLOT_TYPES } from '../types.ts'
import { type Level, NO_PRICES, type Prices } from './rules.ts'

/** The key of prices in `system_config` (seed 2.8, 3.4). */
const KEY = 'registration.price'

/** What the prices are of: a doctor, a clinic, a minor department, or the whole hospital (id 0). */
export interface PriceScope {
  readonly level: Level
  readonly id: number
}

export const GLOBAL: PriceScope = { level: 'GLOBAL', id: 0 }

/** The prices of several scopes of one level, by id; scopes without prices have none. */
export async function pricesOf(
  db: Database,
  level: Level,
  ids: readonly number[],
): Promise<ReadonlyMap<number, Prices>> {
  const { rows } = await sql<{ id: number; prices: Partial<Prices> }>`
    SELECT scope_id AS id, config_value AS prices
    FROM system_config
    WHERE scope_type = ${level} AND scope_id = ANY (${ids}::bigint[]) AND config_key = ${KEY}`.execute(db)
  return new Map(rows.map(({ id, prices }) => [id, { ...NO_PRICES, ...prices }]))
}

/** The prices of the levels that apply to a schedule, in one statement. */
export async function pricesFor(
  db: Database,
  of: { readonly doctorId: number; readonly clinicId: number; readonly deptId: number },
): Promise<Readonly<Partial<Record<Level, Prices>>>> {
  const { rows } = await sql<{ level: Level; prices: Partial<Prices> }>`
    SELECT scope_type AS level, config_value AS prices
    FROM system_config
    WHERE config_key = ${KEY}
      AND (scope_type, scope_id) IN (
        ('DOCTOR', ${of.doctorId}::bigint), ('CLINIC', ${of.clinicId}::bigint),
        ('MINOR_DEPT', ${of.deptId}::bigint), ('GLOBAL', 0))`.execute(db)
  return Object.fromEntries(rows.map(({ level, prices }) => [level, { ...NO_PRICES, ...prices }]))
}

/**
 * Sets the prices of a scope that are given; null takes a price away, absent ones stay. Returns all of its prices, and
 * those that it had before.
 */
export async function setPrices(
  tx: Transaction,
  { level, id }: PriceScope,
  prices: Partial<Prices>,
  now: Date,
): Promise<{ readonly before: Prices; readonly after: Prices }> {
  const change = JSON.stringify(prices)
  const { rows } = await sql<{ before: Partial<Prices> | null; after: Partial<Prices> }>`
    WITH earlier AS MATERIALIZED (
      SELECT config_value
      FROM system_config
      WHERE scope_type = ${level} AND scope_id = ${id} AND config_key = ${KEY}
      FOR UPDATE
    )
    INSERT INTO system_config (config_key, scope_type, scope_id, config_value, create_time, update_time)
    SELECT ${KEY}, ${level}, ${id}, ${change}::text::jsonb, ${now}, ${now}
    -- Reads the earlier prices before they are written.
    FROM (SELECT count(*) FROM earlier) AS e
    ON CONFLICT ON CONSTRAINT system_config_key DO UPDATE
      SET config_value = system_config.config_value || excluded.config_value, update_time = excluded.update_time
    RETURNING (SELECT config_value FROM earlier) AS before, config_value AS after`.execute(tx)
  return { before: { ...NO_PRICES, ...rows[0]?.before }, after: { ...NO_PRICES, ...rows[0]?.after } }
}

/** Deletes the prices of a scope whose owner is deleted. */
export async function deletePrices(tx: Transaction, { level, id }: PriceScope): Promise<void> {
  await sql`
    DELETE FROM system_config
    WHERE scope_type = ${level} AND scope_id = ${id} AND config_key = ${KEY}`.execute(tx)
}

/** Whether any of the prices is given. */
export function anyPrice(prices: Partial<Prices>): boolean {
  return SLOT_TYPES.some((type) => prices[type] !== undefined)
}
