import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { contains } from '../../../kernel/database/lists.ts'
import { among } from '../../../kernel/database/literals.ts'
import type { Ban } from '../../core/bansStore.ts'

/** A user with what their orders of the last 90 days say about them. */
export interface RiskUser {
  readonly userId: number
  readonly username: string
  readonly cancelled: number
  readonly timedOut: number
  readonly missed: number
  readonly orders: number
  readonly banType: Ban['type'] | null
  readonly banUntil: Date | null
  readonly banReason: string | null
  readonly total: number
}

/**
 * SQL: the risk of a user, 0 to 100: 3 for each cancelled order, 5 for each unpaid one, 10 for each missed visit.
 */
const RISK = sql`least(100, 3 * r.cancelled + 5 * r."timedOut" + 10 * r.missed)`

/** Scores from which a user counts as a high and a normal risk. */
export const HIGH = 60
export const NORMAL = 20

const KINDS = {
  high: sql`${RISK} >= ${sql.lit(HIGH)}`,
  normal: sql`${RISK} >= ${sql.lit(NORMAL)} AND ${RISK} < ${sql.lit(HIGH)}`,
  low: sql`${RISK} < ${sql.lit(NORMAL)}`,
  banned: sql`b.ban_id IS NOT NULL`,
} as const satisfies Readonly<Record<string, RawBuilder<unknown>>>

export type RiskKind = keyof typeof KINDS

/** Users with their risk, the riskiest first. */
export async function listRisks(
  db: Database,
  query: {
    readonly kind?: RiskKind | undefined
    readonly text?: string | undefined
    readonly userId?: number
    readonly limit: number
    readonly offset: number
  },
  now: Date,
): Promise<readonly RiskUser[]> {
  const { kind, text, userId, limit, offset } = query
  const since = sql`${now}::timestamptz - interval '90 days'`
  // Few orders end badly: only those are counted for everybody, and all orders only for the users of the page.
  const { rows } = await sql<RiskUser>`
    WITH bad AS MATERIALIZED (
      SELECT
        o.initiator_user_id AS user_id,
        (count(*) FILTER (WHERE o.status = 'cancelled' AND o.cancelled_by = o.initiator_user_id))::int AS cancelled,
        (count(*) FILTER (WHERE o.status = 'timeout'))::int AS "timedOut",
        (count(*) FILTER (WHERE o.status = 'no_show'))::int AS missed
      FROM registration_order o
      WHERE o.status IN ${among(['cancelled', 'timeout', 'no_show'])} AND o.create_time > ${since}
        ${userId === undefined ? sql`` : sql`AND o.initiator_user_id = ${userId}`}
      GROUP BY 1
    ), page AS (
      SELECT
        u.id AS "userId", u.username, r.cancelled, r."timedOut", r.missed, b.ban_type AS "banType",
        b.ban_until AS "banUntil", b.reason AS "banReason", (count(*) OVER ())::int AS total, ${RISK} AS risk
      FROM users u
      LEFT JOIN bad ON bad.user_id = u.id
      CROSS JOIN LATERAL (
        SELECT
          coalesce(bad.cancelled, 0) AS cancelled, coalesce(bad."timedOut", 0) AS "timedOut",
          coalesce(bad.missed, 0) AS missed
      ) r
      LEFT JOIN user_ban b ON b.user_id = u.id AND b.is_active AND (b.ban_until IS NULL OR b.ban_until > ${now})
      WHERE u.status <> 'deleted'
        AND ${kind === undefined ? sql`true` : KINDS[kind]}
        AND ${text === undefined || text === '' ? sql`true` : contains(text, sql`u.username`, sql`u.display_name`)}
        AND u.id = coalesce(${userId ?? null}::bigint, u.id)
      ORDER BY risk DESC, u.id
      LIMIT ${limit} OFFSET ${offset}
    )
    SELECT
      page."userId", page.username, page.cancelled, page."timedOut", page.missed, page."banType", page."banUntil",
      page."banReason", page.total,
      (SELECT count(*)::int FROM registration_order o
       WHERE o.initiator_user_id = page."userId" AND o.create_time > ${since}) AS orders
    FROM page
    ORDER BY page.risk DESC, page."userId"`.execute(db)
  return rows
}

