/**
 * The row of an INSERT with RETURNING.
 * @throws Error when there is none, which is a bug: violated constraints throw before
 */
export function inserted<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (!row) throw new Error('an INSERT returned no row')
  return row
}
