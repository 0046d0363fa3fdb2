import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable } from '../errors.ts'
import { errorCode, mapDatabaseError, refusalCode } from './constraints.ts'
import type { Database, Transaction } from './database.ts'
import { isLostStatement, isStalePlan } from './prepared.ts'

/**
 * Thrown by a guarded write if the row has changed since it was read (in SQL: `refuse('stale')`). The work is then
 * repeated.
 */
export class Stale extends Error {
  constructor(what = 'the row changed since it was read') {
    super(what)
    this.name = 'Stale'
  }
}

/** Largest number of retries. A Stale is cheap, as only one statement was lost. */
const mostRetries = { conflict: 3, stale: 10 } as const

type Reason = keyof typeof mostRetries

/** The reason to retry after `error`; undefined when a retry can't help. */
function retryReason(error: unknown): Reason | undefined {
  if (error instanceof Stale || refusalCode(error) === 'stale') return 'stale'
  const code = errorCode(error)
  // serialization_failure, deadlock_detected
  if (code === '40001' || code === '40P01') return 'conflict'
  return isStalePlan(error) || isLostStatement(error) ? 'conflict' : undefined
}

/**
 * Milliseconds to wait before retry `n` (from 1): growing, with full jitter, so that two losers do not collide again.
 */
function backOff(reason: Reason, n: number): number {
  return Math.random() * (reason === 'stale' ? Math.min(2 * n, 10) : 10 * 2 ** n)
}

async function retrying<T>(work: () => Promise<T>): Promise<T> {
  const retries = { conflict: 0, stale: 0 }
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const reason = retryReason(error)
      if (reason === undefined) throw mapDatabaseError(error)
      retries[reason] += 1
      if (retries[reason] > mostRetries[reason]) {
        const busy = new Unavailable('try_again', 'Too many people are changing this at once. Please try again.', {
          retryAfter: 1,
        })
        busy.cause = error
        throw busy
      }
      await pause(backOff(reason, retries[reason]))
    }
  }
}

/**
 * Runs `work` in one transaction (read committed) and returns its result. A serialization failure or a deadlock is
 * retried 3 times, a `Stale` 10 times, with jittered back-off. So `work` must have no effects outside the database.
 * @throws the errors of `work`, mapped by `mapDatabaseError` (a violated constraint becomes its domain error);
 * Unavailable `try_again` when the retries are used up
 */
export function transaction<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return retrying(() => db.transaction().execute(work))
}

/** Runs single statements without BEGIN and COMMIT, with the retries and errors of `transaction`. For hot paths. */
export function withRetries<T>(db: Database, work: (db: Database) => Promise<T>): Promise<T> {
  return retrying(() => work(db))
}
