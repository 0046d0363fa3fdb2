import { daysBetween } from '../../../src/kernel/time.ts'
import type { Request } from '../history/history.ts'
import { type ClinicFault, HOLDING, MOVES, type OrderChange, type StoredOrders } from './history.ts'
import { findToldFaults } from './told.ts'

/** The database and the client read the same clock at slightly different moments. */
const SLACK_MS = 50

/** Limits of the hospital: days between two visits to a department, and orders of a patient. */
export interface Limits {
  readonly interval: number
  readonly most: number
}

/**
 * Compares the answers to clients with the committed changes, the numbers, the money and the messages. It is a pure
 * function. Every fault counts: the promise is that the list is empty.
 */
export function findClinicFaults(
  requests: readonly Request[],
  stored: StoredOrders,
  limits: Limits,
): readonly ClinicFault[] {
  return [
    ...findLost(requests, stored),
    ...findInvented(requests, stored),
    ...findNumberFaults(stored),
    ...findPassedOver(stored),
    ...findLimitFaults(stored, limits),
    ...findMoneyFaults(stored),
    ...findToldFaults(stored),
  ]
}

const say = ({ action, by, target, place }: Request) => `${action} of ${target} (${place ?? ''}) by ${by}`
const sayOrder = ({ id, patient, status, source, date }: StoredOrders['orders'][number]) =>
  `order ${id} of patient ${patient} (${status}, ${source}, ${date})`
const tell = (change: OrderChange) => `order ${change.order}: ${change.from} to ${change.to}`

/** Whether a change is the effect that a request asks for. */
function isEffect({ action, target, place, made, by }: Request, change: OrderChange): boolean {
  const isNew = change.from === null
  switch (action) {
    case 'clinic.register':
    case 'clinic.walk_in':
    case 'clinic.add':
      return isNew && change.to !== 'waitlist' && change.schedule === target && change.patient === place
    case 'clinic.join':
      return isNew && change.to === 'waitlist' && change.schedule === target && change.patient === place
    case 'clinic.pay':
    case 'clinic.confirm':
      return change.order === target && change.from === 'pending' && change.to === 'confirmed'
    case 'clinic.cancel':
    case 'clinic.leave':
    case 'clinic.refund':
      return change.order === target && change.to === 'cancelled' && change.endedBy === by
    case 'clinic.move':
      return change.order === target && change.schedule === place && change.oldSchedule !== place
    case 'clinic.call':
      return change.called && (made === undefined || change.order === made)
    case 'clinic.complete':
      return change.order === target && change.to === 'completed'
    case 'clinic.pass':
      return change.order === target && change.passed
    case 'clinic.stop':
      return change.schedule === target && change.to === 'cancelled' && change.endedBy === by
    default:
      return false
  }
}

/** Actions without a change of their own in the record, or of many orders. */
const OTHERS: ReadonlySet<string> = new Set(['clinic.total', 'clinic.stop', 'clinic.open', 'clinic.check_in'])

/** Acknowledged requests whose change was not committed before the answer. */
function findLost(requests: readonly Request[], { changes, orders }: StoredOrders): ClinicFault[] {
  const byOrder = Map.groupBy(changes, ({ order }) => order)
  const present = new Map(orders.map((order) => [order.id, order]))
  return requests.flatMap((request): ClinicFault[] => {
    const { action, outcome, answeredAt = 0, target, made } = request
    if (outcome !== 'done') return []
    // An order that is moved is checked in again at its new session.
    const isMoved = byOrder.get(target)?.some(({ schedule, oldSchedule }) => oldSchedule && schedule !== oldSchedule)
    if (action === 'clinic.check_in' && !present.get(target)?.isCheckedIn && !isMoved)
      return [{ kind: 'lost', text: `${say(request)} was acknowledged, but is not there` }]
    if (OTHERS.has(action)) return []
    // After the visit a refund changes nothing but the money.
    if (action === 'clinic.refund' && (present.get(target)?.returned ?? 0) > 0) return []
    const life = byOrder.get(made ?? target) ?? []
    if (life.some((change) => isEffect(request, change) && change.at <= answeredAt + SLACK_MS)) return []
    return [{ kind: 'lost', text: `${say(request)} was acknowledged, but order ${made ?? target} shows nothing of it` }]
  })
}

/** Changes that their states don't allow, that nobody asked for, or that happened more often than asked for. */
function findInvented(requests: readonly Request[], { changes }: StoredOrders): ClinicFault[] {
  const asked = Map.groupBy(
    requests.filter(({ outcome }) => outcome !== 'refused'),
    ({ action }) => action,
  )
  const used = new Set<Request>()
  const faults: ClinicFault[] = []
  for (const change of changes) {
    if (change.from !== change.to && !MOVES.has(`${change.from} ${change.to}`))
      faults.push({ kind: 'impossible', text: tell(change) })
    const causes = causesOf(change)
    if (causes.length === 0) continue
    const fitting = causes
      .flatMap((action) => asked.get(action) ?? [])
      .filter((request) => isEffect(request, change) && request.sentAt <= change.at + SLACK_MS)
    // Prefers the request that knows the order, so that requests of unknown outcome stay free for other changes.
    const own = fitting.find((request) => request.made === change.order && !used.has(request))
    const cause = own ?? fitting.find((request) => !used.has(request) && request.made === undefined)
    if (cause && cause.action !== 'clinic.stop') used.add(cause)
    if (!cause) faults.push({ kind: 'invented', text: `nobody asked for ${tell(change)}` })
  }
  return faults
}

