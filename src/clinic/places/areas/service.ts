import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { keepPicture, type Pictured, picturePath, showPicture } from '../../core/pictures.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import * as store from './store.ts'

/** Adds an area of the hospital. Returns its id. @throws Invalid `name_taken`. */
export async function addArea(kernel: Kernel, caller: Caller, area: store.AreaContent): Promise<number> {
  const now = kernel.clock.now()
  const id = await kernel.transaction(async (tx) => {
    const id = await store.insertArea(tx, area, now)
    await note(tx, caller, 'add', id, now)
    return id
  })
  kernel.nudge()
  return id
}

/** Changes an area. @throws Invalid 106, `name_taken`. */
export async function changeArea(
  kernel: Kernel,
  caller: Caller,
  id: number,
  change: Partial<store.AreaContent>,
): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.lockArea(tx, id))) throw missing('院区')
    await store.updateArea(tx, id, change)
    await note(tx, caller, 'change', id, now)
  })
  kernel.nudge()
}

/**
 * Replaces the picture of an area; null removes it. Returns its path.
 * @throws Invalid 106, and like `prepareImage`.
 */
export async function setPhoto(
  kernel: Kernel,
  caller: Caller,
  id: number,
  upload: Buffer | null,
): Promise<string | null> {
  const of: Pictured = { kind: 'area', id }
  const fileId = upload === null ? null : await keepPicture(kernel, caller, of, upload)
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.lockArea(tx, id))) throw missing('院区')
    await showPicture(tx, of, fileId, now)
    await store.updateArea(tx, id, { image_file_id: fileId })
    await note(tx, caller, 'set_photo', id, now)
  })
  kernel.nudge()
  return picturePath(of, fileId)
}

/** Deletes an area. @throws Invalid 106; `has_children` while it has clinics. */
export async function removeArea(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.lockArea(tx, id))) throw missing('院区')
    const clinics = await store.countClinics(tx, id)
    if (clinics > 0) throw refusal(CODES.request, 'has_children', `该院区下还有 ${clinics} 个门诊，请先删除门诊`)
    await showPicture(tx, { kind: 'area', id }, null, now)
    await store.updateArea(tx, id, { image_file_id: null, deleted_at: now })
    await note(tx, caller, 'remove', id, now)
  })
  kernel.nudge()
}

async function note(tx: Transaction, caller: Caller, verb: string, resourceId: number, now: Date): Promise<void> {
  await record(tx, now, { ...originOf(caller), action: `clinic.area.${verb}`, resource: 'clinic_area', resourceId })
}
