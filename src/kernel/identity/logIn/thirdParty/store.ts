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

/** Takes what a log-in began with: it is there once, for its own provider and browser, until it expires. */
export async function takeState(
  db: Database,
  wish: Pick<NewState, 'state_hash' | 'binding_hash' | 'provider'>,
  now: Date,
): Promise<State | undefined> {
  const { rows } = await sql<State>`
    DELETE FROM sign_in_states
    WHERE state_hash = ${wish.state_hash} AND binding_hash = ${wish.binding_hash} AND provider = ${wish.provider}
      AND expires_at > ${now}
    RETURNING user_id, session_id, secrets`.execute(db)
  return rows[0]
}

/** Deletes log-ins that were begun and never ended. To be called once a day. */
export async function deleteOldStates(db: Database, now: Date): Promise<void> {
  await db.deleteFrom('sign_in_states').where('expires_at', '<', now).execute()
}

export interface UserIdentity {
  readonly provider: string
  readonly display_name: string | null
  readonly linked_at: Date
  readonly used_at: Date
}

/** By which third parties somebody can log in. */
export async function listIdentities(db: Database, userId: number): Promise<readonly UserIdentity[]> {
  return await db
    .selectFrom('user_identities')
    .select(['provider', 'display_name', 'linked_at', 'used_at'])
    .where('user_id', '=', userId)
    .orderBy('provider')
    .execute()
}

/** The person who is linked to somebody at a third party, and notes the use. */
export async function useIdentity(
  tx: Transaction,
  provider: string,
  subject: string,
  at: Date,
): Promise<number | undefined> {
  const { rows } = await sql<{ user_id: number }>`
    UPDATE user_identities SET used_at = ${at} WHERE provider = ${provider} AND subject = ${subject}
    RETURNING user_id`.execute(tx)
  return rows[0]?.user_id
}

export interface NewIdentity {
  readonly user_id: number
  readonly provider: string
  readonly subject: string
  readonly display_name: string | null
}

/** @throws Conflict `identity_taken`, `already_linked` by constraint. */
export async function insertIdentity(tx: Transaction, identity: NewIdentity, at: Date): Promise<void> {
  await tx
    .insertInto('user_identities')
    .values({ ...identity, linked_at: at, used_at: at })
    .execute()
}

/** Answers whether there was one. */
export async function deleteIdentity(tx: Transaction, userId: number, provider: string): Promise<boolean> {
  const { rows } = await sql`
    DELETE FROM user_identities WHERE user_id = ${userId} AND provider = ${provider} RETURNING id`.execute(tx)
  return rows.length > 0
}

/** Whoever may enter, held as they are until the end of the transaction. */
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

/** Adds a person who has no password. Answers the id. */
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
