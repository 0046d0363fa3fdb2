import { type ClinicFault, HOLDING, type OrderChange, type StoredOrders } from './history.ts'

/** The message that a change owes to the people of the order; undefined: none. */
function messageOf(change: OrderChange, isAbsent: boolean, stoppers: ReadonlySet<number>): string | undefined {
  const { from, to, endedBy, called, passed, schedule, oldSchedule } = change
  if (from === null) return to === 'waitlist' ? undefined : `clinic.order.${to}`
  if (schedule !== oldSchedule) return 'clinic.order.rescheduled'
  if (called) return 'clinic.order.called'
  // The last pass counts as absence, and only that is told.
  if (passed) return isAbsent ? undefined : 'clinic.order.passed'
  if (from === to) return undefined
  if (to === 'cancelled' && endedBy !== null && stoppers.has(endedBy)) return 'clinic.order.stopped'
  if (from === 'waitlist' && to === 'cancelled') return endedBy === null ? 'clinic.waitlist.ended' : undefined
  if (from === 'waitlist') return 'clinic.waitlist.promoted'
  if (to === 'confirmed') return 'clinic.order.paid'
  return to === 'completed' ? undefined : `clinic.order.${to}`
}

/** Messages about a moment, and not about a change of the order: each person gets one at most. */
const MOMENTS: ReadonlySet<string> = new Set(
  ['near', 'reminder', 'reminder_evening', 'reminder_day'].map((n) => `clinic.order.${n}`),
)

/** The user who registered and the patient must have one message about each change, and no others. */
export function findToldFaults({
  changes,
  orders,
  patients,
  messages,
  stoppers,
}: StoredOrders): readonly ClinicFault[] {
  const users = new Map(patients.map(({ id, user }) => [id, user]))
  const absences = new Set(
    changes
      .filter(({ from, to }) => from !== to && to === 'no_show')
      .map(({ transaction, order }) => `${transaction} ${order}`),
  )
  const due = new Map<string, number>()
  // Money that is given back after the visit is no change of the order's state.
  const refunded = new Set(
    orders.filter(({ status, returned }) => HOLDING.has(status) && returned > 0).map(({ id }) => id),
  )
  const walkIns = new Set(orders.filter(({ source }) => source === 'walk_in').map(({ id }) => id))
  for (const change of changes) {
    const type = messageOf(change, absences.has(`${change.transaction} ${change.order}`), new Set(stoppers))
    const isRefunded = change.from === null && refunded.has(change.order)
    for (const owed of [type, isRefunded ? 'clinic.order.refunded' : undefined]) {
      if (owed === undefined) continue
      // The clerk who registers a walk-in is not told.
      const patient = users.get(change.patient) ?? change.initiator
      for (const person of new Set(walkIns.has(change.order) ? [patient] : [change.initiator, patient])) {
        const key = `${person} ${owed} ${change.order}`
        due.set(key, (due.get(key) ?? 0) + 1)
      }
    }
  }
  const faults: ClinicFault[] = []
  for (const { person, type, order, count } of messages) {
    const key = `${person} ${type} ${order}`
    const expected = due.get(key) ?? 0
    due.delete(key)
    const text = `${person} has ${count} messages ${type} about order ${order}, ${expected} are due`
    if (MOMENTS.has(type)) {
      if (count > 1) faults.push({ kind: 'told twice', text })
    } else if (expected === 0) faults.push({ kind: 'told of nothing', text })
    else if (count !== expected) faults.push({ kind: count > expected ? 'told twice' : 'untold', text })
  }
  for (const [key, expected] of due)
    faults.push({ kind: 'untold', text: `no message (person, type, order): ${key}; ${expected} due` })
  return faults
}
