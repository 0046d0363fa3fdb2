import { addDays, daysBetween } from '../../../kernel/time.ts'

/** Local days, both ends in. */
export interface Period {
  readonly start: string
  readonly end: string
}

/** Most days of a period. */
const MOST_DAYS = 366
/** Days of a period without dates, today included. */
const USUAL_DAYS = 30

/**
 * The period of a request. Without dates it is the last 30 days; with one of them, it ends today or is 30 days long.
 * @returns or why it is none
 */
export function periodOf(
  given: { readonly start_date?: string | undefined; readonly end_date?: string | undefined },
  today: string,
): Period | string {
  const { start_date: start, end_date: end } = given
  const last = end ?? today
  const period = { start: start ?? addDays(last, 1 - USUAL_DAYS), end: last }
  const days = daysBetween(period.start, period.end) + 1
  if (days < 1)
    return end === undefined ? 'must be given when start_date is after today' : 'must not be before start_date'
  return days > MOST_DAYS ? `must be at most ${MOST_DAYS} days after start_date` : period
}

/** The days before a period, as many as it has. */
export function precedingOf({ start, end }: Period): Period {
  return { start: addDays(start, -(daysBetween(start, end) + 1)), end: addDays(start, -1) }
}

/** Every day of a period. */
export function daysOf({ start, end }: Period): readonly string[] {
  return Array.from({ length: daysBetween(start, end) + 1 }, (_, n) => addDays(start, n))
}

/** Recipients of campaigns by what happened in a period. */
export interface Totals {
  readonly sent: number
  readonly opened: number
  readonly clicked: number
  readonly converted: number
}

/** A fraction with one decimal; halves are rounded away from zero. `whole` is not 0. */
function tenths(part: number, whole: number): number {
  const value = (10 * part) / whole
  // Adding 0 turns -0 into 0.
  return (Math.sign(value) * Math.round(Math.abs(value))) / 10 + 0
}

/** A share in percent, with one decimal; 0 of nothing. */
export function percentage(part: number, whole: number): number {
  return whole === 0 ? 0 : tenths(100 * part, whole)
}

/** How many percent something changed, with one decimal. From 0 to 0 is 0; from 0 to more has no percentage: null. */
export function change(before: number, now: number): number | null {
  if (before === 0) return now === 0 ? 0 : null
  return tenths(100 * (now - before), before)
}

/** How many percent a rate (`part` of `sent`) changed, from the exact rates. Without recipients a rate is 0. */
function changeOfRate(before: Totals, now: Totals, part: Exclude<keyof Totals, 'sent'>): number | null {
  // Compared as fractions with a common denominator.
  const [was, is] = [before[part] * (now.sent || 1), now[part] * (before.sent || 1)]
  return change(before.sent === 0 ? 0 : was, now.sent === 0 ? 0 : is)
}

/** The overview of a period beside the preceding one. */
export function overviewOf(
  before: Totals & { readonly messages: number },
  now: Totals & { readonly messages: number },
) {
  return {
    kpi: {
      total_messages_sent: now.messages,
      average_open_rate: percentage(now.opened, now.sent),
      average_click_rate: percentage(now.clicked, now.sent),
      conversion_rate: percentage(now.converted, now.sent),
    },
    trends: {
      messages_sent_trend: change(before.messages, now.messages),
      open_rate_trend: changeOfRate(before, now, 'opened'),
      click_rate_trend: changeOfRate(before, now, 'clicked'),
      conversion_rate_trend: changeOfRate(before, now, 'converted'),
    },
  }
}

/** The curves of the trends. */
export const METRICS = ['sent', 'opened', 'clicked', 'converted'] as const
export type Metric = (typeof METRICS)[number]

/** The metrics of a list such as `sent,opened`, each once; undefined if one is unknown. */
export function metricsIn(list: string): readonly Metric[] | undefined {
  const found = [...new Set(list.split(',').map((name) => name.trim()))].map((name) =>
    METRICS.find((metric) => metric === name),
  )
  const known = found.filter((metric) => metric !== undefined)
  return known.length === found.length ? known : undefined
}

/** Curves over the days of a period. */
export interface Curves {
  readonly dates: readonly string[]
  readonly series: readonly { readonly name: string; readonly data: readonly number[] }[]
}

/** Curves out of the days that have figures: the others are 0. */
export function curvesOf<Name extends string>(
  period: Period,
  names: readonly Name[],
  rows: readonly (Readonly<Record<Name, number>> & { readonly day: string })[],
): Curves {
  const byDay = new Map(rows.map((row) => [row.day, row]))
  const dates = daysOf(period)
  return { dates, series: names.map((name) => ({ name, data: dates.map((day) => byDay.get(day)?.[name] ?? 0) })) }
}
