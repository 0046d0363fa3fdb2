import { Type } from 'typebox'
import { cellsOf, type Row } from '../../../kernel/exports/rows.ts'
import { type ExportSource, exportSource } from '../../../kernel/exports/sources.ts'
import { LocalDate } from '../../../kernel/http/schemas.ts'
import type { CrmPermission } from '../../permissions.ts'
import { type Curves, METRICS, type Period } from './rules.ts'
import * as service from './service.ts'

const permission: CrmPermission = 'crm:analytics'
/** Most campaigns or tags of a report. */
const MOST = 10_000

/** A report as a file: its headings, and how its rows are read. */
interface Report {
  readonly what: string
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: (kernel: service.Figures, period: Period) => Promise<readonly Row[]>
}

/** The reports are short, so their rows are read at once, when the first is asked for. */
function reportSource({ what, name, columns, rows }: Report) {
  return exportSource({
    what,
    resource: 'crm_analytics',
    name,
    permission,
    columns,
    filters: Type.Object({ start_date: Type.Optional(LocalDate), end_date: Type.Optional(LocalDate) }),
    open(reader, filters) {
      let reading: Promise<readonly Row[]> | undefined
      const read = () => {
        reading ??= rows(reader, service.readPeriod(reader, filters))
        return reading
      }
      async function* all() {
        yield* await read()
      }
      return {
        rows: cellsOf(all(), (row) => row),
        count: async (most) => Math.min(most, (await read()).length),
      }
    },
  })
}

/** Curves as a table: a row for each day. */
const byDay = ({ dates, series }: Curves): readonly Row[] =>
  dates.map((day, n) => [day, ...series.map(({ data }) => data[n] ?? 0)])

const overview = reportSource({
  what: 'crm_overview',
  name: '數據總覽',
  columns: ['指標', '數值', '與前期相比（%）'],
  rows: async (kernel, period) => {
    const { kpi, trends } = await service.overview(kernel, period)
    return [
      ['期間', `${period.start} – ${period.end}`, null],
      ['訊息發送數', kpi.total_messages_sent, trends.messages_sent_trend],
      ['平均開啟率（%）', kpi.average_open_rate, trends.open_rate_trend],
      ['平均點擊率（%）', kpi.average_click_rate, trends.click_rate_trend],
      ['轉換率（%）', kpi.conversion_rate, trends.conversion_rate_trend],
    ]
  },
})

const campaignPerformance = reportSource({
  what: 'crm_campaign_performance',
  name: '活動成效',
  columns: [
    ...['活動編號', '活動標題', '發送人數', '開啟人數', '點擊人數', '轉換人數'],
    ...['開啟率（%）', '點擊率（%）', '轉換率（%）'],
  ],
  rows: async (kernel, period) => {
    const campaigns = await service.campaignPerformance(kernel, period, MOST)
    return campaigns.map((one) => [
      ...[one.campaign_id, one.title, one.sent_count, one.opened_count, one.clicked_count, one.conversion_count],
      ...[one.open_rate, one.click_rate, one.conversion_rate],
    ])
  },
})

const tagDistribution = reportSource({
  what: 'crm_tag_distribution',
  name: '標籤分布',
  columns: ['標籤編號', '標籤名稱', '觸發次數', '比例（%）'],
  rows: async (kernel, period) => {
    const tags = await service.tagDistribution(kernel, period, MOST)
    return tags.map(({ tag_id, tag_name, trigger_count, percentage }) => [tag_id, tag_name, trigger_count, percentage])
  },
})

const trends = reportSource({
  what: 'crm_trends',
  name: '每日趨勢',
  columns: ['日期', '發送人數', '開啟人數', '點擊人數', '轉換人數'],
  rows: async (kernel, period) => byDay(await service.trends(kernel, period, METRICS)),
})

const memberGrowth = reportSource({
  what: 'crm_member_growth',
  name: '會員成長',
  columns: ['日期', '新會員', '會員總數'],
  rows: async (kernel, period) => byDay(await service.memberGrowth(kernel, period)),
})

const messageVolume = reportSource({
  what: 'crm_message_volume',
  name: '訊息量',
  columns: ['日期', '收到', '客服發送', '自動回應', '活動推播'],
  rows: async (kernel, period) => byDay(await service.messageVolume(kernel, period)),
})

/** The kinds of report of a request, with their sources. */
export const REPORTS = {
  overview,
  campaign_performance: campaignPerformance,
  tag_distribution: tagDistribution,
  trends,
  member_growth: memberGrowth,
  message_volume: messageVolume,
} as const

export type ReportType = keyof typeof REPORTS

/** The reports as lists that can be exported. */
export const analyticsExports: readonly ExportSource[] = Object.values(REPORTS)
