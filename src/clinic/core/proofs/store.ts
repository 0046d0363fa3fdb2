import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'

/** `sms` and `email`: by a code. `link`: an e-mail address by a link. */
export type ProofChannel = 'sms' | 'email' | 'link'

/** A proof that was begun: a code was sent to a number or address. */
export interface Proof {
  readonly id: number
  readonly salt: string
  readonly expiresAt: Date
  readonly provedAt: Date | null
}

/** A number or address by its keyed hash. */
export interface Contact {
  readonly channel: ProofChannel
  readonly contact: string
}

/** Serialises the proofs of one contact, until the transaction ends. */
export async function lockContact(tx: Transaction, { channel, contact }: Contact): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`clinic.proof ${channel} ${contact}`}, 0))`.execute(tx)
}

/** The number of codes that were sent to a contact since an instant. */
export async function countSince(tx: Transaction, { channel, contact }: Contact, since: Date): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count
    FROM clinic_contact_proof
    WHERE channel = ${channel} AND contact = ${contact} AND create_time > ${since}`.execute(tx)
  return rows[0]?.count ?? 0
}

export async function insertProof(
  tx: Transaction,
  proof: Contact & { readonly userId: number | null; readonly salt: string; readonly expiresAt: Date },
  now: Date,
): Promise<number> {
  const { proof_id } = await tx
    .insertInto('clinic_contact_proof')
    .values({
      channel: proof.channel,
      contact: proof.contact,
      user_id: proof.userId,
      salt: proof.salt,
      create_time: now,
      expires_at: proof.expiresAt,
    })
    .returning('proof_id')
    .executeTakeFirstOrThrow()
  return proof_id
}

/** SQL: a proof of a contact; only of this user if there is one. */
const of = ({ channel, contact }: Contact, userId: number | null) =>
  sql`channel = ${channel} AND contact = ${contact} AND (${userId}::bigint IS NULL OR user_id = ${userId}::bigint)`

/**
 * Counts a try of the latest open code of a contact, and returns it. Undefined if none is open or has tries left. With
 * a user, only codes that this user asked for count.
 */
export async function takeTry(
  db: Database,
  contact: Contact,
  userId: number | null,
  mostTries: number,
  now: Date,
): Promise<Proof | undefined> {
  const { rows } = await sql<Proof>`
    UPDATE clinic_contact_proof
    SET tries = tries + 1
    WHERE proof_id = (
      SELECT proof_id
      FROM clinic_contact_proof
      WHERE ${of(contact, userId)}
      ORDER BY proof_id DESC
      LIMIT 1
    ) AND tries < ${mostTries} AND expires_at > ${now} AND proved_at IS NULL AND used_at IS NULL
    RETURNING proof_id AS id, salt, expires_at AS "expiresAt", proved_at AS "provedAt"`.execute(db)
  return rows[0]
}

export async function markProved(db: Database, id: number, now: Date): Promise<void> {
  await db.updateTable('clinic_contact_proof').set({ proved_at: now }).where('proof_id', '=', id).execute()
}

/**
 * Uses a proof of a contact that was given since an instant; with a user, only a proof of this user. Returns false if
 * there is none: each is used once.
 */
export async function useProof(
  tx: Transaction,
  contact: Contact,
  userId: number | null,
  since: Date,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE clinic_contact_proof
    SET used_at = ${now}
    WHERE proof_id = (
      SELECT proof_id
      FROM clinic_contact_proof
      WHERE ${of(contact, userId)} AND proved_at > ${since} AND used_at IS NULL
      ORDER BY proof_id DESC
      LIMIT 1
      FOR UPDATE
    )
    RETURNING proof_id`.execute(tx)
  return rows.length > 0
}

/** Uses a user's link. Returns false if it was used, voided, has expired, or never existed. */
export async function useLink(tx: Transaction, id: number, userId: number, now: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE clinic_contact_proof
    SET proved_at = ${now}, used_at = ${now}
    WHERE proof_id = ${id} AND user_id = ${userId} AND channel = 'link' AND used_at IS NULL AND expires_at > ${now}
    RETURNING proof_id`.execute(tx)
  return rows.length > 0
}

/** Voids the codes and links for e-mail addresses that a user has asked for and not used. */
export async function voidProofs(tx: Transaction, userId: number, now: Date): Promise<void> {
  await sql`
    UPDATE clinic_contact_proof
    SET used_at = ${now}
    WHERE user_id = ${userId} AND channel IN ('email', 'link') AND used_at IS NULL`.execute(tx)
}

/** Deletes codes and links that have expired, and are too old for any limit to count. */
export async function deleteOldProofs(db: Database, before: Date, now: Date): Promise<void> {
  await db.deleteFrom('clinic_contact_proof').where('create_time', '<', before).where('expires_at', '<', now).execute()
}
