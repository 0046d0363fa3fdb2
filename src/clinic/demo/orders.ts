import { earlier, minutesAfter } from '../../booking/interval.ts'
import { daysBetween } from '../../kernel/time.ts'
import { discounted } from '../core/money/rules.ts'
import type { OrderStatus } from '../core/states.ts'
import type { Gender } from '../core/types.ts'
import { at, type Dice } from './dice.ts'
import type { DemoSession } from './sessions.ts'
import type { RowOf } from './store.ts'

/** A patient as the orders need them. */
export interface Booker {
  readonly patientId: number
  readonly name: string
  readonly gender: Gender
  readonly birthDate: string
  /** The user who registers: the patient, or a relative. */
  readonly userId: number
  /** Factor of the price. */
  readonly factor: number
  readonly audience: 'women' | 'children' | 'everybody'
}

/** An order before it is stored. */
export interface DemoOrder {
  readonly session: DemoSession
  readonly row: Omit<RowOf<'registration_order'>, 'schedule_id'>
  readonly diagnosis: string
}

/** A session with its orders, in the order of their numbers, and the numbers that were given back. */
export interface FilledSession {
  readonly session: DemoSession
  readonly totalSlots: number
  readonly orders: readonly DemoOrder[]
  readonly lastNo: number
  readonly freeNos: number[]
}

/** What the orders depend on. */
export interface Filling {
  readonly dice: Dice
  readonly now: Date
  readonly bookers: readonly Booker[]
  /** The patient of the cast, who comes now and then. */
  readonly guest: Booker
  readonly sameClinicInterval: number
}

const NO_ORDER = {
  notes: null,
  payment_method: null,
  payment_time: null,
  expires_at: null,
  paid: 0,
  refunded: 0,
  refund_time: null,
  cancel_time: null,
  cancel_reason: null,
  cancelled_by: null,
  source_type: 'normal',
  check_in_time: null,
  is_calling: false,
  call_time: null,
  pass_count: 0,
  priority: 0,
  completed_time: null,
} as const

type Change = Partial<DemoOrder['row']>

/** Fills sessions with orders, in the order of their dates. */
export function fillSessions(filling: Filling, sessions: readonly DemoSession[]): readonly FilledSession[] {
  const choose = patientChooser(filling)
  return sessions.map((session, n) => fillSession(filling, session, n, choose))
}

type Choose = (session: DemoSession, n: number) => Booker | undefined

/** Chooses patients whom the rules allow: one visit at a time, and an interval between visits to a department. */
function patientChooser({ dice, bookers, guest, sameClinicInterval }: Filling): Choose {
  const pools = {
    women: bookers.filter(({ audience }) => audience === 'women'),
    children: bookers.filter(({ audience }) => audience === 'children'),
    everybody: bookers.filter(({ audience }) => audience !== 'children'),
  }
  const visits = new Map<string, string[]>()
  const busy = new Set<string>()
  const take = (booker: Booker, { doctor, date, timeSection }: DemoSession) => {
    const key = `${booker.patientId} ${doctor.deptId}`
    const hour = `${booker.patientId} ${date} ${timeSection}`
    const dates = visits.get(key) ?? []
    if (busy.has(hour) || dates.some((other) => Math.abs(daysBetween(other, date)) <= sameClinicInterval)) return false
    visits.set(key, [...dates, date])
    busy.add(hour)
    return true
  }
  return (session, n) => {
    const { audience } = session.doctor.department
    const isGuests = n % 110 === 0 && session.phase === 'past' && audience !== 'children'
    if (isGuests && take(guest, session)) return guest
    for (let tries = 0; tries < 20; tries += 1) {
      const booker = dice.pick(pools[audience])
      if (take(booker, session)) return booker
    }
    return undefined
  }
}

function fillSession(filling: Filling, session: DemoSession, n: number, choose: Choose): FilledSession {
  const { dice } = filling
  const isSoldOut = session.phase === 'ahead' && session.day > 0 && session.day < 8 && n % 12 === 0
  const share = session.phase === 'ahead' ? Math.max(0.1, 0.75 - session.day * 0.05) : 0.85
  const wanted = isSoldOut ? session.totalSlots : Math.round(session.totalSlots * share * (dice.between(6, 11) / 10))
  const count = Math.min(session.totalSlots, wanted)
  const times = Array.from({ length: count }, () => bookingTime(filling, session)).sort((a, b) => +a - +b)
  const orders: DemoOrder[] = []
  for (const time of times) {
    const booker = choose(session, orders.length === 0 ? n : 1)
    if (!booker) continue
    const order = newOrder(filling, session, booker, time, orders.length + 1)
    orders.push(withFate(filling, order, { position: orders.length, count, isSoldOut }))
  }
  return closed(filling, session, orders, isSoldOut && orders.length === session.totalSlots, n, choose)
}

