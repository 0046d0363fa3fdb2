import { sql } from 'kysely'
import type { Database, Transaction } from '../../../database/database.ts'

export type ResetChannel = 'email' | 'sms'

export interface NewReset {
  readonly subject: string
  readonly user_id: number | null
  readonly channel: ResetChannel
  readonly salt: string
  readonly expires_at: Date
}

/** Makes resets of one subject wait for each other until the transaction ends. */
export async function lockSubject(tx: Transaction, subject: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`password reset ${subject}`}, 0))`.execute(tx)
}

/** Number of codes requested for a subject since an instant. */
export async function countSince(tx: Transaction, subject: string, since: Date): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM password_resets WHERE subject = ${subject} AND created_at > ${since}`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Stores a reset and voids the earlier ones of its subject. Answers its id. */
export async function insertReset(tx: Transaction, reset: NewReset, at: Date): Promise<number> {
  await voidResets(tx, reset.subject, at)
  const { id } = await tx
    .insertInto('password_resets')
    .values({ ...reset, created_at: at })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Voids all open codes of a subject. */
async function voidResets(tx: Transaction, subject: string, at: Date): Promise<void> {
  await sql`UPDATE password_resets SET used_at = ${at} WHERE subject = ${subject} AND used_at IS NULL`.execute(tx)
}

/** Voids all open codes that were sent to a person. */
export async function voidResetsOf(tx: Transaction, userId: number, at: Date): Promise<void> {
  await sql`UPDATE password_resets SET used_at = ${at} WHERE user_id = ${userId} AND used_at IS NULL`.execute(tx)
}

export interface OpenReset {
  readonly id: number
  readonly salt: string
  readonly user_id: number | null
}

/** Uses up one try of the subject's latest code, if one is left. Parallel guesses use up one each. */
export async function takeTry(db: Database, subject: string, most: number, now: Date): Promise<OpenReset | undefined> {
  const { rows } = await sql<OpenReset>`
    UPDATE password_resets SET tries = tries + 1
    WHERE id = (SELECT max(id) FROM password_resets WHERE subject = ${subject})
      AND used_at IS NULL AND tries < ${most} AND expires_at > ${now}
    RETURNING id, salt, user_id`.execute(db)
  return rows[0]
}

/** Marks a code as used. Answers false if another request used it first. */
export async function useReset(tx: Transaction, id: number, at: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE password_resets SET used_at = ${at} WHERE id = ${id} AND used_at IS NULL RETURNING id`.execute(tx)
  return rows.length > 0
}

export interface UnsentReset {
  readonly id: number
  readonly user_id: number
  readonly channel: ResetChannel
  readonly salt: string
  readonly created_at: Date
}

/** A code that was not sent yet and is still valid. */
export async function findUnsent(db: Database, id: number, now: Date): Promise<UnsentReset | undefined> {
  const { rows } = await sql<UnsentReset>`
    SELECT id, user_id, channel, salt, created_at FROM password_resets
    WHERE id = ${id}
      AND user_id IS NOT NULL
      AND sent_at IS NULL
      AND used_at IS NULL
      AND expires_at > ${now}`.execute(db)
  return rows[0]
}

export async function markSent(db: Database, id: number, at: Date): Promise<void> {
  await sql`UPDATE password_resets SET sent_at = ${at} WHERE id = ${id}`.execute(db)
}

/** Replaces a person's password. Answers false if the account is not active. */
export async function setPassword(tx: Transaction, userId: number, hash: string, at: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE users SET password_hash = ${hash}, password_changed_at = ${at}, updated_at = ${at}
    WHERE id = ${userId} AND status = 'active' RETURNING id`.execute(tx)
  return rows.length > 0
}

const KEPT_MS = 2 * 86_400_000

/** Deletes resets that are too old for any limit to count. Runs once a day. */
export async function deleteOldResets(db: Database, now: Date): Promise<void> {
  await sql`DELETE FROM password_resets WHERE created_at < ${new Date(now.getTime() - KEPT_MS)}`.execute(db)
}

/** People whose password was set between two instants and who were not yet reminded that it expires. */
export async function passwordsMadeBetween(
  db: Database,
  from: Date,
  to: Date,
): Promise<readonly { readonly id: number; readonly username: string; readonly password_changed_at: Date }[]> {
  const { rows } = await sql<{ id: number; username: string; password_changed_at: Date }>`
    SELECT id, username, password_changed_at FROM users u
    WHERE status = 'active' AND password_hash IS NOT NULL
      AND password_changed_at > ${from} AND password_changed_at <= ${to}
      AND NOT EXISTS (
        SELECT FROM notification_messages m WHERE m.user_id = u.id AND m.type = 'account.password_expiring'
          AND m.created_at > u.password_changed_at)
    ORDER BY id`.execute(db)
  return rows
}
