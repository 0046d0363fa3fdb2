import { sql } from 'kysely'
import { type LogSpan, logOf } from '../../audit/log.ts'
import type { Database, Transaction } from '../../database/database.ts'
import type { FieldCipher } from '../../secrets/fields.ts'
import { shownName, type TypedName } from '../accounts/names.ts'
import { phoneIndex } from '../accounts/users.ts'
import { failuresSince, type LockoutRule } from './lockout.ts'
import type { Visitor } from './visitor.ts'

export type LoginResult = 'success' | 'bad_credentials' | 'locked_out' | 'disabled'

/** The person behind a name, as the log-in needs it. */
export interface Candidate {
  readonly id: number
  readonly username: string
  readonly status: 'active' | 'disabled'
  readonly password_hash: string | null
  readonly password_changed_at: Date | null
}

/** The person with this e-mail address, or with this username or phone number; a username takes precedence. */
export async function findCandidate(
  db: Database,
  cipher: FieldCipher,
  { text, phone }: TypedName,
): Promise<Candidate | undefined> {
  const index = phone === undefined ? null : phoneIndex(cipher, phone)
  const condition = text.includes('@')
    ? sql`lower(email) = lower(${text})`
    : sql`(lower(username) = lower(${text}) OR phone_index = ${index})`
  const { rows } = await sql<Candidate>`
    SELECT id, username, status, password_hash, password_changed_at FROM users
    WHERE status <> 'deleted' AND ${condition}
    ORDER BY (lower(username) = lower(${text})) DESC
    LIMIT 1`.execute(db)
  return rows[0]
}

/**
 * Locks the person's row against changes until the transaction ends. Answers false if the account is no longer active
 * or its password hash has changed.
 */
export async function holdCandidate(tx: Transaction, { id, password_hash }: Candidate): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM users
    WHERE id = ${id} AND status = 'active' AND password_hash = ${password_hash}
    FOR SHARE`.execute(tx)
  return rows.length > 0
}

/** Withdraws a person's request to leave. Answers false if there was none. */
export async function stay(tx: Transaction, userId: number, at: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE users SET leaves_at = NULL, updated_at = ${at}
    WHERE id = ${userId} AND leaves_at IS NOT NULL
    RETURNING id`.execute(tx)
  return rows.length > 0
}

/** Replaces a hash by a new hash of the same password, unless it has changed. */
export async function renewHash(db: Database, id: number, oldHash: string, newHash: string): Promise<void> {
  await db
    .updateTable('users')
    .set({ password_hash: newHash })
    .where('id', '=', id)
    .where('password_hash', '=', oldHash)
    .execute()
}

/** An attempt to log in, not yet judged. */
export interface Attempt {
  /** The person with this name. Attempts under any of their names count together. Null if nobody has the name. */
  readonly userId: number | null
  readonly name: TypedName
  readonly visitor: Visitor
  readonly at: Date
}

/**
 * Makes attempts for one person or name, and from one network, wait for each other, so that parallel guesses count one
 * by one.
 */
export async function lockAttempts(tx: Transaction, { userId, name, visitor }: Attempt): Promise<void> {
  const counted = userId === null ? `name ${name.index}` : `user ${userId}`
  // Always in this order, so that there is no deadlock.
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`log-in ${counted}`}, 0))`.execute(tx)
  await sql`
    SELECT pg_advisory_xact_lock(
      hashtextextended('log-in network ' || network_of(${visitor.address})::text, 0)
    )`.execute(tx)
}

/**
 * Times of the latest failures for a person or name since the last success: newest first, at most as many as the rule
 * needs.
 */
export async function failuresOfName(
  db: Database,
  { userId, name, at }: Attempt,
  rule: LockoutRule,
): Promise<readonly Date[]> {
  const counted = userId === null ? sql`name_index = ${name.index}` : sql`user_id = ${userId}`
  const recent = sql`FROM login_log WHERE ${counted} AND at > ${failuresSince(rule, at)}`
  const { rows } = await sql<{ at: Date }>`
    SELECT at ${recent} AND result IN ('bad_credentials', 'disabled')
      AND id > coalesce((SELECT max(id) ${recent} AND result = 'success'), 0)
    ORDER BY at DESC, id DESC
    LIMIT ${rule.failures}`.execute(db)
  return rows.map((row) => row.at)
}

/**
 * Times of the latest failures from a network. A success does not reset them, because it may be the guesser's own
 * account.
 */
export async function failuresOfAddress(
  db: Database,
  { visitor, at }: Attempt,
  rule: LockoutRule,
): Promise<readonly Date[]> {
  const { rows } = await sql<{ at: Date }>`
    SELECT at FROM login_log
    WHERE network_of(address) = network_of(${visitor.address}) AND at > ${failuresSince(rule, at)}
      AND result IN ('bad_credentials', 'disabled')
    ORDER BY at DESC, id DESC LIMIT ${rule.failures}`.execute(db)
  return rows.map((row) => row.at)
}

/** Logs the result of an attempt, with the name masked. */
export async function insertAttempt(
  db: Database,
  { userId, name, visitor, at }: Attempt,
  result: LoginResult,
): Promise<void> {
  const { address, userAgent: user_agent } = visitor
  await db
    .insertInto('login_log')
    .values({
      user_id: userId,
      name: shownName(name, userId !== null),
      name_index: name.index,
      result,
      address,
      user_agent,
      at,
    })
    .execute()
}

/**
 * Whether this address is in a network (/24 of IPv4, /48 of IPv6) from which the person never logged in, although they
 * logged in before. Must be called before this log-in is logged.
 */
export async function isNewPlace(db: Database, userId: number, address: string): Promise<boolean> {
  const neighbourhood = sql`network(set_masklen(${address}::inet, ${address.includes(':') ? 48 : 24}::int))`
  const earlier = sql`FROM login_log WHERE user_id = ${userId} AND result = 'success'`
  const { rows } = await sql<{ strange: boolean }>`
    SELECT EXISTS (SELECT ${earlier})
      AND NOT EXISTS (SELECT ${earlier} AND address::inet <<= ${neighbourhood}) AS strange`.execute(db)
  return rows[0]?.strange === true
}

export interface LoginEntry {
  readonly id: number
  readonly user_id: number | null
  /** Masked, see `shownName`. */
  readonly name: string
  readonly result: LoginResult
  readonly address: string
  readonly user_agent: string
  readonly at: Date
}

export interface LoginFilter extends LogSpan {
  readonly userId?: number | undefined
  /** `TypedName.index` */
  readonly nameIndex?: string | undefined
  readonly result?: LoginResult | undefined
  readonly address?: string | undefined
}

/** The log-in log: successful and failed attempts. */
export const attempts = logOf<LoginFilter, LoginEntry>(
  sql`login_log`,
  sql`id, user_id, name, result, address, user_agent, at`,
  ({ userId, nameIndex, result, address }) => [
    userId !== undefined && sql`user_id = ${userId}`,
    nameIndex !== undefined && sql`name_index = ${nameIndex}`,
    result !== undefined && sql`result = ${result}`,
    address !== undefined && sql`address = ${address}`,
  ],
)
