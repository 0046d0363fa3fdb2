import { sql } from 'kysely'
import type { Database, Transaction } from '../database/database.ts'

export const LEGAL_KINDS = ['privacy', 'terms'] as const
export type LegalKind = (typeof LEGAL_KINDS)[number]

export interface LegalText {
  readonly kind: LegalKind
  readonly version: number
  readonly title: string
  readonly body: string
  readonly published_at: Date
}

/** A version of a text; by default the current one. */
export async function findText(db: Database, kind: LegalKind, version?: number): Promise<LegalText | undefined> {
  return await db
    .selectFrom('legal_texts')
    .select(['kind', 'version', 'title', 'body', 'published_at'])
    .where('kind', '=', kind)
    .$if(version !== undefined, (query) => query.where('version', '=', version ?? 0))
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Adds the next version of a text. Parallel calls wait for each other and add two versions. */
export async function insertText(
  tx: Transaction,
  text: { readonly kind: LegalKind; readonly title: string; readonly body: string; readonly by: number },
  at: Date,
): Promise<LegalText> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`legal text ${text.kind}`}, 0))`.execute(tx)
  const version = ((await findText(tx, text.kind))?.version ?? 0) + 1
  const { kind, title, body } = text
  await tx
    .insertInto('legal_texts')
    .values({ kind, version, title, body, published_by: text.by, published_at: at })
    .execute()
  return { kind, version, title, body, published_at: at }
}

export interface TextVersion {
  readonly kind: LegalKind
  readonly version: number
}

/** The current version of each published text. */
export async function currentVersions(db: Database): Promise<readonly TextVersion[]> {
  const { rows } = await sql<TextVersion>`
    SELECT kind, max(version) AS version FROM legal_texts GROUP BY kind ORDER BY kind`.execute(db)
  return rows
}

/** Current texts that a person has not agreed to. */
export async function missingConsents(db: Database, userId: number): Promise<readonly TextVersion[]> {
  const { rows } = await sql<TextVersion>`
    SELECT t.kind, t.version FROM (SELECT kind, max(version) AS version FROM legal_texts GROUP BY kind) t
    WHERE NOT EXISTS (
      SELECT FROM consents c WHERE c.user_id = ${userId} AND c.kind = t.kind AND c.version = t.version)
    ORDER BY t.kind`.execute(db)
  return rows
}

export interface Consent extends TextVersion {
  readonly given_at: Date
}

/** The texts that a person has agreed to, newest first. */
export async function listConsents(db: Database, userId: number): Promise<readonly Consent[]> {
  const { rows } = await sql<Consent>`
    SELECT kind, version, given_at FROM consents WHERE user_id = ${userId}
    ORDER BY given_at DESC, kind, version DESC`.execute(db)
  return rows
}

/** Records a person's consent, unless it was recorded before. Answers whether it is new. */
export async function insertConsent(
  tx: Transaction,
  consent: TextVersion & { readonly user_id: number; readonly address: string },
  at: Date,
): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO consents (user_id, kind, version, address, given_at)
    VALUES (${consent.user_id}, ${consent.kind}, ${consent.version}, ${consent.address}, ${at})
    ON CONFLICT DO NOTHING RETURNING user_id`.execute(tx)
  return rows.length > 0
}
