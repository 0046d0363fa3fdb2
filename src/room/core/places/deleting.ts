import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'

/** Describes the deletion of rows of one kind. */
interface Deletion<Row> {
  /** Name of the kind in the operation log. */
  readonly resource: string
  readonly action: string
  /** Locks the rows of these ids that exist. */
  readonly lock: (tx: Transaction, ids: readonly number[]) => Promise<readonly Row[]>
  readonly missing: () => NotFound
  /** Deletes the locked rows, or throws if one is in use. */
  readonly remove: (tx: Transaction, now: Date) => Promise<void>
  /** The fields for the operation log. */
  readonly recorded: (row: Row) => object
}

/**
 * Deletes several rows, all or none, and records each. @throws NotFound if one does not exist, and the errors of
 * `remove`.
 */
export async function deleteAll<Row extends { readonly id: number }>(
  kernel: Kernel,
  caller: Caller,
  ids: readonly number[],
  { resource, action, lock, missing, remove, recorded }: Deletion<Row>,
): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const found = await lock(tx, ids)
    if (found.length < ids.length) throw missing()
    await remove(tx, now)
    for (const row of found) {
      const changes = changesBetween(recorded(row), null)
      await record(tx, now, { ...originOf(caller), action, resource, resourceId: row.id, changes })
    }
  })
  kernel.nudge()
}
