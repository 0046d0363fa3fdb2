import { later, minutesAfter } from '../../../booking/interval.ts'
import type { ScheduleRules } from '../../core/configuration/types.ts'
import { estimatedAt, queueNumber, sessionOf } from '../../core/sections/rules.ts'
import type { OrderStatus } from '../../core/states.ts'
import type { TimeSection } from '../../core/types.ts'

/** What the line needs to know of an order. */
interface Queued {
  readonly orderId: number
  readonly status: OrderStatus
  readonly isCalling: boolean
  readonly queueNo: number | null
  readonly date: string
  readonly timeSection: TimeSection
}

/** The orders of a schedule that matter on its day. */
export interface Line<One extends Queued> {
  readonly calling: One | null
  /** Patients who wait, in the order in which they are called. */
  readonly waiting: readonly One[]
  readonly completed: readonly One[]
  readonly waitlist: readonly One[]
}

/** Sorts orders, which are in the order in which patients are called, into a line. */
export function lineOf<One extends Queued>(all: readonly One[]): Line<One> {
  return {
    calling: all.find(({ isCalling }) => isCalling) ?? null,
    waiting: all.filter(({ status, isCalling }) => status === 'confirmed' && !isCalling),
    completed: all.filter(({ status }) => status === 'completed'),
    waitlist: all.filter(({ status }) => status === 'waitlist'),
  }
}

/** The place of an order in the line of its schedule. */
export interface Place {
  /** 1: called next. Null if the order does not wait. */
  readonly position: number | null
  /** Patients who are called earlier, without the one being called. */
  readonly ahead: number | null
  /** The number being called: A001. */
  readonly callingNumber: string | null
  readonly estimatedAt: Date | null
}

/**
 * The place of an order in a line. Its visit is estimated by its number, and not earlier than those ahead take from
 * `now` on once the session runs.
 */
export function placeOf(order: Queued, line: Line<Queued>, rules: ScheduleRules, now: Date, zone: string): Place {
  const index = line.waiting.findIndex(({ orderId }) => orderId === order.orderId)
  const callingNumber = numberWords(line.calling?.queueNo ?? null)
  if (index < 0) return { position: null, ahead: null, callingNumber, estimatedAt: null }
  const { startAt } = sessionOf(rules, order, zone)
  const byNumber = order.queueNo === null ? startAt : estimatedAt(rules, startAt, order.queueNo)
  const visits = index + (line.calling ? 1 : 0)
  const byLine = minutesAfter(now, visits * (rules.consultationDuration + rules.intervalTime))
  return {
    position: index + 1,
    ahead: index,
    callingNumber,
    estimatedAt: now < startAt ? byNumber : later(byNumber, byLine),
  }
}

/** A number as people read it; null if there is none. */
export function numberWords(queueNo: number | null): string | null {
  return queueNo === null ? null : queueNumber(queueNo)
}

/** A name as a display shows it: the first character and an asterisk, 张*. */
export function maskName(name: string): string {
  const [first = ''] = name.trim()
  return `${first}*`
}
