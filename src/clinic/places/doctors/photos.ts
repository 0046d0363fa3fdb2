import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { photoPath } from '../../core/people.ts'
import { keepPicture, type Pictured, showPicture } from '../../core/pictures.ts'
import { missing } from '../../sentences.ts'
import { lockDoctor, updateDoctor } from './store.ts'

/**
 * Replaces a doctor's photo; null removes it. Returns the new path and the old one.
 * @throws Invalid 106 for the doctor, and like `prepareImage`.
 */
export async function setPhoto(
  kernel: Kernel,
  caller: Caller,
  doctorId: number,
  upload: Buffer | null,
): Promise<{ readonly path: string | null; readonly before: string | null }> {
  const of: Pictured = { kind: 'doctor', id: doctorId }
  const fileId = upload === null ? null : await keepPicture(kernel, caller, of, upload)
  const now = kernel.clock.now()
  const before = await kernel.transaction(async (tx) => {
    const doctor = await lockDoctor(tx, doctorId)
    if (!doctor) throw missing('医生')
    await showPicture(tx, of, fileId, now)
    await updateDoctor(tx, doctorId, { photo_file_id: fileId, original_photo_url: null })
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.doctor.set_photo',
      resource: 'clinic_doctor',
      resourceId: doctorId,
    })
    return doctor.photoFileId
  })
  kernel.nudge()
  return { path: photoPath(doctorId, fileId), before: photoPath(doctorId, before) }
}