/** The actions that can cause a change; none if the program makes it by itself. */
function causesOf({ from, to, endedBy, called, passed, schedule, oldSchedule }: OrderChange) {
  if (from === null)
    return to === 'waitlist'
      ? (['clinic.join'] as const)
      : (['clinic.register', 'clinic.walk_in', 'clinic.add'] as const)
  if (schedule !== oldSchedule) return ['clinic.move'] as const
  if (from === 'pending' && to === 'confirmed') return ['clinic.pay', 'clinic.confirm'] as const
  if (from !== 'cancelled' && to === 'cancelled' && endedBy !== null)
    return ['clinic.cancel', 'clinic.leave', 'clinic.refund', 'clinic.stop'] as const
  if (called) return ['clinic.call'] as const
  if (passed) return ['clinic.pass'] as const
  if (from !== to && to === 'completed') return ['clinic.complete'] as const
  return []
}

/**
 * Replays the numbers of every schedule: after each transaction the orders hold as many as the schedule counts, not more
 * than there are, and no number is held by two.
 */
function findNumberFaults({ changes, counts }: StoredOrders): ClinicFault[] {
  const faults: ClinicFault[] = []
  const holders = new Map<string, number>()
  const moved = new Map<string, number>()
  const add = (transaction: number, schedule: number, more: number) => {
    const key = `${transaction} ${schedule}`
    moved.set(key, (moved.get(key) ?? 0) + more)
  }
  for (const { order, transaction, schedule, oldSchedule, number, oldNumber } of changes) {
    if (schedule === oldSchedule && number === oldNumber) continue
    if (oldSchedule !== null && oldNumber !== null) {
      const key = `${oldSchedule} ${oldNumber}`
      if (holders.get(key) === order) holders.delete(key)
      add(transaction, oldSchedule, -1)
    }
    if (number === null) continue
    const other = holders.get(`${schedule} ${number}`)
    if (other !== undefined)
      faults.push({ kind: 'sold twice', text: `number ${number} of schedule ${schedule}: orders ${other}, ${order}` })
    holders.set(`${schedule} ${number}`, order)
    add(transaction, schedule, 1)
  }
  for (const [schedule, own] of Map.groupBy(counts, (count) => count.schedule)) {
    // A transaction keeps the schedule locked, so its counts are consecutive.
    const last = own.filter((count, n) => own[n + 1]?.transaction !== count.transaction)
    let sold = 0
    for (const { transaction, sold: counted, total } of last) {
      const key = `${transaction} ${schedule}`
      sold += moved.get(key) ?? 0
      moved.delete(key)
      if (sold > total) faults.push({ kind: 'oversold', text: `schedule ${schedule} had ${sold} of ${total} sold` })
      if (sold !== counted)
        faults.push({ kind: 'half', text: `schedule ${schedule} counted ${counted} where ${sold} were sold` })
    }
  }
  for (const [key, more] of moved)
    if (more !== 0) faults.push({ kind: 'half', text: `transaction and schedule ${key} moved ${more} uncounted` })
  return faults
}

/** Promotions of somebody while another one was before them in the line. */
function findPassedOver({ changes }: StoredOrders): ClinicFault[] {
  const lines = new Map<number, Set<number>>()
  const faults: ClinicFault[] = []
  for (const { order, schedule, from, to } of changes) {
    const line = lines.get(schedule) ?? new Set<number>()
    lines.set(schedule, line)
    if (to === 'waitlist') line.add(order)
    else line.delete(order)
    if (from !== 'waitlist' || !HOLDING.has(to)) continue
    for (const other of line)
      if (other < order) faults.push({ kind: 'passed over', text: `order ${other} waited before ${order}` })
  }
  return faults
}

/** Orders that people registered beyond a limit. Staff may go beyond the one of the number of orders. */
function findLimitFaults({ orders }: StoredOrders, { interval, most }: Limits): ClinicFault[] {
  const faults: ClinicFault[] = []
  for (const [patient, own] of Map.groupBy(orders, (order) => order.patient)) {
    const held = own.filter(({ status }) => HOLDING.has(status))
    const byPeople = held.filter(({ source }) => source === 'normal' || source === 'waitlist')
    if (byPeople.length > most)
      faults.push({ kind: 'limit', text: `patient ${patient} has ${byPeople.length} of ${most} orders` })
    const visits = held.filter(({ status, source }) => status !== 'no_show' && source !== 'add_slot')
    for (const [n, one] of visits.entries())
      for (const other of visits.slice(n + 1))
        if (one.dept === other.dept && Math.abs(daysBetween(one.date, other.date)) < interval)
          faults.push({ kind: 'limit', text: `${sayOrder(one)} and ${sayOrder(other)} are too near` })
    const open = own.filter(({ status }) => status === 'waitlist' || status === 'pending' || status === 'confirmed')
    if (new Set(open.map(({ schedule }) => schedule)).size < open.length)
      faults.push({ kind: 'limit', text: `patient ${patient} has two orders of one schedule` })
  }
  return faults
}

/** Orders whose money is not that of the ledger, or not what their state says. */
function findMoneyFaults({ orders }: StoredOrders): ClinicFault[] {
  return orders.flatMap(({ id, status, price, paid, refunded, charged, returned }): ClinicFault[] => {
    const faults: ClinicFault[] = []
    const fault = (text: string) => faults.push({ kind: 'money', text: `order ${id}, ${status}: ${text}` })
    if (paid !== charged || refunded !== returned)
      fault(`paid ${paid} of ${charged}, refunded ${refunded} of ${returned}`)
    const kept = paid - refunded
    if (!HOLDING.has(status) && kept !== 0) fault(`keeps ${kept}`)
    if (status === 'pending' && kept !== 0) fault(`keeps ${kept} unpaid`)
    if ((status === 'confirmed' || status === 'completed' || status === 'no_show') && paid !== price)
      fault(`was paid ${paid} instead of ${price}`)
    return faults
  })
}
