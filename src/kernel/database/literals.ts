import { type RawBuilder, sql } from 'kysely'

/**
 * A list of literals from constants of the program, for `status IN ${among(ACTIVE)}`. Unlike parameters, literals let a
 * prepared statement use the partial indexes on those states. Never use it for input.
 */
export function among<const Constant extends string>(constants: readonly Constant[]): RawBuilder<Constant> {
  return sql`(${sql.join(constants.map((constant) => sql.lit(constant)))})`
}

/**
 * A list of values as one parameter, for `where('id', '=', anyOf(ids))`. The text of the statement is the same for any
 * number of values, so it can be prepared.
 */
export function anyOf<Value extends string | number>(values: readonly Value[]): RawBuilder<Value> {
  return sql`ANY (${values})`
}
