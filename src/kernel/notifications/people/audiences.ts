import { type RawBuilder, sql } from 'kysely'
import { originOf } from '../../audit/origin.ts'
import { defineConstraints } from '../../database/constraints.ts'
import type { Database } from '../../database/database.ts'
import { Conflict, NotFound } from '../../errors.ts'
import type { Caller } from '../../http/request/caller.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'
import { compileCondition } from './conditions.ts'

defineConstraints({
  audiences_name_key: () => new Conflict('name_taken', 'There already is an audience of that name.'),
})

/** A saved condition with a name. */
export interface Audience {
  readonly id: number
  readonly name: string
  readonly condition: unknown
  readonly createdAt: Date
  readonly updatedAt: Date
}

const noSuchAudience = () => new NotFound('not_found', 'There is no such audience.')
const columns = sql`id, name, condition, created_at AS "createdAt", updated_at AS "updatedAt"`

/**
 * The SQL condition on the row `u` of `users` that finds the active people of an audience.
 * @throws Invalid `bad_condition`
 */
export function matchingPeople(kernel: Kernel, condition: unknown): RawBuilder<unknown> {
  const facts = { now: kernel.clock.now(), zone: kernel.config.timeZone }
  return sql`u.status = 'active' AND coalesce(${compileCondition(kernel.audienceConditions, condition, facts)}, false)`
}

/** Counts the people that a condition finds now, and returns the first ten. @throws Invalid `bad_condition` */
export async function previewCondition(
  kernel: Kernel,
  condition: unknown,
): Promise<{
  readonly count: number
  readonly sample: readonly { readonly id: number; readonly displayName: string }[]
}> {
  const fits = matchingPeople(kernel, condition)
  const counted = await sql<{ count: number }>`SELECT count(*)::int AS count FROM users u WHERE ${fits}`.execute(
    kernel.reads,
  )
  const some = await sql<{ id: number; displayName: string }>`
    SELECT u.id, u.display_name AS "displayName" FROM users u WHERE ${fits} ORDER BY u.id LIMIT 10`.execute(
    kernel.reads,
  )
  return { count: counted.rows[0]?.count ?? 0, sample: some.rows }
}

/** Reads one page of the audiences, by name, and their total number. */
export async function listAudiences(
  db: Database,
  page: { readonly limit: number; readonly offset: number; readonly descending: boolean },
): Promise<{ readonly items: readonly Audience[]; readonly total: number }> {
  const direction = page.descending ? sql`DESC` : sql`ASC`
  const { rows } = await sql<Audience>`
    SELECT ${columns}
    FROM audiences
    ORDER BY lower(name) ${direction}
    LIMIT ${page.limit} OFFSET ${page.offset}`.execute(db)
  const counted = await sql<{ total: number }>`SELECT count(*)::int AS total FROM audiences`.execute(db)
  return { items: rows, total: counted.rows[0]?.total ?? 0 }
}

/** Reads one audience. @throws NotFound */
export async function getAudience(db: Database, id: number): Promise<Audience> {
  const { rows } = await sql<Audience>`SELECT ${columns} FROM audiences WHERE id = ${id}`.execute(db)
  const [audience] = rows
  if (!audience) throw noSuchAudience()
  return audience
}

/** Saves a condition under a name. @throws Invalid `bad_condition`; Conflict `name_taken` */
export async function createAudience(
  kernel: Kernel,
  caller: Caller,
  name: string,
  condition: unknown,
): Promise<Audience> {
  matchingPeople(kernel, condition)
  const now = kernel.clock.now()
  const audience = await kernel.transaction(async (tx) => {
    const { rows } = await sql<{ id: number }>`
      INSERT INTO audiences (name, condition, created_by, created_at, updated_at)
      VALUES (${name}, ${JSON.stringify(condition)}::text::jsonb, ${caller.userId}, ${now}, ${now})
      RETURNING id`.execute(tx)
    const id = rows[0]?.id ?? 0
    await record(tx, now, { ...originOf(caller), action: 'audience.create', resource: 'audience', resourceId: id })
    return getAudience(tx, id)
  })
  kernel.nudge()
  return audience
}

/** Changes the name and condition of an audience. @throws NotFound; Invalid `bad_condition`; Conflict `name_taken` */
export async function updateAudience(
  kernel: Kernel,
  caller: Caller,
  id: number,
  { name, condition }: Pick<Audience, 'name' | 'condition'>,
): Promise<Audience> {
  matchingPeople(kernel, condition)
  const now = kernel.clock.now()
  const audience = await kernel.transaction(async (tx) => {
    const { numAffectedRows } = await sql`
      UPDATE audiences
      SET name = ${name}, condition = ${JSON.stringify(condition)}::text::jsonb, updated_at = ${now}
      WHERE id = ${id}`.execute(tx)
    if ((numAffectedRows ?? 0n) === 0n) throw noSuchAudience()
    await record(tx, now, { ...originOf(caller), action: 'audience.update', resource: 'audience', resourceId: id })
    return getAudience(tx, id)
  })
  kernel.nudge()
  return audience
}

/** Deletes an audience; its broadcasts keep their copy of the condition. @throws NotFound */
export async function deleteAudience(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const { numAffectedRows } = await sql`DELETE FROM audiences WHERE id = ${id}`.execute(tx)
    if ((numAffectedRows ?? 0n) === 0n) throw noSuchAudience()
    await record(tx, now, { ...originOf(caller), action: 'audience.delete', resource: 'audience', resourceId: id })
  })
  kernel.nudge()
}
