import { sql } from 'kysely'
import { originOf } from '../../audit/origin.ts'
import type { Database, Transaction } from '../../database/database.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'
import { getUser } from './accounts.ts'

/** The tags of a person, in alphabetical order. @throws NotFound, also for people who have left. */
export async function tagsOf(kernel: Kernel, userId: number): Promise<readonly string[]> {
  await getUser(kernel, userId)
  return readTags(kernel.db, userId)
}

/** Replaces all tags of a person. @throws NotFound */
export async function setTags(
  kernel: Kernel,
  caller: Caller,
  userId: number,
  tags: readonly string[],
): Promise<readonly string[]> {
  await getUser(kernel, userId)
  const wanted = [...new Set(tags.map((tag) => tag.normalize('NFKC')))]
  const at = kernel.clock.now()
  const after = await kernel.transaction(async (tx) => {
    // Parallel requests wait here, so that each sees the tags of the one before.
    await sql`SELECT id FROM users WHERE id = ${userId} FOR UPDATE`.execute(tx)
    const before = await readTags(tx, userId)
    await replaceTags(tx, userId, wanted, at)
    const now = await readTags(tx, userId)
    const changes = { tags: [before, now] as const }
    await record(tx, at, {
      ...originOf(caller),
      action: 'user.set_tags',
      resource: 'user',
      resourceId: userId,
      changes,
    })
    return now
  })
  kernel.nudge()
  return after
}

async function readTags(db: Database, userId: number): Promise<readonly string[]> {
  const { rows } = await sql<{ tag: string }>`SELECT tag FROM user_tags WHERE user_id = ${userId} ORDER BY tag`.execute(
    db,
  )
  return rows.map((row) => row.tag)
}

async function replaceTags(tx: Transaction, userId: number, tags: readonly string[], at: Date): Promise<void> {
  await sql`DELETE FROM user_tags WHERE user_id = ${userId} AND tag <> ALL (${tags}::text[])`.execute(tx)
  await sql`
    INSERT INTO user_tags (user_id, tag, created_at)
    SELECT ${userId}::bigint, tag, ${at}::timestamptz
    FROM unnest(${tags}::text[]) AS tag
    ON CONFLICT DO NOTHING`.execute(tx)
}
