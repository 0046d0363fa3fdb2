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

/** How old a log-in may be that stands for the password. */
const FRESH_MS = 10 * 60_000

/** What somebody shows to be more than the holder of a token. */
export interface Proof {
  readonly password: string | undefined
  readonly visitor: Visitor
}

/**
 * Lets only the owner of the caller's account pass: by the password, or without one by a log-in of the last 10 minutes.
 * @throws Invalid `password_required`, and like `checkPassword`
 */
export async function checkOwner(kernel: Kernel, caller: Caller, { password, visitor }: Proof): Promise<void> {
  if (password !== undefined) return void (await checkPassword(kernel, caller, password, visitor))
  const since = new Date(kernel.clock.now().getTime() - FRESH_MS)
  if (!(await kernel.withRetries((db: Database) => beganSince(db, caller.sessionId, since)))) throw passwordRequired()
}

/**
 * Compares the caller's password; answers the hash it belongs to. Wrong ones are failed log-ins: they are logged, and lock the person.
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

/** The refusal of what only an account's owner may do. */
export function passwordRequired(): Invalid {
  return new Invalid('password_required', 'Give your password, or log in again first.')
}
