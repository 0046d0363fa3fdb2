import { sql } from 'kysely'
import type { Database, Transaction } from '../../../database/database.ts'
import type { Candidate } from '../loginStore.ts'

export interface NewState {
  readonly state_hash: string
  readonly binding_hash: string
  readonly provider: string
  readonly user_id: number | null
  readonly session_id: string | null
  readonly secrets: string
  readonly expires_at: Date
}

export async function insertState(db: Database, state: NewState, at: Date): Promise<void> {
  await db
    .insertInto('sign_in_states')
    .values({ ...state, created_at: at })
    .execute()
}

export type State = Pick<NewState, 'user_id' | 'session_id' | 'secrets'>

/**
 * Removes and answers the state of a started log-in, if it belongs to this provider and browser and has not expired.
 */
export async function takeState(
  db: Database,
  started: Pick<NewState, 'state_hash' | 'binding_hash' | 'provider'>,
  now: Date,
): Promise<State | undefined> {
  const { rows } = await sql<State>`
    DELETE FROM sign_in_states
    WHERE state_hash = ${started.state_hash}
      AND binding_hash = ${started.binding_hash}
      AND provider = ${started.provider}
      AND expires_at > ${now}
    RETURNING user_id, session_id, secrets`.execute(db)
  return rows[0]
}

/** Deletes expired log-in states. Runs once a day. */
export async function deleteOldStates(db: Database, now: Date): Promise<void> {
  await db.deleteFrom('sign_in_states').where('expires_at', '<', now).execute()
}

export interface UserIdentity {
  readonly provider: string
  readonly display_name: string | null
  readonly linked_at: Date
  readonly used_at: Date
}

/** The third parties that are linked to a person. */
export async function listIdentities(db: Database, userId: number): Promise<readonly UserIdentity[]> {
  return await db
    .selectFrom('user_identities')
    .select(['provider', 'display_name', 'linked_at', 'used_at'])
    .where('user_id', '=', userId)
    .orderBy('provider')
    .execute()
}

/** Finds the person linked to an identity at a third party and records its use. */
export async function useIdentity(
  tx: Transaction,
  provider: string,
  subject: string,
  at: Date,
): Promise<number | undefined> {
  const { rows } = await sql<{ user_id: number }>`
    UPDATE user_identities SET used_at = ${at}
    WHERE provider = ${provider} AND subject = ${subject}
    RETURNING user_id`.execute(tx)
  return rows[0]?.user_id
}

export interface NewIdentity {
  readonly user_id: number
  readonly provider: string
  readonly subject: string
  readonly display_name: string | null
}

/** @throws Conflict `identity_taken`, `already_linked` (by constraint). */
export async function insertIdentity(tx: Transaction, identity: NewIdentity, at: Date): Promise<void> {
  await tx
    .insertInto('user_identities')
    .values({ ...identity, linked_at: at, used_at: at })
    .execute()
}

/** Deletes an identity. Answers false if there was none. */
export async function deleteIdentity(tx: Transaction, userId: number, provider: string): Promise<boolean> {
  const { rows } = await sql`
    DELETE FROM user_identities WHERE user_id = ${userId} AND provider = ${provider} RETURNING id`.execute(tx)
  return rows.length > 0
}

/** Finds a person who has not left, and locks their row against changes until the transaction ends. */
export async function holdPerson(tx: Transaction, userId: number): Promise<Candidate | undefined> {
  const { rows } = await sql<Candidate>`
    SELECT id, username, status, password_hash, password_changed_at FROM users
    WHERE id = ${userId} AND status <> 'deleted' FOR SHARE`.execute(tx)
  return rows[0]
}

export async function isEmailFree(tx: Transaction, email: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM users WHERE lower(email) = lower(${email}) AND status <> 'deleted'`.execute(tx)
  return rows.length === 0
}

/** Adds a person without a password. Answers the id. */
export async function insertPerson(
  tx: Transaction,
  person: { readonly username: string; readonly email: string | null; readonly display_name: string },
  at: Date,
): Promise<number> {
  const { id } = await tx
    .insertInto('users')
    .values({ ...person, created_at: at, updated_at: at })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}