/** Adds what comes last: an unpaid order, a waiting list, an added number. */
function closed(
  filling: Filling,
  session: DemoSession,
  orders: readonly DemoOrder[],
  isSoldOut: boolean,
  n: number,
  choose: Choose,
): FilledSession {
  const { now, dice } = filling
  const more: DemoOrder[] = []
  const isOpen = session.phase === 'ahead' && session.day > 0 && session.stopReason === null
  let totalSlots = session.totalSlots
  const add = (minutesAgo: number, number: number | null, change: (order: DemoOrder) => Change) => {
    const booker = choose(session, 1)
    if (!booker) return
    const order = newOrder(filling, session, booker, minutesAfter(now, -minutesAgo), number)
    more.push(changed(order, change(order)))
  }
  if (isSoldOut) {
    if (n % 36 === 0) {
      add(60, totalSlots + 1, (order) => ({ ...paid(order), source_type: 'add_slot', priority: -1 }))
      totalSlots += more.length
    }
    for (let waiting = dice.between(1, 3); waiting > 0; waiting -= 1)
      add(50 - waiting * 10, null, () => ({ status: 'waitlist', payment_status: 'pending' }))
  } else if (isOpen && n % 25 === 0 && orders.length < totalSlots && session.price > 0) {
    const isPaying = n % 50 === 0
    add(dice.between(1, 9), orders.length + 1, (order) => ({
      status: 'pending',
      payment_status: isPaying ? 'paying' : 'pending',
      payment_method: isPaying ? 'bank' : null,
      expires_at: minutesAfter(new Date(order.row.create_time), 15),
    }))
  }
  const all = [...orders, ...more]
  const held = new Set(all.map(({ row }) => row.queue_no))
  const lastNo = Math.max(orders.length, ...[...held].map((number) => number ?? 0))
  const freeNos = Array.from({ length: lastNo }, (_, index) => index + 1).filter((number) => !held.has(number))
  return { session, totalSlots, orders: all, lastNo, freeNos }
}

/** An instant at which somebody registered: since the numbers were released, and some time before the session. */
function bookingTime({ dice, now }: Filling, { startAt, stopReason }: DemoSession): Date {
  const latest = earlier(minutesAfter(startAt, -180), minutesAfter(now, stopReason === null ? -70 : -26 * 60))
  const released = minutesAfter(startAt, -13 * 24 * 60)
  const span = Math.max(1, Math.floor((+latest - +released) / 60_000))
  return minutesAfter(latest, -dice.between(0, Math.min(span, 9 * 24 * 60)))
}

function newOrder(
  { dice }: Filling,
  session: DemoSession,
  { patientId, userId, factor }: Booker,
  time: Date,
  number: number | null,
): DemoOrder {
  const [complaint, diagnosis] = dice.pick(session.doctor.department.cases)
  const row = {
    ...NO_ORDER,
    patient_id: patientId,
    initiator_user_id: userId,
    minor_dept_id: session.doctor.deptId,
    slot_date: session.date,
    slot_type: session.slotType,
    price: discounted(session.price, factor),
    symptoms: complaint,
    status: 'confirmed' as const,
    payment_status: 'pending' as const,
    queue_no: number,
    create_time: time,
    update_time: time,
  }
  return { session, row, diagnosis }
}

const changed = (order: DemoOrder, change: Change): DemoOrder => ({ ...order, row: { ...order.row, ...change } })

/** The members of a confirmed order that is paid; one without a price needs no payment. */
function paid({ row, session }: DemoOrder): Change {
  const created = new Date(row.create_time)
  const time = row.price > 0 ? minutesAfter(created, 3) : created
  const method = at(['wechat', 'alipay', 'wechat', 'bank'], row.patient_id + session.day + 14)
  return {
    status: 'confirmed',
    payment_status: 'paid',
    payment_time: time,
    update_time: time,
    ...(row.price > 0 && { payment_method: method, paid: row.price }),
  }
}

