import { Type } from 'typebox'
import { MomentInput, parseInstant } from './fields.ts'
import { refusal } from './sentences.ts'

/** The query of lists that can be limited to a window of time. */
export const windowQuery = { from: Type.Optional(MomentInput), to: Type.Optional(MomentInput) }

/** A half-open span of time; null means no end on that side. */
export interface Window {
  readonly from: Date | null
  readonly to: Date | null
}

/** The most days of an answer without pages. */
const MOST_DAYS = 366
export const DAY_MS = 86_400_000

/** The window of a query. @throws Invalid `wrong_order` if it ends before it begins. */
export function windowOf(query: { readonly from?: string | null; readonly to?: string | null }, zone: string): Window {
  const from = query.from ? parseInstant(query.from, zone) : null
  const to = query.to ? parseInstant(query.to, zone) : null
  if (from && to && from >= to) throw refusal('wrong_order', '结束时间必须晚于开始时间')
  return { from, to }
}

/** Checks the length of a window. @throws Invalid `window_too_long` for more than `MOST_DAYS`. */
export function requireShort(from: Date, to: Date): void {
  if (to.getTime() - from.getTime() > MOST_DAYS * DAY_MS) {
    throw refusal('window_too_long', `时间范围不能超过 ${MOST_DAYS} 天`)
  }
}
