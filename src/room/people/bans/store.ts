import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'

export const BAN_STATES = ['0', '1', '2'] as const

/** In force, ended (lifted or expired), or proposed: waits for an administrator. */
export type BanStatus = (typeof BAN_STATES)[number]

export const IN_FORCE = '0'
export const ENDED = '1'
export const PROPOSED = '2'

/** A ban as it stands at the instant it was read for. */
export interface Ban {
  readonly id: number
  readonly userId: number
  readonly username: string
  readonly nickname: string
  readonly reason: string
  readonly status: BanStatus
  /** Null: for ever. */
  readonly expireTime: Date | null
  readonly cancelFuture: boolean
  readonly createTime: Date
  readonly updateTime: Date | null
}

/** SQL: the state of ban `n` at an instant. What has expired has ended, whatever is stored. */
function statusAt(now: Date): RawBuilder<BanStatus> {
  return sql`CASE WHEN n.status = '0' AND n.expire_time <= ${now} THEN '1' ELSE n.status END`
}

const bans = sql`tb_facility_ban n JOIN users u ON u.id = n.user_id`

function banColumns(now: Date): RawBuilder<unknown> {
  return sql`
    n.id, n.user_id AS "userId", u.username, u.display_name AS nickname, n.reason, ${statusAt(now)} AS status,
    n.expire_time AS "expireTime", n.cancel_future AS "cancelFuture", n.create_time AS "createTime", n.update_time AS "updateTime"`
}

const sorts = {
  id: sql`n.id`,
  userId: sql`n.user_id`,
  createTime: sql`n.create_time`,
  expireTime: sql`n.expire_time`,
} as const

export type BanSort = keyof typeof sorts

/** One page of the bans as they stand at an instant. `username` is found anywhere in the name. */
export async function listBans(
  db: Database,
  filter: {
    readonly status?: BanStatus | undefined
    readonly userId?: number | undefined
    readonly username?: string | undefined
  },
  page: PageOf<BanSort>,
  now: Date,
): Promise<{ readonly items: readonly Ban[]; readonly total: number }> {
  const { status, userId, username } = filter
  const conditions = [
    sql`n.del_flag = '0'`,
    status !== undefined && sql`${statusAt(now)} = ${status}`,
    userId !== undefined && sql`n.user_id = ${userId}`,
    username !== undefined && contains(username, sql`u.username`),
  ]
  const select = sql`SELECT ${banColumns(now)} FROM ${bans}`
  return await readPage<Ban>(db, { select, counted: bans, conditions, page: pageClause(page, sorts, sql`n.id`) })
}

/** A ban as it stands at an instant, or null. */
export async function findBan(db: Database, id: number, now: Date): Promise<Ban | null> {
  const { rows } = await sql<Ban>`
    SELECT ${banColumns(now)} FROM ${bans} WHERE n.id = ${id} AND n.del_flag = '0'`.execute(db)
  return rows[0] ?? null
}

/** Locks the row of somebody who has not left, found by id or by name: what changes their bans goes one by one. Answers the id, or null. */
export async function lockPerson(
  tx: Transaction,
  who: { readonly userId: number } | { readonly username: string },
): Promise<number | null> {
  const found = 'userId' in who ? sql`id = ${who.userId}` : sql`lower(username) = lower(${who.username})`
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM users WHERE ${found} AND status <> 'deleted' FOR NO KEY UPDATE`.execute(tx)
  return rows[0]?.id ?? null
}

/** Notes that bans of somebody that have expired have ended, so that another may come into force. */
export async function endExpired(tx: Transaction, userId: number, now: Date): Promise<void> {
  await sql`
    UPDATE tb_facility_ban SET status = ${ENDED}, update_time = ${now}
    WHERE user_id = ${userId} AND status = ${IN_FORCE} AND expire_time <= ${now} AND del_flag = '0'`.execute(tx)
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
  const { rows } = await sql<{ id: number }>`
    INSERT INTO tb_facility_ban (user_id, reason, status, expire_time, cancel_future, create_by, create_time)
    VALUES (${ban.userId}, ${ban.reason}, ${ban.status}, ${ban.expireTime}, ${ban.cancelFuture}, ${ban.by}, ${now})
    RETURNING id`.execute(tx)
  return rows[0]?.id ?? 0
}

/** Brings a proposal into force. A ban that is in force already breaks `tb_facility_ban_one`. */
export async function enforceBan(
  tx: Transaction,
  id: number,
  terms: Pick<NewBan, 'expireTime' | 'cancelFuture'>,
  by: number,
  now: Date,
): Promise<void> {
  await sql`
    UPDATE tb_facility_ban
    SET status = ${IN_FORCE}, expire_time = ${terms.expireTime}, cancel_future = ${terms.cancelFuture}, update_by = ${by}, update_time = ${now}
    WHERE id = ${id}`.execute(tx)
}

/** Ends a ban that is in force. */
export async function endBan(tx: Transaction, id: number, by: number, now: Date): Promise<void> {
  await sql`
    UPDATE tb_facility_ban SET status = ${ENDED}, update_by = ${by}, update_time = ${now} WHERE id = ${id}`.execute(tx)
}

/** Deletes the proposal about somebody, if there is one: an administrator has decided otherwise. */
export async function dismissProposal(tx: Transaction, userId: number, by: number, now: Date): Promise<void> {
  await sql`
    UPDATE tb_facility_ban SET del_flag = '2', update_by = ${by}, update_time = ${now}
    WHERE user_id = ${userId} AND status = ${PROPOSED} AND del_flag = '0'`.execute(tx)
}

/** What speaks for or against proposing a ban: whether one is in force or proposed, and the no-shows that count. */
export interface Standing {
  readonly name: string
  readonly banned: boolean
  readonly proposalId: number | null
  readonly noShows: number
}

/**
 * The no-shows of an applicant that count: of bookings that began after `since`, noted after the last ban or dismissed proposal of the
 * person was decided about. So what an administrator has judged once is not held against anybody again.
 */
export async function readStanding(tx: Transaction, userId: number, since: Date, now: Date): Promise<Standing> {
  const { rows } = await sql<Standing>`
    SELECT u.display_name AS name,
      EXISTS (
        SELECT FROM tb_facility_ban n
        WHERE n.user_id = ${userId} AND n.del_flag = '0' AND ${statusAt(now)} = ${IN_FORCE}) AS banned,
      (SELECT n.id FROM tb_facility_ban n WHERE n.user_id = ${userId} AND n.status = ${PROPOSED} AND n.del_flag = '0') AS "proposalId",
      (SELECT count(*)::int FROM tb_facility_booking b
        WHERE b.applicant_id = ${userId} AND b.del_flag = '0' AND b.start_time > ${since} AND b.no_show_at > coalesce(
          (SELECT max(coalesce(n.update_time, n.create_time)) FROM tb_facility_ban n
            WHERE n.user_id = ${userId} AND (n.status <> ${PROPOSED} OR n.del_flag = '2')), '-infinity')) AS "noShows"
    FROM users u WHERE u.id = ${userId}`.execute(tx)
  const [standing] = rows
  if (!standing) throw new Error(`no user ${userId}`)
  return standing
}

/** Takes a proposal back as if it had never been: its ground is gone. */
export async function withdrawProposal(tx: Transaction, id: number): Promise<void> {
  await sql`DELETE FROM tb_facility_ban WHERE id = ${id} AND status = ${PROPOSED}`.execute(tx)
}
