import type { Database, Transaction } from '../../database/database.ts'
import { TooMany } from '../../errors.ts'
import type { Kernel } from '../../kernel.ts'
import type { Config } from '../../settings.ts'
import { lockedUntil } from './lockout.ts'
import * as logins from './loginStore.ts'

/**
 * Refuses an attempt during a lock before the password is compared, and logs it.
 * @throws TooMany `locked_out` with the seconds left.
 */
export async function refuseLocked(kernel: Kernel, attempt: logins.Attempt): Promise<void> {
  const until = await kernel.withRetries((db) => lockOf(db, kernel.config, attempt))
  if (!until) return
  await kernel.withRetries((db) => logins.insertAttempt(db, attempt, 'locked_out'))
  throw lockedOut(until, attempt.at)
}

/**
 * Judges an attempt and logs it if it fails. Attempts for one person or name, and from one network, wait for each
 * other, so parallel guesses count one by one. `wrong` answers the failure, or undefined for a right password. The
 * refusal is returned, not thrown: a throw would roll the log entry back.
 */
export async function judge(
  tx: Transaction,
  kernel: Kernel,
  attempt: logins.Attempt,
  wrong: () => Promise<'bad_credentials' | 'disabled' | undefined>,
): Promise<TooMany | 'bad_credentials' | undefined> {
  await logins.lockAttempts(tx, attempt)
  const until = await lockOf(tx, kernel.config, attempt)
  const result = until ? 'locked_out' : await wrong()
  if (result === undefined) return undefined
  await logins.insertAttempt(tx, attempt, result)
  return until ? lockedOut(until, attempt.at) : 'bad_credentials'
}

/** The end of the lock of the person (or of the unknown name) or of the network, whichever is later. */
async function lockOf(db: Database, config: Config, attempt: logins.Attempt): Promise<Date | undefined> {
  const { lockoutFailures, lockoutAddressFailures, lockoutMinutes: minutes } = config
  const byName = { failures: lockoutFailures, minutes }
  const byAddress = { failures: lockoutAddressFailures, minutes }
  const locks = [
    lockedUntil(await logins.failuresOfName(db, attempt, byName), byName, attempt.at),
    lockedUntil(await logins.failuresOfAddress(db, attempt, byAddress), byAddress, attempt.at),
  ]
  return locks.filter((lock) => lock !== undefined).sort((a, b) => b.getTime() - a.getTime())[0]
}

function lockedOut(until: Date, now: Date): TooMany {
  return new TooMany('locked_out', 'Too many failed log-ins. Try again later.', {
    retryAfter: Math.ceil((until.getTime() - now.getTime()) / 1000),
  })
}
