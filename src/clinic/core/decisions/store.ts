import type { Database } from '../../../kernel/database/database.ts'

/** The users who head a department. */
export async function headsOf(db: Database, deptId: number): Promise<readonly number[]> {
  const heads = await db
    .selectFrom('doctor')
    .innerJoin('users', 'users.id', 'doctor.user_id')
    .select('users.id')
    .where('doctor.dept_id', '=', deptId)
    .where('doctor.is_department_head', '=', true)
    .where('doctor.deleted_at', 'is', null)
    .where('users.status', '=', 'active')
    .orderBy('users.id')
    .execute()
  return heads.map(({ id }) => id)
}