/** A ban of a user, in force or not. */
export interface BanRecord extends Ban {
  readonly isActive: boolean
  readonly createTime: Date
  readonly unbanTime: Date | null
  readonly unbanReason: string | null
}

/** All bans of a user, the latest first. */
export async function bansOf(db: Database, userId: number): Promise<readonly BanRecord[]> {
  return await db
    .selectFrom('user_ban')
    .select(['ban_id as banId', 'ban_type as type', 'ban_until as until', 'reason', 'is_active as isActive'])
    .select(['create_time as createTime', 'unban_time as unbanTime', 'unban_reason as unbanReason'])
    .where('user_id', '=', userId)
    .orderBy('ban_id', 'desc')
    .limit(100)
    .execute()
}

/** Raises the revision of the patients of a user: registrations decided before can no longer be written. */
export async function raiseRevisions(tx: Transaction, userId: number): Promise<void> {
  await sql`
    UPDATE patient
    SET revision = revision + 1
    WHERE patient_id IN (
      SELECT patient_id
      FROM patient
      WHERE user_id = ${userId}
        OR patient_id IN (SELECT related_patient_id FROM patient_relation WHERE user_id = ${userId})
      ORDER BY patient_id
      FOR NO KEY UPDATE
    )`.execute(tx)
}

/** Ends bans of a user whose time is over, so that a new one can be made. */
export async function endExpired(tx: Transaction, userId: number, now: Date): Promise<void> {
  await sql`
    UPDATE user_ban SET is_active = false WHERE user_id = ${userId} AND is_active AND ban_until <= ${now}`.execute(tx)
}

export async function insertBan(
  tx: Transaction,
  ban: Pick<Ban, 'type' | 'until' | 'reason'> & { readonly userId: number; readonly by: number },
  now: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO user_ban (user_id, ban_type, ban_until, reason, banned_by, create_time)
    VALUES (${ban.userId}, ${ban.type}, ${ban.until}, ${ban.reason}, ${ban.by}, ${now})
    RETURNING ban_id AS id`.execute(tx)
  return inserted(rows).id
}

/** Lifts the ban of a user. Returns false if none is in force. */
export async function liftBan(
  tx: Transaction,
  { userId, reason, by }: { readonly userId: number; readonly reason: string; readonly by: number },
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    UPDATE user_ban
    SET is_active = false, unban_time = ${now}, unban_reason = ${reason}, unbanned_by = ${by}
    WHERE user_id = ${userId} AND is_active AND (ban_until IS NULL OR ban_until > ${now})
    RETURNING ban_id`.execute(tx)
  return rows.length > 0
}

/** Counts of a user's orders by state, made between two dates (both included). */
export async function countOrders(
  db: Database,
  userId: number,
  { from, to, zone }: { readonly from: string | null; readonly to: string | null; readonly zone: string },
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ status: string; count: number }>`
    SELECT status, count(*) AS count
    FROM registration_order
    WHERE initiator_user_id = ${userId}
      AND (create_time AT TIME ZONE ${zone})::date >= coalesce(${from}::date, '-infinity')
      AND (create_time AT TIME ZONE ${zone})::date <= coalesce(${to}::date, 'infinity')
    GROUP BY 1`.execute(db)
  return new Map(rows.map(({ status, count }) => [status, count]))
}

/** The number of a user's log-ins that succeeded. */
export async function countLogIns(db: Database, userId: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM login_log WHERE user_id = ${userId} AND result = 'success'`.execute(db)
  return rows[0]?.count ?? 0
}
