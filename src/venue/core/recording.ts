import { changesBetween } from '../../kernel/audit/changes.ts'
import type { Origin } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import { record } from '../../kernel/outbox/outbox.ts'

/**
 * Writes a change of an object to the operation log, with the fields that differ. `before` is null for a new object,
 * `after` for a deleted one.
 */
export async function recordDifference(
  tx: Transaction,
  now: Date,
  origin: Origin,
  {
    action,
    id,
    before,
    after,
  }: {
    /** Kind of object and verb, such as `facility.update`. */
    readonly action: `${string}.${string}`
    readonly id: number
    readonly before: object | null
    readonly after: object | null
  },
): Promise<void> {
  const [resource = action] = action.split('.')
  await record(tx, now, { ...origin, action, resource, resourceId: id, changes: changesBetween(before, after) })
}
