import type { Database } from '../../kernel/database/database.ts'

/** A ban of a user. */
export interface Ban {
  readonly banId: number
  readonly type: 'register' | 'login' | 'all'
  /** Null: for ever. */
  readonly until: Date | null
  readonly reason: string
}

/** The ban of a user that is in force, if there is one. */
export async function banOf(db: Database, userId: number, now: Date): Promise<Ban | undefined> {
  return await db
    .selectFrom('user_ban')
    .select(['ban_id as banId', 'ban_type as type', 'ban_until as until', 'reason'])
    .where('user_id', '=', userId)
    .where('is_active', '=', true)
    .where((eb) => eb.or([eb('ban_until', 'is', null), eb('ban_until', '>', now)]))
    .executeTakeFirst()
}
