import type { Database, Transaction } from '../../database/database.ts'
import { TooMany } from '../../errors.ts'
import type { Kernel } from '../../kernel.ts'
import type { Config } from '../../settings.ts'
import { lockedUntil } from './lockout.ts'
import * as logins from './loginStore.ts'

/** Spares a guess that is locked out the work of comparing, and writes it down. @throws TooMany `locked_out` with the seconds left. */
export async function refuseLocked(kernel: Kernel, attempt: logins.Attempt): Promise<void> {
  const until = await kernel.withRetries((db) => lockOf(db, kernel.config, attempt))
  if (!until) return
  await kernel.withRetries((db) => logins.insertAttempt(db, attempt, 'locked_out'))
  throw lockedOut(until, attempt.at)
}

/**
 * Judges a guess while those at the same person or name, and from the same network, wait for each other, so that guesses sent in parallel
 * are no more than guesses sent one by one; writes down what was wrong. `wrong` says what that is, nothing for a right guess. Answers the
 * refusal rather than throwing it, as that would undo what is written.
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

/** Until when the person (the name, when nobody has it) or the network is locked, whichever is longer. */
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
