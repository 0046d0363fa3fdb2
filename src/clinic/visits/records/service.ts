import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { findOrder, lockOrder } from '../../core/ordersStore.ts'
import { callingDoctor } from '../../core/people.ts'
import type { RecordChange } from '../../core/records/rules.ts'
import { recordOf, type VisitRecord } from '../../core/records/store.ts'
import { writeRecord } from '../../core/records/writing.ts'
import { noSuchOrder } from '../../core/refusals.ts'
import { relationTo } from '../../core/relationsStore.ts'
import { isAdministrator } from '../../permissions.ts'
import { missing } from '../../sentences.ts'
import { readsAs } from './rules.ts'

const noSuchRecord = () => missing('就诊记录')

/**
 * Writes the record of a visit of the calling doctor, and returns it. Of two who write at once, the second one changes
 * what the first one wrote; with `version` it is refused instead.
 * @throws Invalid 102 if the caller is no doctor; 106 for other doctors' orders; as `writeRecord`.
 */
export async function saveRecord(
  kernel: Kernel,
  caller: Caller,
  orderId: number,
  { change, version }: { readonly change: RecordChange; readonly version: number | undefined },
): Promise<VisitRecord> {
  const { doctorId } = await callingDoctor(kernel, caller)
  const now = kernel.clock.now()
  const saved = await kernel.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId)
    if (order?.doctorId !== doctorId) throw noSuchOrder()
    await writeRecord(tx, order, { change, version, caller, now, zone: kernel.config.timeZone })
    const written = await recordOf(tx, orderId)
    if (!written) throw noSuchRecord()
    return written
  })
  kernel.nudge()
  return saved
}

/** What somebody does with a record, as the operation log names it. */
export type Reading = 'read' | 'print' | 'download'

/** Somebody who reads a record: the caller, or the person for whom a link was made. */
export type RecordReader = Pick<Caller, 'userId' | 'permissions' | 'address' | 'requestId'>

/**
 * The record of a visit. What staff do with it is written in the operation log first.
 * @throws Invalid 106 if there is none, or the reader may not read it.
 */
export async function readRecord(
  kernel: Kernel,
  reader: RecordReader,
  orderId: number,
  reading: Reading,
): Promise<VisitRecord> {
  const { userId, permissions } = reader
  const found = await kernel.withRetries(async (db) => {
    const order = await findOrder(db, orderId)
    const own = await recordOf(db, orderId)
    if (!order || !own) return undefined
    const relation = await relationTo(db, userId, order.patientId)
    const isDoctor = permissions.has('clinic:treat')
    const as = readsAs(order, { userId, isDoctor, isAdministrator: isAdministrator({ permissions }), relation })
    return as && { own, as }
  })
  if (!found) throw noSuchRecord()
  if (found.as === 'staff') await noteReading(kernel, reader, orderId, reading)
  return found.own
}

async function noteReading(kernel: Kernel, reader: RecordReader, resourceId: number, reading: Reading): Promise<void> {
  const now = kernel.clock.now()
  const entry = { ...originOf(reader), action: `clinic.record.${reading}`, resource: 'clinic_record', resourceId }
  await kernel.withRetries((db) => record(db, now, entry))
  kernel.nudge()
}
