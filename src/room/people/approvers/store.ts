import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { contains, type PageOf, pageClause, readPage } from '../../../kernel/database/lists.ts'
import { anyOf } from '../../../kernel/database/literals.ts'
import { exists } from '../../core/conditionsStore.ts'

/** A person who may decide about bookings, and their buildings. */
export interface Approver {
  readonly userId: number
  readonly username: string
  readonly nickname: string
  readonly allBuildings: boolean
  /** The buildings they are limited to; empty for an approver without a limit. */
  readonly buildings: readonly { readonly id: number; readonly buildingName: string }[]
}

const SORTS = { userId: sql`u.id`, username: sql`u.username` } as const

const isUnlimited = sql<boolean>`NOT EXISTS (SELECT FROM tb_facility_approver a WHERE a.user_id = u.id)`

const buildingsOf = sql<Approver['buildings']>`
  coalesce(
    (
      SELECT jsonb_agg(jsonb_build_object('id', g.id, 'buildingName', g.building_name) ORDER BY g.id)
      FROM tb_facility_approver a
      JOIN tb_facility_building g ON g.id = a.building_id
      WHERE a.user_id = u.id AND g.del_flag = '0'
    ),
    '[]'
  )`

/** One page of the active people with one of some roles, and the buildings they decide about. */
export async function listApprovers(
  db: Database,
  roles: readonly string[],
  filter: { readonly username?: string | undefined },
  page: PageOf<keyof typeof SORTS>,
): Promise<{ readonly items: readonly Approver[]; readonly total: number }> {
  const { username } = filter
  return await readPage<Approver>(db, {
    select: db
      .selectFrom('users as u')
      .select(['u.id as userId', 'u.username', 'u.display_name as nickname'])
      .select([isUnlimited.as('allBuildings'), buildingsOf.as('buildings')]),
    counted: sql`users u`,
    conditions: [
      sql`u.status = 'active'`,
      sql`EXISTS (SELECT FROM user_roles o WHERE o.user_id = u.id AND o.role = ANY (${roles}::text[]))`,
      username !== undefined && contains(username, sql`u.username`, sql`u.display_name`),
    ],
    page: pageClause(page, SORTS, sql`u.id`),
  })
}

/** Locks a person's row and returns the buildings they are limited to, by id. The lock serializes changes. */
export async function lockBuildingsOf(tx: Transaction, userId: number): Promise<readonly number[]> {
  await tx.selectFrom('users').select('id').where('id', '=', userId).forNoKeyUpdate().execute()
  const limits = await tx
    .selectFrom('tb_facility_approver')
    .select('building_id')
    .where('user_id', '=', userId)
    .orderBy('building_id')
    .execute()
  return limits.map(({ building_id }) => building_id)
}

/** The ids among these of existing buildings. */
export async function existingBuildings(tx: Transaction, ids: readonly number[]): Promise<readonly number[]> {
  const found = await tx
    .selectFrom('tb_facility_building as g')
    .select('g.id')
    .where('g.id', '=', anyOf(ids))
    .where(exists('g'))
    .execute()
  return found.map(({ id }) => id)
}

/** Limits a person to these buildings only; an empty list lifts the limit. */
export async function replaceBuildings(
  tx: Transaction,
  userId: number,
  buildingIds: readonly number[],
  by: number,
  now: Date,
): Promise<void> {
  await tx
    .deleteFrom('tb_facility_approver')
    .where('user_id', '=', userId)
    .where('building_id', '<>', sql<number>`ALL (${buildingIds}::bigint[])`)
    .execute()
  await sql`
    INSERT INTO tb_facility_approver (user_id, building_id, create_by, create_time)
    SELECT ${userId}::bigint, id, ${by}::bigint, ${now}::timestamptz
    FROM unnest(${buildingIds}::bigint[]) AS id
    ON CONFLICT DO NOTHING`.execute(tx)
}
