import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { missing, notAllowed } from '../sentences.ts'
import { type Doctor, doctorOfUser, type PatientRow, patientOfUser } from './peopleStore.ts'

/** The caller's own doctor record. @throws Invalid 102 if the caller is no doctor. */
export async function callingDoctor(kernel: Kernel, caller: Pick<Caller, 'userId'>): Promise<Doctor> {
  const doctor = await kernel.withRetries((db) => doctorOfUser(db, caller.userId))
  if (!doctor) throw notAllowed('当前账号未关联医生信息')
  return doctor
}

/** The caller's own doctor record, if they head a department. @throws Invalid 102 otherwise. */
export async function callingHead(kernel: Kernel, caller: Pick<Caller, 'userId'>): Promise<Doctor> {
  const doctor = await callingDoctor(kernel, caller)
  if (!doctor.isHead) throw notAllowed('仅科室长可以进行此操作')
  return doctor
}

/** The caller's own patient record. @throws Invalid 106 if there is none. */
export async function callingPatient(kernel: Kernel, caller: Pick<Caller, 'userId'>): Promise<PatientRow> {
  const patient = await kernel.withRetries((db) => patientOfUser(db, caller.userId))
  if (!patient) throw missing('患者档案')
  return patient
}
