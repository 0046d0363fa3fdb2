import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { exists } from '../conditionsStore.ts'

export const BAN_STATES = ['0', '1', '2'] as const

/** In force, ended (lifted or expired), or proposed: waits for an administrator. */
export type BanStatus = (typeof BAN_STATES)[number]

export const IN_FORCE = '0'
export const ENDED = '1'
export const PROPOSED = '2'

/** A ban as it is at the instant of the query. */
export interface Ban {
  readonly id: number
  readonly userId: number
  readonly username: string
  readonly nickname: string
  readonly reason: string
  readonly status: BanStatus
  /** Null: the ban has no end. */
  readonly expireTime: Date | null
  readonly cancelFuture: boolean
  readonly createTime: Date
  readonly updateTime: Date | null
}

/** SQL: the state of ban `n` at an instant. An expired ban has ended, whatever is stored. */
export function banStatus(now: Date): RawBuilder<BanStatus> {
  return sql`CASE WHEN n.status = '0' AND n.expire_time <= ${now} THEN '1' ELSE n.status END`
}

/** Bans `n` as they are at an instant, deleted ones too. */
export function bansAt(db: Database, now: Date) {
  return db
    .selectFrom('tb_facility_ban as n')
    .innerJoin('users as u', 'u.id', 'n.user_id')
    .select(['n.id', 'n.user_id as userId', 'u.username', 'u.display_name as nickname', 'n.reason'])
    .select(banStatus(now).as('status'))
    .select(['n.expire_time as expireTime', 'n.cancel_future as cancelFuture'])
    .select(['n.create_time as createTime', 'n.update_time as updateTime'])
}

/**
 * Locks the row of a person who has not left, found by id or by name, so that their bans and no-shows change one after
 * the other. Returns the id, or null.
 */
export async function lockPerson(
  tx: Transaction,
  who: { readonly userId: number } | { readonly username: string },
): Promise<number | null> {
  const person = await tx
    .selectFrom('users')
    .select('id')
    .where('userId' in who ? sql<boolean>`id = ${who.userId}` : sql<boolean>`lower(username) = lower(${who.username})`)
    .where('status', '<>', 'deleted')
    .forNoKeyUpdate()
    .executeTakeFirst()
  return person?.id ?? null
}

export interface NewBan {
  readonly userId: number
  readonly reason: string
  readonly status: typeof IN_FORCE | typeof PROPOSED
  readonly expireTime: Date | null
  readonly cancelFuture: boolean
  /** Null: the system itself. */
  readonly by: number | null
}

/** Adds a ban. A second one in force, or a second proposal, breaks `tb_facility_ban_one`. */
export async function insertBan(tx: Transaction, ban: NewBan, now: Date): Promise<number> {
  const { id } = await tx
    .insertInto('tb_facility_ban')
    .values({
      user_id: ban.userId,
      reason: ban.reason,
      status: ban.status,
      expire_time: ban.expireTime,
      cancel_future: ban.cancelFuture,
      create_by: ban.by,
      create_time: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** The facts for proposing a ban: whether one is in force or proposed, and how many no-shows count. */
export interface Standing {
  readonly name: string
  readonly banned: boolean
  readonly proposalId: number | null
  readonly noShows: number
}

/**
 * Reads the standing of an applicant. A no-show counts if its booking began after `since` and it was noted after the
 * last decision about a ban or proposal of the person: an administrator judges a no-show only once.
 */
export async function readStanding(tx: Transaction, userId: number, since: Date, now: Date): Promise<Standing> {
  const isBanned = sql<boolean>`
    EXISTS (
      SELECT FROM tb_facility_ban n
      WHERE n.user_id = ${userId} AND n.del_flag = '0' AND ${banStatus(now)} = ${IN_FORCE}
    )`
  const lastDecision = sql`
    SELECT max(coalesce(n.update_time, n.create_time))
    FROM tb_facility_ban n
    WHERE n.user_id = ${userId} AND (n.status <> ${PROPOSED} OR n.del_flag = '2')`
  const proposal = tx
    .selectFrom('tb_facility_ban as n')
    .select('n.id')
    .where('n.user_id', '=', userId)
    .where('n.status', '=', PROPOSED)
    .where(exists('n'))
  const noShows = sql<number>`
    (
      SELECT count(*)::int
      FROM tb_facility_booking b
      WHERE b.applicant_id = ${userId}
        AND b.start_time > ${since}
        AND b.no_show_at > coalesce((${lastDecision}), '-infinity')
        AND b.del_flag = '0'
    )`
  const standing = await tx
    .selectFrom('users as u')
    .select(['u.display_name as name', isBanned.as('banned'), proposal.as('proposalId')])
    .select(noShows.as('noShows'))
    .where('u.id', '=', userId)
    .executeTakeFirst()
  if (!standing) throw new Error(`no user ${userId}`)
  return standing
}

/** Deletes a proposal without a trace, because too few no-shows are left. */
export async function withdrawProposal(tx: Transaction, id: number): Promise<void> {
  await tx.deleteFrom('tb_facility_ban').where('id', '=', id).where('status', '=', PROPOSED).execute()
}
