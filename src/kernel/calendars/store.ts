import { sql } from 'kysely'
import type { Database } from '../database/database.ts'
import { inserted } from '../database/inserted.ts'

/** The generation of a person's calendar links: 1 until they are reset. Null if there is no such active account. */
export async function linkGeneration(db: Database, userId: number): Promise<number | null> {
  const { rows } = await sql<{ generation: number }>`
    SELECT coalesce(c.generation, 1) AS generation FROM users u LEFT JOIN calendar_links c ON c.user_id = u.id
    WHERE u.id = ${userId} AND u.status = 'active'`.execute(db)
  return rows[0]?.generation ?? null
}

/** Voids all earlier links; answers the new generation. */
export async function resetLinks(db: Database, userId: number, now: Date): Promise<number> {
  const { rows } = await sql<{ generation: number }>`
    INSERT INTO calendar_links AS c (user_id, generation, updated_at)
    VALUES (${userId}, 2, ${now})
    ON CONFLICT (user_id) DO UPDATE
      SET generation = c.generation + 1, updated_at = excluded.updated_at
    RETURNING generation`.execute(db)
  return inserted(rows).generation
}
