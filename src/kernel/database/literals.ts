import { type RawBuilder, sql } from 'kysely'

/**
 * Constants of the program as a list of literals, for `status IN ${among(ACTIVE)}`. Unlike parameters they let a prepared statement use
 * the partial indexes on those states. Never for what somebody sent.
 */
export function among<const Constant extends string>(constants: readonly Constant[]): RawBuilder<Constant> {
  return sql`(${sql.join(constants.map((constant) => sql.lit(constant)))})`
}

/**
 * The values of a list as one parameter, for `where('id', '=', anyOf(ids))`. The text of a statement does not vary with their number, so
 * that it can be prepared.
 */
export function anyOf<Value extends string | number>(values: readonly Value[]): RawBuilder<Value> {
  return sql`ANY (${values})`
}
