import { originOf } from '../../../kernel/audit/origin.ts'
import type { Database } from '../../../kernel/database/database.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { localDate } from '../../../kernel/time.ts'
import { callingDoctor } from '../../core/people.ts'
import { recordsOfPatient, type VisitRecord } from '../../core/records/store.ts'
import { noSuchPatient } from '../../core/refusals.ts'
import { relationTo } from '../../core/relationsStore.ts'
import { isAdministrator } from '../../permissions.ts'
import * as store from './store.ts'

/** A patient with the records of their visits, the latest first. */
export interface Health {
  readonly patient: store.HealthPatient
  readonly records: readonly VisitRecord[]
}

/**
 * The health record of the caller, or of a patient without an account whom the caller has entered.
 * @throws Invalid 106 for other patients, and for a caller without a patient record.
 */
export async function readOwnHealth(kernel: Kernel, caller: Caller, patientId: number | undefined): Promise<Health> {
  return await kernel.withRetries(async (db) => await healthOf(db, await ownPatient(db, caller, patientId)))
}

/**
 * Changes what a patient has written about their health. Of two changes at once, the last one of a field wins.
 * @throws Invalid 106 as `readOwnHealth`.
 */
export async function changeOwnHealth(
  kernel: Kernel,
  caller: Caller,
  patientId: number | undefined,
  change: store.HealthChange,
): Promise<Health> {
  const now = kernel.clock.now()
  const changed = await kernel.transaction(async (tx) => {
    const id = await ownPatient(tx, caller, patientId)
    const fields = Object.keys(change)
    if (fields.length > 0) {
      if (!(await store.updateHealth(tx, id, change))) throw noSuchPatient()
      const entry = { action: 'clinic.patient.health', resource: 'clinic_patient', resourceId: id }
      await record(tx, now, { ...originOf(caller), ...entry, changes: { fields: [null, fields] } })
    }
    return await healthOf(tx, id)
  })
  kernel.nudge()
  return changed
}

/** The id of the caller's own patient record, or of a patient whom the caller keeps. @throws Invalid 106. */
async function ownPatient(db: Database, { userId }: Caller, patientId: number | undefined): Promise<number> {
  const own = await store.ownPatientId(db, userId)
  const wanted = patientId ?? own
  if (wanted === undefined) throw noSuchPatient()
  if (wanted !== own && !(await relationTo(db, userId, wanted))?.isKeeper) throw noSuchPatient()
  return wanted
}

/**
 * A patient for the calling doctor, who has or had an order with them, or has one in their department today; for
 * administrators every patient. The reading is written in the operation log first.
 * @throws Invalid 102 if the caller is neither; 106 for other patients.
 */
export async function readPatient(kernel: Kernel, caller: Caller, patientId: number): Promise<Health> {
  const now = kernel.clock.now()
  const doctor = isAdministrator(caller) ? null : await callingDoctor(kernel, caller)
  const found = await kernel.transaction(async (tx) => {
    if (doctor) {
      const asked = { ...doctor, today: localDate(now, kernel.config.timeZone) }
      if (!(await store.isKnownTo(tx, patientId, asked))) throw noSuchPatient()
    }
    const health = await healthOf(tx, patientId)
    const entry = { action: 'clinic.patient.read', resource: 'clinic_patient', resourceId: patientId }
    await record(tx, now, { ...originOf(caller), ...entry })
    return health
  })
  kernel.nudge()
  return found
}

async function healthOf(db: Database, patientId: number): Promise<Health> {
  const patient = await store.patientOf(db, patientId)
  if (!patient) throw noSuchPatient()
  return { patient, records: await recordsOfPatient(db, patientId) }
}
