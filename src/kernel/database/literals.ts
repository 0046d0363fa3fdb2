import { type RawBuilder, sql } from 'kysely'

/**
 * Constants of the program as a list of literals, for `status IN ${among(ACTIVE)}`. Unlike parameters they let a prepared statement use
 * the partial indexes on those states. Never for what somebody sent.
 */
export function among(constants: readonly string[]): RawBuilder<unknown> {
  return sql`(${sql.join(constants.map((constant) => sql.lit(constant)))})`
}
