import { withRetries } from '../../../kernel/database/transaction.ts'
import { askForFile, linkAhead } from '../../../kernel/exports/jobs/service.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { dayBounds } from '../../../kernel/time.ts'
import { dayOf, zoneOf } from '../../core/days.ts'
import { invalidFields } from '../../refusals.ts'
import {
  type Curves,
  curvesOf,
  daysOf,
  METRICS,
  type Metric,
  metricsIn,
  overviewOf,
  type Period,
  percentage,
  periodOf,
  precedingOf,
} from './rules.ts'
import * as store from './store.ts'

/** What reading figures needs. */
export type Figures = Pick<Kernel, 'reads' | 'config' | 'clock'>

/** The dates of a request, in the query or the body. */
export interface Dates {
  readonly start_date?: string | undefined
  readonly end_date?: string | undefined
}

/** The period of a request. @throws Invalid (422) if it ends before it starts, or is longer than 366 days */
export function readPeriod(kernel: Figures, dates: Dates): Period {
  const period = periodOf(dates, dayOf(kernel, kernel.clock.now()))
  if (typeof period === 'string') throw invalidFields([{ in: 'query', path: '/end_date', message: period }])
  return period
}

/** The metrics of a request. @throws Invalid (422) for an unknown one */
export function readMetrics(list: string): readonly Metric[] {
  const metrics = metricsIn(list)
  if (!metrics)
    throw invalidFields([{ in: 'query', path: '/metric', message: `must be a list of ${METRICS.join(', ')}` }])
  return metrics
}

/** The key figures of a period, and their change against the preceding period of the same length. */
export async function overview({ reads }: Figures, period: Period) {
  return await withRetries(reads, async (db) =>
    overviewOf(await store.totalsOf(db, precedingOf(period)), await store.totalsOf(db, period)),
  )
}

/** Campaigns by what their recipients did in a period. */
export async function campaignPerformance({ reads }: Figures, period: Period, limit: number) {
  const rows = await withRetries(reads, (db) => store.campaignTotals(db, period, limit))
  return rows.map(({ campaign_id, title, sent, opened, clicked, converted }) => ({
    campaign_id,
    title,
    sent_count: sent,
    opened_count: opened,
    clicked_count: clicked,
    conversion_count: converted,
    open_rate: percentage(opened, sent),
    click_rate: percentage(clicked, sent),
    conversion_rate: percentage(converted, sent),
  }))
}

/** The instants of a period. */
function boundsOf(kernel: Figures, { start, end }: Period) {
  const zone = zoneOf(kernel)
  return { from: dayBounds(start, zone).start, to: dayBounds(end, zone).end }
}

/** Interaction tags by their share of all triggers; without a period since ever. */
export async function tagDistribution(kernel: Figures, period: Period | undefined, limit: number) {
  const between = period && boundsOf(kernel, period)
  const rows = await withRetries(kernel.reads, (db) => store.tagTotals(db, between, limit))
  return rows.map(({ tag_id, tag_name, trigger_count, total }) => ({
    tag_id,
    tag_name,
    trigger_count,
    percentage: percentage(trigger_count, total),
  }))
}

/** Recipients of campaigns by day. */
export async function trends({ reads }: Figures, period: Period, metrics: readonly Metric[]): Promise<Curves> {
  return curvesOf(period, metrics, await withRetries(reads, (db) => store.totalsByDay(db, period)))
}

/** Messages by day. */
export async function messageVolume({ reads }: Figures, period: Period): Promise<Curves> {
  const rows = await withRetries(reads, (db) => store.messagesByDay(db, period))
  return curvesOf(period, ['incoming', 'manual', 'auto', 'campaign'] as const, rows)
}

/** New members by day, and the members at the end of each day. */
export async function memberGrowth(kernel: Figures, period: Period): Promise<Curves> {
  const { before, days } = await withRetries(kernel.reads, (db) =>
    store.membersByDay(db, boundsOf(kernel, period), zoneOf(kernel)),
  )
  const added = new Map(days.map(({ day, added: count }) => [day, count]))
  let total = before
  const rows = daysOf(period).map((day) => {
    const count = added.get(day) ?? 0
    total += count
    return { day, new_members: count, total_members: total }
  })
  return curvesOf(period, ['new_members', 'total_members'] as const, rows)
}

const HOUR_MS = 3_600_000

/**
 * Requests a report as a file, which a job makes. The link answers 404 until the file is ready.
 * @param what name of the export source
 * @throws TooMany `too_many_exports`; Invalid (422) for the dates
 */
export async function exportReport(
  kernel: Kernel,
  caller: Caller,
  { what, format, dates }: { readonly what: string; readonly format: 'xlsx' | 'pdf'; readonly dates: Dates },
): Promise<{ readonly url: string; readonly expiresAt: Date }> {
  const { start, end } = readPeriod(kernel, dates)
  const job = await askForFile(kernel, caller, { what, format, filters: { start_date: start, end_date: end } })
  const expiresAt = new Date(kernel.clock.now().getTime() + kernel.config.exportHours * HOUR_MS)
  return { url: linkAhead(kernel, job.id, expiresAt), expiresAt }
}
