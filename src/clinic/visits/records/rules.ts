import type { OrderStatus } from '../../core/states.ts'

/** The people of an order, and its state. */
interface Visit {
  readonly status: OrderStatus
  readonly patientUserId: number | null
  readonly initiatorId: number
  readonly doctorUserId: number | null
}

/** Facts about somebody who wants to read the record of a visit. */
export interface Reader {
  readonly userId: number
  /** Holds the right to treat patients. */
  readonly isDoctor: boolean
  readonly isAdministrator: boolean
  /** How the patient is on the reader's list. Null: not at all, or the patient has an account of their own. */
  readonly relation: { readonly isKeeper: boolean } | null
}

/**
 * As what somebody may read the record of a visit; undefined if they may not. `patient`: the patient, or the person who
 * looks after a patient without an account: who entered them, or registered this visit. They read it after the visit.
 * Being linked by the id card alone is not enough. Staff: the doctor who treated the patient, and administrators.
 */
export function readsAs(
  { status, patientUserId, initiatorId, doctorUserId }: Visit,
  { userId, isDoctor, isAdministrator, relation }: Reader,
): 'patient' | 'staff' | undefined {
  const looksAfter = relation !== null && (relation.isKeeper || initiatorId === userId)
  if (status === 'completed' && (patientUserId === userId || looksAfter)) return 'patient'
  if ((isDoctor && doctorUserId === userId) || isAdministrator) return 'staff'
  return undefined
}
