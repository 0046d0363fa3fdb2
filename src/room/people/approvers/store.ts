import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'

/** Somebody who may decide about bookings, and about those of which buildings. */
export interface Approver {
  readonly userId: number
  readonly username: string
  readonly nickname: string
  readonly allBuildings: boolean
  /** What they are limited to; empty for whoever decides about all. */
  readonly buildings: readonly { readonly id: number; readonly buildingName: string }[]
}

/** SQL: does this person decide about bookings of a building? Whoever is limited to none decides about all. */
export function decidesAbout(userId: number, buildingId: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`(NOT EXISTS (SELECT FROM tb_facility_approver a WHERE a.user_id = ${userId})
    OR EXISTS (SELECT FROM tb_facility_approver a WHERE a.user_id = ${userId} AND a.building_id = ${buildingId}))`
}

const sorts = { userId: sql`u.id`, username: sql`u.username` } as const

export type ApproverSort = keyof typeof sorts

/** One page of the active people with one of some roles, and what they decide about. */
export async function listApprovers(
  db: Database,
  roles: readonly string[],
  filter: { readonly username?: string | undefined },
  page: PageOf<ApproverSort>,
): Promise<{ readonly items: readonly Approver[]; readonly total: number }> {
  const { username } = filter
  const select = sql`
    SELECT u.id AS "userId", u.username, u.display_name AS nickname,
      NOT EXISTS (SELECT FROM tb_facility_approver a WHERE a.user_id = u.id) AS "allBuildings",
      coalesce((
        SELECT jsonb_agg(jsonb_build_object('id', g.id, 'buildingName', g.building_name) ORDER BY g.id)
        FROM tb_facility_approver a JOIN tb_facility_building g ON g.id = a.building_id
        WHERE a.user_id = u.id AND g.del_flag = '0'), '[]') AS buildings
    FROM users u`
  const conditions = [
    sql`u.status = 'active'`,
    sql`EXISTS (SELECT FROM user_roles o WHERE o.user_id = u.id AND o.role = ANY (${roles}::text[]))`,
    username !== undefined && contains(username, sql`u.username`, sql`u.display_name`),
  ]
  return await readPage<Approver>(db, {
    select,
    counted: sql`users u`,
    conditions,
    page: pageClause(page, sorts, sql`u.id`),
  })
}

/** The buildings that somebody is limited to, by id, with the person's row locked: one change of them follows the other. */
export async function lockBuildingsOf(tx: Transaction, userId: number): Promise<readonly number[]> {
  await sql`SELECT FROM users WHERE id = ${userId} FOR NO KEY UPDATE`.execute(tx)
  const { rows } = await sql<{ id: number }>`
    SELECT building_id AS id FROM tb_facility_approver WHERE user_id = ${userId} ORDER BY building_id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Those of some buildings that there are. */
export async function existingBuildings(tx: Transaction, ids: readonly number[]): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM tb_facility_building WHERE id = ANY (${ids}::bigint[]) AND del_flag = '0'`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Limits somebody to these buildings, and no others; to none: to all. */
export async function replaceBuildings(
  tx: Transaction,
  userId: number,
  buildingIds: readonly number[],
  by: number,
  now: Date,
): Promise<void> {
  await sql`
    DELETE FROM tb_facility_approver WHERE user_id = ${userId} AND building_id <> ALL (${buildingIds}::bigint[])`.execute(
    tx,
  )
  await sql`
    INSERT INTO tb_facility_approver (user_id, building_id, create_by, create_time)
    SELECT ${userId}::bigint, id, ${by}::bigint, ${now}::timestamptz FROM unnest(${buildingIds}::bigint[]) AS id
    ON CONFLICT DO NOTHING`.execute(tx)
}
