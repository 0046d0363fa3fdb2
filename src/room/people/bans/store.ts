import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import {
  type Ban,
  type BanStatus,
  banStatus,
  bansAt,
  ENDED,
  IN_FORCE,
  type NewBan,
  PROPOSED,
} from '../../core/bans/store.ts'
import { exists } from '../../core/conditionsStore.ts'

const SORTS = {
  id: sql`n.id`,
  userId: sql`n.user_id`,
  createTime: sql`n.create_time`,
  expireTime: sql`n.expire_time`,
} as const

/** One page of the bans as they are at an instant. `username` is a part of the name. */
export async function listBans(
  db: Database,
  filter: {
    readonly status?: BanStatus | undefined
    readonly userId?: number | undefined
    readonly username?: string | undefined
  },
  page: PageOf<keyof typeof SORTS>,
  now: Date,
): Promise<{ readonly items: readonly Ban[]; readonly total: number }> {
  const { status, userId, username } = filter
  return await readPage<Ban>(db, {
    select: bansAt(db, now),
    counted: sql`tb_facility_ban n JOIN users u ON u.id = n.user_id`,
    conditions: [
      exists('n'),
      status !== undefined && sql`${banStatus(now)} = ${status}`,
      userId !== undefined && sql`n.user_id = ${userId}`,
      username !== undefined && contains(username, sql`u.username`),
    ],
    page: pageClause(page, SORTS, sql`n.id`),
  })
}

/** A ban as it is at an instant, or null. */
export async function findBan(db: Database, id: number, now: Date): Promise<Ban | null> {
  return (await bansAt(db, now).where('n.id', '=', id).where(exists('n')).executeTakeFirst()) ?? null
}

/** Stores that a person's expired bans have ended, so that a new one can come into force. */
export async function endExpired(tx: Transaction, userId: number, now: Date): Promise<void> {
  await tx
    .updateTable('tb_facility_ban as n')
    .set({ status: ENDED, update_time: now })
    .where('n.user_id', '=', userId)
    .where('n.status', '=', IN_FORCE)
    .where('n.expire_time', '<=', now)
    .where(exists('n'))
    .execute()
}

/** Brings a proposal into force. A second ban in force breaks `tb_facility_ban_one`. */
export async function enforceBan(
  tx: Transaction,
  id: number,
  { expireTime, cancelFuture }: Pick<NewBan, 'expireTime' | 'cancelFuture'>,
  by: number,
  now: Date,
): Promise<void> {
  await tx
    .updateTable('tb_facility_ban')
    .set({ status: IN_FORCE, expire_time: expireTime, cancel_future: cancelFuture, update_by: by, update_time: now })
    .where('id', '=', id)
    .execute()
}

/** Ends a ban that is in force. */
export async function endBan(tx: Transaction, id: number, by: number, now: Date): Promise<void> {
  await tx
    .updateTable('tb_facility_ban')
    .set({ status: ENDED, update_by: by, update_time: now })
    .where('id', '=', id)
    .execute()
}

/** Deletes the proposal about a person, if there is one, because an administrator has decided otherwise. */
export async function dismissProposal(tx: Transaction, userId: number, by: number, now: Date): Promise<void> {
  await tx
    .updateTable('tb_facility_ban as n')
    .set({ del_flag: '2', update_by: by, update_time: now })
    .where('n.user_id', '=', userId)
    .where('n.status', '=', PROPOSED)
    .where(exists('n'))
    .execute()
}
