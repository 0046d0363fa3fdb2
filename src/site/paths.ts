/**
 * Returns the canonical path of an operation, and its alias without `v1`, which the walk-throughs of the product's
 * document use.
 */
export function v1(path: string): [string, string] {
  return [`/api/v1${path}`, `/api${path}`]
}
