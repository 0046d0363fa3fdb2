import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'

export interface MajorDepartment {
  readonly id: number
  readonly name: string
  readonly description: string | null
  readonly createTime: Date
}

export interface MinorDepartment extends MajorDepartment {
  readonly majorId: number
}

const majors = (db: Database) =>
  db
    .selectFrom('major_department')
    .select(['major_dept_id as id', 'name', 'description', 'create_time as createTime'])
    .where('deleted_at', 'is', null)

/** All major departments, by id. */
export async function listMajors(db: Database): Promise<readonly MajorDepartment[]> {
  return await majors(db).orderBy('major_dept_id').execute()
}

/** Locks a major department against deletion (`shared`) or against new minor ones. */
export async function lockMajor(
  tx: Transaction,
  id: number,
  { shared = false } = {},
): Promise<MajorDepartment | undefined> {
  const row = majors(tx).where('major_dept_id', '=', id)
  return await (shared ? row.forShare() : row.forUpdate()).executeTakeFirst()
}

interface Named {
  readonly name: string
  readonly description: string | null
}

export async function insertMajor(tx: Transaction, { name, description }: Named, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO major_department (name, description, create_time)
    VALUES (${name}, ${description}, ${now})
    RETURNING major_dept_id AS id`.execute(tx)
  return inserted(rows).id
}

export async function updateMajor(tx: Transaction, id: number, change: Partial<Named>): Promise<void> {
  if (Object.keys(change).length === 0) return
  await tx.updateTable('major_department').set(change).where('major_dept_id', '=', id).execute()
}

export async function deleteMajor(tx: Transaction, id: number, now: Date): Promise<void> {
  await tx.updateTable('major_department').set({ deleted_at: now }).where('major_dept_id', '=', id).execute()
}

/** The number of minor departments of a major one. */
export async function countMinors(tx: Transaction, majorId: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count
    FROM minor_department
    WHERE major_dept_id = ${majorId} AND deleted_at IS NULL`.execute(tx)
  return rows[0]?.count ?? 0
}

const minors = (db: Database) =>
  db
    .selectFrom('minor_department')
    .select(['minor_dept_id as id', 'major_dept_id as majorId', 'name', 'description', 'create_time as createTime'])
    .where('deleted_at', 'is', null)

/** Minor departments, of one major department if it is named, by id. */
export async function listMinors(
  db: Database,
  {
    majorId,
    limit,
    offset,
  }: { readonly majorId?: number | undefined; readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly MinorDepartment[]; readonly total: number }> {
  const matching = (query: ReturnType<typeof minors>) =>
    majorId === undefined ? query : query.where('major_dept_id', '=', majorId)
  const items = await matching(minors(db)).orderBy('minor_dept_id').limit(limit).offset(offset).execute()
  const { rows } = await sql<{ total: number }>`
    SELECT count(*) AS total
    FROM minor_department
    WHERE deleted_at IS NULL AND major_dept_id = coalesce(${majorId ?? null}::bigint, major_dept_id)`.execute(db)
  return { items, total: rows[0]?.total ?? 0 }
}

/** Locks a minor department. */
export async function lockMinor(tx: Transaction, id: number): Promise<MinorDepartment | undefined> {
  return await minors(tx).where('minor_dept_id', '=', id).forUpdate().executeTakeFirst()
}

export interface NewMinor extends Named {
  readonly majorId: number
  readonly initials: string
}

export async function insertMinor(tx: Transaction, minor: NewMinor, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO minor_department (major_dept_id, name, description, initials, create_time)
    VALUES (${minor.majorId}, ${minor.name}, ${minor.description}, ${minor.initials}, ${now})
    RETURNING minor_dept_id AS id`.execute(tx)
  return inserted(rows).id
}

export async function updateMinor(
  tx: Transaction,
  id: number,
  { majorId, ...change }: Partial<NewMinor>,
): Promise<void> {
  const columns = { ...change, ...(majorId !== undefined && { major_dept_id: majorId }) }
  if (Object.keys(columns).length === 0) return
  await tx.updateTable('minor_department').set(columns).where('minor_dept_id', '=', id).execute()
}

export async function deleteMinor(tx: Transaction, id: number, now: Date): Promise<void> {
  await tx.updateTable('minor_department').set({ deleted_at: now }).where('minor_dept_id', '=', id).execute()
}

/** The numbers of doctors and clinics of a minor department. */
export async function countInMinor(
  tx: Transaction,
  id: number,
): Promise<{ readonly doctors: number; readonly clinics: number }> {
  const { rows } = await sql<{ doctors: number; clinics: number }>`
    SELECT
      (SELECT count(*) FROM doctor WHERE dept_id = ${id} AND deleted_at IS NULL) AS doctors,
      (SELECT count(*) FROM clinic WHERE minor_dept_id = ${id} AND deleted_at IS NULL) AS clinics`.execute(tx)
  return rows[0] ?? { doctors: 0, clinics: 0 }
}
