import { type RawBuilder, sql } from 'kysely'
import type { Database } from './database/database.ts'
import type { Difference } from './product.ts'

/**
 * A check of a stored value that can be computed from the rows. The query answers a row per difference: subject,
 * stored, computed.
 */
export interface Check {
  readonly name: string
  readonly differences: RawBuilder<Omit<Difference, 'check'>>
}

/** All differences that the checks find, at most 1,000 per check. */
export async function runChecks(db: Database, checks: readonly Check[]): Promise<readonly Difference[]> {
  const found: Difference[] = []
  for (const check of checks) {
    const { rows } = await sql<Omit<Difference, 'check'>>`${check.differences} LIMIT 1000`.execute(db)
    found.push(...rows.map((row) => ({ check: check.name, ...row })))
  }
  return found
}
