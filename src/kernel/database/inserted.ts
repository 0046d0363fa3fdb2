/** The row that an INSERT with RETURNING answers. @throws Error when there is none; what a constraint refuses has thrown before. */
export function inserted<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (!row) throw new Error('an INSERT has answered no row')
  return row
}
