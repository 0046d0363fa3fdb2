import type { Database } from '../../database/database.ts'
import { Invalid, TooMany } from '../../errors.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { judge, refuseLocked } from '../logIn/guesses.ts'
import type { Visitor } from '../logIn/visitor.ts'
import { beganSince } from '../sessions/sessionStore.ts'
import { typedName } from './names.ts'
import { hashCost, verifyPassword } from './passwords.ts'
import { findUser, passwordHashOf } from './store.ts'

/** Age, in milliseconds, up to which a log-in can replace the password as proof. */
const FRESH_MS = 10 * 60_000

/** Proof that the caller is the account's owner and not just the holder of a token. */
export interface Proof {
  readonly password: string | undefined
  readonly visitor: Visitor
}

/**
 * Checks that the caller is the account's owner: by the password, or without one by a log-in within the last 10
 * minutes.
 * @throws Invalid `password_required`, and like `checkPassword`
 */
export async function checkOwner(kernel: Kernel, caller: Caller, { password, visitor }: Proof): Promise<void> {
  if (password !== undefined) return void (await checkPassword(kernel, caller, password, visitor))
  const since = new Date(kernel.clock.now().getTime() - FRESH_MS)
  if (!(await kernel.withRetries((db: Database) => beganSince(db, caller.sessionId, since)))) throw passwordRequired()
}

/**
 * Checks the caller's password; answers its hash. A wrong password counts as a failed log-in: it is logged and can lock
 * the person.
 * @throws Invalid `bad_password`; TooMany `locked_out`
 */
export async function checkPassword(
  kernel: Kernel,
  caller: Caller,
  password: string,
  visitor: Visitor,
): Promise<string> {
  const user = await kernel.withRetries((db) => findUser(db, kernel.secrets.cipher, caller.userId))
  const name = typedName(kernel.secrets.cipher, user?.username ?? '')
  const attempt = { userId: caller.userId, name, visitor, at: kernel.clock.now() }
  await refuseLocked(kernel, attempt)
  const hash = await kernel.withRetries((db) => passwordHashOf(db, caller.userId))
  const matches = await verifyPassword(hash, password, hashCost(kernel.config))
  const wrong = async () => (matches ? undefined : 'bad_credentials')
  const refusal = await kernel.transaction((tx) => judge(tx, kernel, attempt, wrong))
  if (refusal instanceof TooMany) throw refusal
  if (refusal !== undefined || hash === null) throw new Invalid('bad_password', 'The password is wrong.')
  return hash
}

/** The refusal of an operation that needs proof of ownership. */
export function passwordRequired(): Invalid {
  return new Invalid('password_required', 'Give your password, or log in again first.')
}
