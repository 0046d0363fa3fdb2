import type { Transaction } from '../../kernel/database/database.ts'
import { missing } from '../sentences.ts'

// A thing is only added below a parent that exists, and a parent is only deleted while it has nothing below it: adding
// locks the parent's row shared, deleting locks it exclusively.

const departments = (tx: Transaction, id: number) =>
  tx
    .selectFrom('minor_department')
    .select('minor_dept_id')
    .where('minor_dept_id', '=', id)
    .where('deleted_at', 'is', null)

/** Locks a minor department against deletion. @throws Invalid 106 if there is none. */
export async function keepDepartment(tx: Transaction, id: number): Promise<void> {
  if (!(await departments(tx, id).forShare().executeTakeFirst())) throw missing('小科室')
}

/** Locks a minor department for one transaction alone. @throws Invalid 106 if there is none. */
export async function lockDepartment(tx: Transaction, id: number): Promise<void> {
  if (!(await departments(tx, id).forUpdate().executeTakeFirst())) throw missing('小科室')
}

/** Locks a clinic against deletion, and returns its department and type. @throws Invalid 106 if there is none. */
export async function keepClinic(
  tx: Transaction,
  id: number,
): Promise<{ readonly deptId: number; readonly clinicType: number }> {
  const row = await tx
    .selectFrom('clinic')
    .select(['minor_dept_id as deptId', 'clinic_type as clinicType'])
    .where('clinic_id', '=', id)
    .where('deleted_at', 'is', null)
    .forShare()
    .executeTakeFirst()
  if (!row) throw missing('门诊')
  return row
}

/** Locks a doctor against deletion. @throws Invalid 106 if there is none. */
export async function keepDoctor(tx: Transaction, id: number): Promise<void> {
  const row = await tx
    .selectFrom('doctor')
    .select('doctor_id')
    .where('doctor_id', '=', id)
    .where('deleted_at', 'is', null)
    .forShare()
    .executeTakeFirst()
  if (!row) throw missing('医生')
}

/** Locks an area against deletion. @throws Invalid 106 if there is none. */
export async function keepArea(tx: Transaction, id: number): Promise<void> {
  const row = await tx
    .selectFrom('hospital_area')
    .select('area_id')
    .where('area_id', '=', id)
    .where('deleted_at', 'is', null)
    .forShare()
    .executeTakeFirst()
  if (!row) throw missing('院区')
}
