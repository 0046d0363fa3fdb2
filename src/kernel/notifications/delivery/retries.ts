import { sql } from 'kysely'
import { originOf } from '../../audit/origin.ts'
import { allOf } from '../../database/lists.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'
import type { HistoryFilter } from './history.ts'

/** Selects failed deliveries: those that match all given members. */
export interface RetryFilter extends Omit<HistoryFilter, 'state'> {
  readonly ids?: readonly number[] | undefined
}

/**
 * Queues failed deliveries again, as if they had never failed. Those without a configured provider stay failed. A
 * delivery that may have arrived after all is sent at most once more. Returns the number of queued deliveries.
 */
export async function retryDeliveries(kernel: Kernel, caller: Caller, filter: RetryFilter): Promise<number> {
  const { ids, channel, type, userId, from, to } = filter
  const now = kernel.clock.now()
  const lanes = kernel.notifications.providers.map(({ lane }) => lane)
  const meant = allOf([
    sql`state = 'failed' AND lane = ANY (${lanes}::text[])`,
    ids !== undefined && sql`id = ANY (${ids}::bigint[])`,
    channel !== undefined && sql`channel = ${channel}`,
    type !== undefined && sql`type = ${type}`,
    userId !== undefined && sql`user_id = ${userId}`,
    from !== undefined && sql`created_at >= ${from}`,
    to !== undefined && sql`created_at < ${to}`,
  ])
  const retried = await kernel.transaction(async (tx) => {
    const { numAffectedRows } = await sql`
      UPDATE deliveries
      SET state = 'queued',
        reason = NULL,
        next_try_at = ${now},
        failing_since = NULL,
        open_claims = 0,
        updated_at = ${now}
      WHERE ${meant}`.execute(tx)
    const count = Number(numAffectedRows ?? 0n)
    const changes = { filter: [null, filter], retried: [null, count] } as const
    const operation = { action: 'notification.retry', resource: 'notification', changes }
    await record(tx, now, { ...originOf(caller), ...operation })
    return count
  })
  kernel.nudge()
  return retried
}
