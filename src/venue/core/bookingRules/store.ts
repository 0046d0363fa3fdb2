import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { type BookingRules, DEFAULT_RULES, effectiveRules, type OwnRules, type RuleName } from './rules.ts'

/** Joins the three levels of booking rules of a venue. Needs `venues v` in scope. */
export const ruleJoins = sql`
  LEFT JOIN booking_rules r1 ON r1.venue_id = v.id
  LEFT JOIN booking_rules r2 ON r2.sport_venue_id = v.sport_venue_id
  LEFT JOIN booking_rules r3 ON r3.venue_id IS NULL AND r3.sport_venue_id IS NULL`

const setRule = (name: string) => `coalesce(r1."${name}", r2."${name}", r3."${name}")`

/**
 * Columns with the rules of a venue: its own, else its sport venue's, else the system's, else NULL. Needs `ruleJoins`.
 */
export const ruleColumns = sql.raw(
  Object.keys(DEFAULT_RULES)
    .map((name) => `${setRule(name)} AS "${name}"`)
    .join(', '),
)

/** One rule in force at a venue, the default included. Needs `ruleJoins`. */
export function ruleInForce(name: RuleName): RawBuilder<unknown> {
  return sql`coalesce(${sql.raw(setRule(name))}, ${sql.lit(DEFAULT_RULES[name])})`
}

/** The rules in force at a venue. */
export async function venueRules(db: Database, venueId: number): Promise<BookingRules> {
  const { rows } =
    await sql<OwnRules>`SELECT ${ruleColumns} FROM venues v ${ruleJoins} WHERE v.id = ${venueId}`.execute(db)
  return effectiveRules(rows[0], null, null)
}
