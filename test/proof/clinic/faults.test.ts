import { describe, expect, it } from 'vitest'
import type { Request } from '../history/history.ts'
import { findClinicFaults } from './faults.ts'
import type { OrderChange, StoredOrders } from './history.ts'

// Each fault is planted once, and must be found.

const [USER, CHIEF, PATIENT, SCHEDULE] = [7, 8, 70, 3]
const LIMITS = { interval: 7, most: 2 }

let n = 0
function change(part: Partial<OrderChange>): OrderChange {
  n += 1
  return {
    ...{ n, transaction: n, order: 1, patient: PATIENT, initiator: USER, schedule: SCHEDULE, oldSchedule: SCHEDULE },
    ...{ from: null, to: 'pending', oldNumber: null, number: 1, called: false, passed: false, endedBy: null, at: 100 },
    ...part,
  }
}
const made = (part: Partial<OrderChange> = {}) => change({ oldSchedule: null, ...part })
const paid = (part: Partial<OrderChange> = {}) => change({ from: 'pending', to: 'confirmed', oldNumber: 1, ...part })

type Order = StoredOrders['orders'][number]
const order = (part: Partial<Order> = {}): Order => ({
  ...{ id: 1, patient: PATIENT, schedule: SCHEDULE, dept: 5, date: '2026-03-05', status: 'confirmed' },
  ...{ source: 'normal', price: 100, paid: 100, refunded: 0, charged: 100, returned: 0, isCheckedIn: false },
  ...part,
})
const request = (part: Partial<Request>): Request => ({
  ...{ action: 'clinic.register', by: USER, target: SCHEDULE, place: PATIENT, sentAt: 50, answeredAt: 150 },
  ...{ outcome: 'done', made: 1 },
  ...part,
})
const message = (type: string, count = 1, about = 1) => ({ person: USER, type, order: about, count })

/** A registration that was paid for, without a fault. */
const REQUESTS = [request({}), request({ action: 'clinic.pay', target: 1, place: undefined, made: undefined })]
const [first, second] = [made(), paid()]
const stored = (part: Partial<StoredOrders> = {}): StoredOrders => ({
  changes: [first, second],
  orders: [order()],
  counts: [{ transaction: first.transaction, schedule: SCHEDULE, sold: 1, total: 2 }],
  patients: [{ id: PATIENT, user: USER }],
  messages: [message('clinic.order.pending'), message('clinic.order.paid')],
  stoppers: [CHIEF],
  ...part,
})
const kinds = (requests: readonly Request[], given: Partial<StoredOrders>) => [
  ...new Set(findClinicFaults(requests, stored(given), LIMITS).map(({ kind }) => kind)),
]

describe('The checker of the clinic', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(kinds(REQUESTS, {})).toEqual([])
  })

  it('finds acknowledged changes that are not there, or came after their answer', () => {
    const lost = request({ target: 4, made: 9 })
    expect(kinds([...REQUESTS, lost], {})).toEqual(['lost'])
    const late = { ...first, at: 300 }
    expect(kinds(REQUESTS, { changes: [late, second] })).toContain('lost')
    const arrived = request({ action: 'clinic.check_in', target: 1, made: undefined })
    expect(kinds([...REQUESTS, arrived], {})).toEqual(['lost'])
  })

  it('finds changes that nobody asked for, or that a request caused twice', () => {
    expect(kinds(REQUESTS.slice(0, 1), {})).toEqual(['invented'])
    const twice = made({ order: 2, number: 2 })
    const counts = [first, twice].map(({ transaction }, k) => ({
      transaction,
      schedule: SCHEDULE,
      sold: k + 1,
      total: 2,
    }))
    const messages = [...stored().messages, message('clinic.order.pending', 1, 2)]
    expect(kinds(REQUESTS, { changes: [first, second, twice], counts, messages })).toEqual(['invented'])
  })

  it('finds moves that the states do not allow', () => {
    const back = change({ from: 'cancelled', to: 'confirmed', number: null })
    expect(kinds(REQUESTS, { changes: [first, second, back] })).toContain('impossible')
  })

  it('finds numbers that are held twice, uncounted, or more than there are', () => {
    const other = made({ order: 2, patient: 71 })
    const again = request({ place: 71, made: 2 })
    const counts = [first, other].map(({ transaction }, k) => ({
      transaction,
      schedule: SCHEDULE,
      sold: k + 1,
      total: 2,
    }))
    expect(kinds([...REQUESTS, again], { changes: [first, second, other], counts })).toContain('sold twice')
    expect(kinds(REQUESTS, { counts: [] })).toEqual(['half'])
    const [count] = stored().counts
    expect(count && kinds(REQUESTS, { counts: [{ ...count, total: 0 }] })).toEqual(['oversold'])
    expect(count && kinds(REQUESTS, { counts: [{ ...count, sold: 2 }] })).toEqual(['half'])
  })

  it('finds people who are passed over in the line', () => {
    const wait = (id: number) => made({ order: id, to: 'waitlist', number: null })
    const [one, two] = [wait(1), wait(2)]
    const promoted = change({ order: 2, from: 'waitlist', to: 'pending' })
    expect(kinds([], { changes: [one, two, promoted] })).toContain('passed over')
  })

  it('finds orders beyond a limit', () => {
    expect(kinds(REQUESTS, { orders: [order(), order({ id: 2, schedule: 4, date: '2026-03-11' })] })).toEqual(['limit'])
    expect(kinds(REQUESTS, { orders: [order(), order({ id: 2, schedule: 4, date: '2026-03-12' })] })).toEqual([])
    const three = [1, 2, 3].map((id) => order({ id, schedule: id, dept: id }))
    expect(kinds(REQUESTS, { orders: three })).toEqual(['limit'])
    expect(kinds(REQUESTS, { orders: [order(), order({ id: 2, source: 'add_slot' })] })).toEqual(['limit'])
  })

  it('finds money that the ledger or the state of its order does not explain', () => {
    for (const wrong of [
      { paid: 90 },
      { charged: 90 },
      { returned: 10 },
      { status: 'cancelled' },
      { status: 'pending' },
    ])
      expect(kinds(REQUESTS, { orders: [order(wrong)] })).toContain('money')
  })

  it('finds people who are told too little, too much, or of nothing', () => {
    const [pending, paid] = stored().messages
    expect(pending && kinds(REQUESTS, { messages: [pending] })).toEqual(['untold'])
    expect(pending && paid && kinds(REQUESTS, { messages: [pending, { ...paid, count: 2 }] })).toEqual(['told twice'])
    const messages = [...stored().messages, message('clinic.order.called')]
    expect(kinds(REQUESTS, { messages })).toEqual(['told of nothing'])
    expect(kinds(REQUESTS, { patients: [{ id: PATIENT, user: 9 }] })).toEqual(['untold'])
  })
})
