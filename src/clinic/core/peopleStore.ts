import type { Database } from '../../kernel/database/database.ts'

/** A doctor with the names of their department. */
export interface Doctor {
  readonly doctorId: number
  readonly userId: number | null
  readonly name: string
  readonly title: string | null
  readonly deptId: number
  readonly deptName: string
  readonly isHead: boolean
  readonly photoFileId: number | null
}

const doctors = (db: Database) =>
  db
    .selectFrom('doctor as d')
    .innerJoin('minor_department as m', 'm.minor_dept_id', 'd.dept_id')
    .select(['d.doctor_id as doctorId', 'd.user_id as userId', 'd.name', 'd.title', 'd.dept_id as deptId'])
    .select(['m.name as deptName', 'd.is_department_head as isHead', 'd.photo_file_id as photoFileId'])
    .where('d.deleted_at', 'is', null)

/** The doctor with a user's account. */
export async function doctorOfUser(db: Database, userId: number): Promise<Doctor | undefined> {
  return await doctors(db).where('d.user_id', '=', userId).executeTakeFirst()
}
