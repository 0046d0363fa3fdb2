import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { notAllowed } from '../sentences.ts'
import { type Doctor, doctorOfUser } from './peopleStore.ts'
import { picturePath } from './pictures.ts'

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

/** The public path of a doctor's photo; null if there is none. */
export function photoPath(doctorId: number, fileId: number | null): string | null {
  return picturePath({ kind: 'doctor', id: doctorId }, fileId)
}
