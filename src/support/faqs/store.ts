import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { contains, type PageOf, pageClause } from '../../kernel/database/lists.ts'

/** A frequent question with its answer. */
export interface Faq {
  readonly id: number
  readonly category: string
  readonly question: string
  readonly answer: string
  readonly keywords: string
  readonly position: number
  readonly published: boolean
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = sql`
  f.id,
  f.category,
  f.question,
  f.answer,
  f.keywords,
  f.position,
  f.published,
  f.created_at AS "createdAt",
  f.updated_at AS "updatedAt"`

/** The editable fields and the search terms. */
export interface FaqText extends Omit<Faq, 'id' | 'createdAt' | 'updatedAt'> {
  /** Terms of question and keywords. */
  readonly questionTerms: readonly string[]
  readonly terms: readonly string[]
}

/** One entry, or null. */
export async function findFaq(db: Database, id: number): Promise<Faq | null> {
  const { rows } = await sql<Faq>`SELECT ${columns} FROM faqs f WHERE f.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** Locks an entry and returns it, or null. */
export async function lockFaq(tx: Transaction, id: number): Promise<Faq | null> {
  const { rows } = await sql<Faq>`SELECT ${columns} FROM faqs f WHERE f.id = ${id} FOR UPDATE`.execute(tx)
  return rows[0] ?? null
}

/** Adds an entry. */
export async function addFaq(tx: Transaction, faq: FaqText, now: Date): Promise<Faq> {
  const { rows } = await sql<Faq>`
    INSERT INTO faqs AS f (category, question, answer, keywords, position, published, question_terms, terms,
      created_at, updated_at)
    VALUES (${faq.category}, ${faq.question}, ${faq.answer}, ${faq.keywords}, ${faq.position}, ${faq.published},
      ${faq.questionTerms}::text[], ${faq.terms}::text[], ${now}, ${now})
    RETURNING ${columns}`.execute(tx)
  const [row] = rows
  if (!row) throw new Error('an entry was not added')
  return row
}

/** Updates a locked entry. */
export async function setFaq(tx: Transaction, id: number, faq: FaqText, now: Date): Promise<void> {
  await sql`
    UPDATE faqs
    SET
      category = ${faq.category},
      question = ${faq.question},
      answer = ${faq.answer},
      keywords = ${faq.keywords},
      position = ${faq.position},
      published = ${faq.published},
      question_terms = ${faq.questionTerms}::text[],
      terms = ${faq.terms}::text[],
      updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
}

/** Deletes an entry and returns it, or null. */
export async function deleteFaq(tx: Transaction, id: number): Promise<Faq | null> {
  const { rows } = await sql<Faq>`DELETE FROM faqs f WHERE f.id = ${id} RETURNING ${columns}`.execute(tx)
  return rows[0] ?? null
}

export interface FaqFilter {
  readonly category?: string | undefined
  /** Undefined: published and unpublished entries. */
  readonly published?: boolean | undefined
  /** A search text and its terms. */
  readonly asked?: { readonly text: string; readonly terms: readonly string[] } | undefined
}

/**
 * The weight of each search term: a term found in few entries weighs most. A term in the question counts double in an
 * entry's `score`.
 */
const ranking = (terms: readonly string[], among: ReturnType<typeof sql>) => sql`
  WITH weights AS (
    SELECT a.term, ln(2 + (SELECT count(*) FROM faqs f WHERE ${among})::float8 / (1 + count(f.id))) AS weight
    FROM unnest(${terms}::text[]) AS a(term) LEFT JOIN faqs f ON f.terms @> ARRAY[a.term] AND ${among}
    GROUP BY a.term
  )`
const matched = sql`coalesce((SELECT sum(w.weight) FROM weights w WHERE w.term = ANY (f.terms)), 0)`
const score = sql`${matched} + coalesce((SELECT sum(w.weight) FROM weights w WHERE w.term = ANY (f.question_terms)), 0)`

const SORTS = { position: sql`f.position`, created_at: sql`f.created_at`, id: sql`f.id` } as const
export type FaqSort = keyof typeof SORTS

/**
 * One page of entries, and the total. With `asked`, entries that contain the whole text come first, then by the weight
 * of the terms found.
 */
export async function listFaqs(
  db: Database,
  { category, published, asked }: FaqFilter,
  page: PageOf<FaqSort>,
): Promise<{ items: readonly Faq[]; total: number }> {
  const whole = asked && contains(asked.text, sql`f.question`, sql`f.keywords`, sql`f.answer`)
  const among = published === undefined ? sql`true` : sql`f.published = ${published}`
  const where = sql`${among}
    ${category === undefined ? sql`` : sql`AND f.category = ${category}`}
    ${asked ? sql`AND (f.terms && ${asked.terms}::text[] OR ${whole})` : sql``}`
  const items = asked
    ? sql<Faq>`${ranking(asked.terms, among)} SELECT ${columns} FROM faqs f WHERE ${where}
        ORDER BY ${whole} DESC, ${score} DESC, f.position, f.id LIMIT ${page.limit} OFFSET ${page.offset}`
    : sql<Faq>`SELECT ${columns} FROM faqs f WHERE ${where} ${pageClause(page, SORTS, sql`f.id`)}`
  const { rows } = await items.execute(db)
  const counted = await sql<{ total: number }>`SELECT count(*) AS total FROM faqs f WHERE ${where}`.execute(db)
  return { items: rows, total: counted.rows[0]?.total ?? 0 }
}

/**
 * The published entries that fit a question best, at most `limit`, each with its share of the question's weight (0 to
 * 1).
 */
export async function bestFaqs(
  db: Database,
  terms: readonly string[],
  limit: number,
): Promise<readonly (Faq & { readonly share: number })[]> {
  const { rows } = await sql<Faq & { share: number }>`
    ${ranking(terms, sql`f.published`)}
    SELECT ${columns}, (${matched} / (SELECT sum(weight) FROM weights))::float8 AS share FROM faqs f
    WHERE f.published AND f.terms && ${terms}::text[]
    ORDER BY ${score} DESC, f.position, f.id LIMIT ${limit}`.execute(db)
  return rows
}
