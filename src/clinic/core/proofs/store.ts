import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'

export type ProofChannel = 'sms' | 'email'

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

/** Counts a try of the latest open code of a contact, and returns it. Undefined if none is open or has tries left. */
export async function takeTry(
  db: Database,
  { channel, contact }: Contact,
  mostTries: number,
  now: Date,
): Promise<Proof | undefined> {
  const { rows } = await sql<Proof>`
    UPDATE clinic_contact_proof
    SET tries = tries + 1
    WHERE proof_id = (
      SELECT proof_id
      FROM clinic_contact_proof
      WHERE channel = ${channel} AND contact = ${contact}
      ORDER BY proof_id DESC
      LIMIT 1
    ) AND tries < ${mostTries} AND expires_at > ${now} AND proved_at IS NULL
    RETURNING proof_id AS id, salt, expires_at AS "expiresAt", proved_at AS "provedAt"`.execute(db)
  return rows[0]
}

export async function markProved(db: Database, id: number, now: Date): Promise<void> {
  await db.updateTable('clinic_contact_proof').set({ proved_at: now }).where('proof_id', '=', id).execute()
}

/** Uses a proof of a contact that was given since an instant. Returns false if there is none: each is used once. */
export async function useProof(
  tx: Transaction,
  { channel, contact }: Contact,
  since: Date,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE clinic_contact_proof
    SET used_at = ${now}
    WHERE proof_id = (
      SELECT proof_id
      FROM clinic_contact_proof
      WHERE channel = ${channel} AND contact = ${contact} AND proved_at > ${since} AND used_at IS NULL
      ORDER BY proof_id DESC
      LIMIT 1
      FOR UPDATE
    )
    RETURNING proof_id`.execute(tx)
  return rows.length > 0
}

/** Deletes codes that are too old for any limit to count. */
export async function deleteOldProofs(db: Database, before: Date): Promise<void> {
  await db.deleteFrom('clinic_contact_proof').where('create_time', '<', before).execute()
}