/** The members of an order that was cancelled and refunded, if it had a price. */
function refunded(order: DemoOrder, time: Date, reason: string, by: number | null): Change {
  const { price } = order.row
  return {
    ...paid(order),
    status: 'cancelled',
    queue_no: null,
    cancel_time: time,
    cancel_reason: reason,
    cancelled_by: by,
    update_time: time,
    ...(price > 0 && { payment_status: 'refunded', refunded: price, refund_time: time }),
  }
}

interface Place {
  /** From 0, in the order of the numbers. */
  readonly position: number
  readonly count: number
  readonly isSoldOut: boolean
}

/** Decides what becomes of an order. */
function withFate(filling: Filling, order: DemoOrder, place: Place): DemoOrder {
  const { dice, now } = filling
  const { session, row } = order
  const created = new Date(row.create_time)
  if (session.stopReason !== null)
    return changed(order, refunded(order, stopTime(filling, session), session.stopReason, null))
  if (session.phase === 'ongoing') return changed(order, { ...paid(order), ...queued(filling, session, place) })
  if (place.isSoldOut) return changed(order, paid(order))
  const roll = dice.between(1, 100)
  const end = earlier(minutesAfter(created, dice.between(15, 60)), now)
  if (roll <= 7) return changed(order, refunded(order, end, '临时有事，无法就诊', row.initiator_user_id))
  if (roll <= 9 && row.price > 0) return changed(order, unpaid('cancelled', end, '患者取消', row.initiator_user_id))
  if (roll <= 13 && row.price > 0)
    return changed(order, unpaid('timeout', minutesAfter(created, 15), '超时未支付', null))
  if (session.phase === 'ahead')
    return changed(order, { ...paid(order), ...(roll === 14 && { source_type: 'waitlist' }) })
  if (place.position === place.count - 1 && roll > 60) return walkIn(order, place)
  if (roll <= 19)
    return changed(order, { ...paid(order), status: 'no_show', update_time: minutesAfter(session.endAt, 30) })
  return changed(order, { ...paid(order), ...seen(session, place) })
}

/** The instant at which a session was stopped. */
function stopTime({ now }: Pick<Filling, 'now'>, { startAt }: Pick<DemoSession, 'startAt'>): Date {
  return earlier(minutesAfter(now, -24 * 60), minutesAfter(startAt, -60))
}

function unpaid(
  status: Extract<OrderStatus, 'cancelled' | 'timeout'>,
  time: Date,
  reason: string,
  by: number | null,
): Change {
  const payment_status = status === 'timeout' ? 'failed' : 'cancelled'
  const end = { cancel_time: time, cancel_reason: reason, cancelled_by: by, update_time: time }
  return { status, payment_status, queue_no: null, ...end }
}

/** A visit that took place. */
function seen({ startAt, endAt }: DemoSession, { position }: Place): Change {
  const call = earlier(minutesAfter(startAt, position * 18), minutesAfter(endAt, -15))
  const done = minutesAfter(call, 14)
  const times = { check_in_time: minutesAfter(call, -20), call_time: call, completed_time: done, update_time: done }
  return { status: 'completed', ...times }
}

/** A visit of somebody who came without an order, and paid at the desk. */
function walkIn(order: DemoOrder, place: Place): DemoOrder {
  const visit = seen(order.session, place)
  const came = minutesAfter(visit.check_in_time ?? order.row.create_time, -5)
  const arrived = changed(order, { create_time: came, source_type: 'walk_in' })
  const money = arrived.row.price > 0 ? { payment_method: 'cash' } : {}
  return changed(arrived, { ...paid(arrived), payment_time: came, ...money, ...visit })
}

/** The queue of a session that is on: some were seen, one is called, one was passed, some wait, some have not come yet. */
function queued({ now }: Filling, _: DemoSession, { position, count }: Place): Change {
  const done = Math.floor(count * 0.4)
  const ago = (minutes: number) => minutesAfter(now, -minutes)
  if (position < done) {
    const end = ago((done - position) * 12)
    const times = { check_in_time: minutesAfter(end, -35), call_time: minutesAfter(end, -10), completed_time: end }
    return { status: 'completed', ...times, update_time: end }
  }
  if (position === done) return { check_in_time: ago(40), is_calling: true, call_time: ago(4), update_time: ago(4) }
  if (position === done + 1) return { check_in_time: ago(38), pass_count: 1, call_time: ago(9), update_time: ago(6) }
  return position < done + 4 ? { check_in_time: ago(30 - position), update_time: ago(30 - position) } : {}
}
