import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'

/** Page views of one client on one day. */
export interface Views {
  readonly day: string
  readonly client: string
  readonly views: number
}

/** Adds page views. The rows are written in one order, so that processes which write at once don't deadlock. */
export async function addViews(db: Database, all: readonly Views[]): Promise<void> {
  const days = all.map(({ day }) => day)
  const clients = all.map(({ client }) => client)
  const views = all.map(({ views }) => views)
  await sql`
    INSERT INTO clinic_visitor (day, client, views)
    SELECT day, client, views
    FROM unnest(${days}::date[], ${clients}::text[], ${views}::int[]) AS one (day, client, views)
    ORDER BY day, client
    ON CONFLICT (day, client) DO UPDATE SET views = clinic_visitor.views + excluded.views`.execute(db)
}

/** Page views and visitors (distinct clients of each day) from one local date to another, both included. */
export async function countViews(
  db: Database,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<{ readonly views: number; readonly visitors: number }> {
  const { rows } = await sql<{ views: number; visitors: number }>`
    SELECT coalesce(sum(views), 0)::bigint AS views, count(*) AS visitors
    FROM clinic_visitor
    WHERE day BETWEEN ${from}::date AND ${to}::date`.execute(db)
  return rows[0] ?? { views: 0, visitors: 0 }
}

/** Deletes the page views before a local date. */
export async function deleteViewsBefore(db: Database, day: string): Promise<void> {
  await sql`DELETE FROM clinic_visitor WHERE day < ${day}::date`.execute(db)
}
