import readXlsxFile from 'read-excel-file/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CrmWorld, member, openCrm, tag } from '../../../../test/support/crm.ts'
import { buys, campaign, messages } from '../../../../test/support/crmFigures.ts'
import { pdfTexts } from '../../../../test/support/pdf.ts'
import { foundWhenBroken } from '../../../../test/support/world.ts'
import { moveTags } from '../../core/taggingStore.ts'

let world: CrmWorld

beforeAll(async () => {
  world = await openCrm()
})
afterAll(async () => {
  try {
    expect(await world.verify()).toEqual([])
  } finally {
    await world.close()
  }
})

const get = async (path: string, as = world.marketing) => await world.call('GET', `/api/v1/analytics/${path}`, { as })
const data = async (path: string) => (await get(path)).body.data

// February in Taipei: 31 January 16:00 to 28 February 16:00 in UTC.
let moon: { id: number; members: number[] }
let spring: { id: number; members: number[] }

describe('The analytics', () => {
  beforeAll(async () => {
    moon = await campaign(world, '中秋送禮', [
      { sent: '2026-02-10T15:59:59Z', opened: '2026-02-10T15:59:59Z', clicked: '2026-02-10T15:59:59Z' },
      { sent: '2026-02-10T16:00:00Z', opened: '2026-02-10T16:01:00Z', clicked: '2026-02-10T16:01:00Z' },
      { sent: '2026-02-10T16:00:00Z', opened: '2026-02-11T16:00:00Z' },
    ])
    spring = await campaign(world, '春天', [
      { sent: '2026-02-04T02:00:00Z', opened: '2026-02-12T02:00:00Z' },
      { sent: '2026-02-04T02:00:00Z' },
    ])
    await messages(world, '2026-02-10', 'campaign', 1)
    await messages(world, '2026-02-11', 'campaign', 2)
    await messages(world, '2026-02-11', 'manual', 7)
    await messages(world, '2026-02-12', 'auto', 3)
    await messages(world, '2026-02-12', undefined, 50)
    await messages(world, '2026-02-09', 'manual', 10)
    await messages(world, '2026-02-07', 'manual', 10)
    await messages(world, '2026-02-06', 'manual', 99)
    await messages(world, '2026-02-13', 'manual', 99)
  })

  it('count a click at 23:59 and one at 00:01 in Taipei on two days, and show days without anything as zeros', async () => {
    expect(await data('trends?metric=sent,opened,clicked&start_date=2026-02-09&end_date=2026-02-13')).toEqual({
      dates: ['2026-02-09', '2026-02-10', '2026-02-11', '2026-02-12', '2026-02-13'],
      series: [
        { name: 'sent', data: [0, 1, 2, 0, 0] },
        { name: 'opened', data: [0, 1, 1, 2, 0] },
        { name: 'clicked', data: [0, 1, 1, 0, 0] },
      ],
    })
    expect((await data('trends?metric=clicked&start_date=2026-02-11&end_date=2026-02-11')).series).toEqual([
      { name: 'clicked', data: [1] },
    ])
  })

  it('count a conversion within seven days after a click, once, on the day of the record', async () => {
    const [first = 0, second = 0, third = 0] = moon.members
    // The click was at 15:59:59 on the 10th: seven days later to the second is too late.
    await buys(world, first, '2026-02-17T15:59:59Z')
    expect((await data('trends?metric=converted&start_date=2026-02-17&end_date=2026-02-18')).series[0].data).toEqual([
      0, 0,
    ])
    await buys(world, first, '2026-02-17T15:59:58Z')
    await buys(world, first, '2026-02-12T00:00:00Z')
    await buys(world, second, '2026-02-10T16:00:59.999Z')
    await buys(world, second, '2026-02-12T16:00:00Z')
    await buys(world, third, '2026-02-12T16:00:00Z')
    expect((await data('trends?metric=converted&start_date=2026-02-10&end_date=2026-02-18')).series[0].data).toEqual([
      ...[0, 0, 0, 1, 0, 0, 0, 1, 0],
    ])
  })

  it('count a record of the very moment of the click, and one just within seven days', async () => {
    const at = '2025-06-01T00:00:00Z'
    const { members } = await campaign(world, '夏', [
      { sent: at, opened: at, clicked: at },
      { sent: at, opened: at, clicked: at },
      { sent: at, opened: at, clicked: at },
    ])
    await buys(world, members[0] ?? 0, at)
    await buys(world, members[1] ?? 0, '2025-06-07T23:59:59.999Z')
    await buys(world, members[2] ?? 0, '2025-06-08T00:00:00Z')
    expect(await data('campaign-performance?start_date=2025-06-01&end_date=2025-06-30')).toMatchObject([
      { sent_count: 3, conversion_count: 2, conversion_rate: 66.7 },
    ])
  })

  it('give the key figures of a period beside the days before it', async () => {
    // 10–12 against 7–9 February.
    expect(await data('overview?start_date=2026-02-10&end_date=2026-02-12')).toEqual({
      kpi: {
        total_messages_sent: 13,
        average_open_rate: 133.3,
        average_click_rate: 66.7,
        conversion_rate: 0,
      },
      trends: {
        messages_sent_trend: -35,
        open_rate_trend: null,
        click_rate_trend: null,
        conversion_rate_trend: 0,
      },
    })
    // 10–17 against 2–9 February: 2 reached, none opened.
    expect(await data('overview?start_date=2026-02-10&end_date=2026-02-17')).toMatchObject({
      kpi: { total_messages_sent: 112, conversion_rate: 66.7 },
      trends: { messages_sent_trend: -5.9, open_rate_trend: null, conversion_rate_trend: null },
    })
    // 12 against 11 February: the rate was 50, and is 0 without recipients.
    expect((await data('overview?start_date=2026-02-12&end_date=2026-02-12')).trends.open_rate_trend).toBe(-100)
  })

  it('compare campaigns by what happened in the period', async () => {
    const path = 'campaign-performance?start_date=2026-02-01&end_date=2026-02-28'
    const first = {
      campaign_id: moon.id,
      title: '中秋送禮',
      sent_count: 3,
      opened_count: 3,
      clicked_count: 2,
      conversion_count: 2,
      open_rate: 100,
      click_rate: 66.7,
      conversion_rate: 66.7,
    }
    const second = {
      campaign_id: spring.id,
      title: '春天',
      sent_count: 2,
      opened_count: 1,
      clicked_count: 0,
      conversion_count: 0,
      open_rate: 50,
      click_rate: 0,
      conversion_rate: 0,
    }
    expect(await data(path)).toEqual([first, second])
    expect(await data(`${path}&limit=1`)).toEqual([first])
    expect(await data('campaign-performance?start_date=2026-02-12&end_date=2026-02-12')).toMatchObject([
      { campaign_id: spring.id, sent_count: 0, opened_count: 1, open_rate: 0 },
      { campaign_id: moon.id, sent_count: 0, opened_count: 1 },
    ])
    expect(await data('campaign-performance?start_date=2026-02-05&end_date=2026-02-09')).toEqual([])
    // A day whose figures were all taken back.
    await world.rows(`INSERT INTO crm_campaign_days (campaign_id, day) VALUES (${moon.id}, '2026-02-09')`)
    expect(await data('campaign-performance?start_date=2026-02-05&end_date=2026-02-09')).toEqual([])
  })

  it('give each interaction tag its share of all triggers', async () => {
    const tags = [
      await tag(world, { type: 'interaction', name: '一' }),
      await tag(world, { type: 'interaction', name: '二' }),
    ]
    const silent = await tag(world, { type: 'interaction', name: '無' })
    await tag(world, { type: 'member', name: '會員' })
    const { id } = await member(world)
    const log = async (tagId: number, at: string) => {
      await world.rows(
        `INSERT INTO tag_trigger_logs (member_id, tag_id, trigger_source, triggered_at)
         VALUES (${id}, ${tagId}, 'click', '${at}')`,
      )
      await world.kernel.transaction((tx) => moveTags(tx, [{ id: tagId, members: 0, triggers: 1 }], world.clock.now()))
    }
    const [one = 0, two = 0] = tags
    await log(one, '2026-02-10T15:59:59.999Z')
    await log(one, '2026-02-10T16:00:00Z')
    await log(two, '2026-02-11T15:59:59.999Z')
    await log(two, '2026-02-11T15:00:00Z')
    await log(two, '2026-02-11T16:00:00Z')
    await log(two, '2025-02-11T16:00:00Z')
    expect(await data('tag-distribution')).toEqual([
      { tag_id: two, tag_name: '二', trigger_count: 4, percentage: 66.7 },
      { tag_id: one, tag_name: '一', trigger_count: 2, percentage: 33.3 },
    ])
    expect(await data('tag-distribution?start_date=2026-02-11&end_date=2026-02-11')).toEqual([
      { tag_id: two, tag_name: '二', trigger_count: 2, percentage: 66.7 },
      { tag_id: one, tag_name: '一', trigger_count: 1, percentage: 33.3 },
    ])
    expect(await data('tag-distribution?limit=1')).toEqual([
      { tag_id: two, tag_name: '二', trigger_count: 4, percentage: 66.7 },
    ])
    expect(silent).toBeGreaterThan(0)
  })

  it('show messages and new members by day', async () => {
    expect(await data('message-volume?start_date=2026-02-11&end_date=2026-02-12')).toEqual({
      dates: ['2026-02-11', '2026-02-12'],
      series: [
        { name: 'incoming', data: [0, 50] },
        { name: 'manual', data: [7, 0] },
        { name: 'auto', data: [0, 3] },
        { name: 'campaign', data: [2, 0] },
      ],
    })
    const ids = [await member(world), await member(world), await member(world), await member(world)]
    const times = ['2026-01-04T15:59:59Z', '2026-01-04T16:00:00Z', '2026-01-06T15:59:59.999Z', '2026-01-06T16:00:00Z']
    for (const [n, { id }] of ids.entries())
      await world.rows(`UPDATE members SET created_at = '${times[n]}' WHERE id = ${id}`)
    const { id: gone } = await member(world)
    await world.rows(`UPDATE members SET created_at = '2026-01-05T00:00:00Z', deleted_at = now() WHERE id = ${gone}`)
    expect(await data('member-growth?start_date=2026-01-05&end_date=2026-01-06')).toEqual({
      dates: ['2026-01-05', '2026-01-06'],
      series: [
        { name: 'new_members', data: [1, 1] },
        { name: 'total_members', data: [2, 3] },
      ],
    })
  })

  it('cover the last 30 days without dates, and refuse periods that are none', async () => {
    const { dates } = await data('trends')
    expect([dates.length, dates[0], dates.at(-1)]).toEqual([30, '2026-02-01', '2026-03-02'])
    for (const [query, field] of [
      ['start_date=2026-02-02&end_date=2026-02-01', 'end_date'],
      ['start_date=2025-01-01&end_date=2026-01-02', 'end_date'],
      ['start_date=2026-02-30', 'start_date'],
      ['end_date=x', 'end_date'],
    ] as const)
      for (const path of ['overview', 'campaign-performance', 'tag-distribution', 'trends', 'message-volume'])
        expect((await get(`${path}?${query}`)).body).toMatchObject({ code: 422, errors: [{ field }] })
    expect((await get('trends?start_date=2025-01-01&end_date=2026-01-01')).status).toBe(200)
    for (const metric of ['constructor', 'sent,,opened', '__proto__'])
      expect((await get(`trends?metric=${metric}`)).body).toMatchObject({ code: 422, errors: [{ field: 'metric' }] })
    for (const limit of [0, 101, 'x']) expect((await get(`campaign-performance?limit=${limit}`)).status).toBe(422)
  })

  it('are for marketing and administrators', async () => {
    for (const path of [
      'overview',
      'campaign-performance',
      'tag-distribution',
      'trends',
      'member-growth',
      'message-volume',
    ])
      expect([(await get(path, world.service)).status, (await get(path, world.admin)).status]).toEqual([403, 200])
    const payload = { report_type: 'overview', format: 'pdf' }
    expect((await world.call('POST', '/api/v1/analytics/export', { as: world.service, payload })).status).toBe(403)
  })
})

describe('A report', () => {
  const ask = async (payload: object) =>
    await world.call('POST', '/api/v1/analytics/export', { as: world.marketing, payload })
  const period = { start_date: '2026-02-01', end_date: '2026-02-28' }

  async function file(report: string, format: 'excel' | 'pdf'): Promise<Buffer> {
    const { body } = await ask({ report_type: report, format, ...period })
    const path = new URL(body.data.download_url).pathname
    await world.drain()
    const answer = await world.app.inject({ method: 'GET', url: path })
    expect(answer.statusCode).toBe(200)
    return answer.rawPayload
  }

  it('has its link at once, answers 404 until it is ready, and works until it expires', async () => {
    const { status, body } = await ask({ report_type: 'campaign_performance', format: 'excel', ...period })
    expect(status).toBe(200)
    expect(body.data).toEqual({ download_url: expect.any(String), expires_at: '2026-03-03T00:00:00.000Z' })
    const path = new URL(body.data.download_url).pathname
    expect((await world.call('GET', path)).status).toBe(404)
    await world.drain()
    const answer = await world.call('GET', path)
    expect([answer.status, answer.headers['content-type']]).toEqual([
      200,
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    ])
    expect(decodeURIComponent(String(answer.headers['content-disposition']))).toContain('活動成效.xlsx')
    world.clock.set(new Date('2026-03-02T23:59:59.999Z'))
    expect((await world.call('GET', path)).status).toBe(200)
    world.clock.set(new Date('2026-03-03T00:00:00Z'))
    expect((await world.call('GET', path)).status).toBe(404)
  })

  it('has the figures of the pages, as a workbook', async () => {
    const rows = async (report: string) => (await readXlsxFile(await file(report, 'excel')))[0]?.data ?? []
    expect(await rows('campaign_performance')).toEqual([
      [
        '活動編號',
        '活動標題',
        '發送人數',
        '開啟人數',
        '點擊人數',
        '轉換人數',
        '開啟率（%）',
        '點擊率（%）',
        '轉換率（%）',
      ],
      [moon.id, '中秋送禮', 3, 3, 2, 2, 100, 66.7, 66.7],
      [spring.id, '春天', 2, 1, 0, 0, 50, 0, 0],
    ])
    expect((await rows('overview')).slice(1)).toEqual([
      ['期間', '2026-02-01 – 2026-02-28', null],
      ['訊息發送數', 231, null],
      ['平均開啟率（%）', 80, null],
      ['平均點擊率（%）', 40, null],
      ['轉換率（%）', 40, null],
    ])
    const tags = await rows('tag_distribution')
    expect(tags.map((row) => row.slice(1))).toEqual([
      ['標籤名稱', '觸發次數', '比例（%）'],
      ['二', 3, 60],
      ['一', 2, 40],
    ])
    const trends = await rows('trends')
    expect(trends).toHaveLength(29)
    expect(trends[11]).toEqual(['2026-02-11', 2, 1, 1, 0])
    expect((await rows('message_volume'))[11]).toEqual(['2026-02-11', 0, 7, 0, 2])
    expect(await rows('member_growth')).toHaveLength(29)
  })

  it('is there as a PDF with Chinese characters', async () => {
    const [page = []] = await pdfTexts(await file('campaign_performance', 'pdf'))
    expect(page).toEqual(expect.arrayContaining(['活動成效', '開啟率（%）', '轉換人數', '中秋送禮', '66.7']))
    const [other = []] = await pdfTexts(await file('overview', 'pdf'))
    expect(other).toEqual(expect.arrayContaining(['數據總覽', '訊息發送數', '231']))
  })

  it('is refused for wrong fields', async () => {
    for (const [payload, field] of [
      [{ report_type: 'constructor', format: 'excel' }, 'report_type'],
      [{ report_type: 'trends', format: 'csv' }, 'format'],
      [{ report_type: 'trends', format: 'pdf', start_date: '2026-02-02', end_date: '2026-02-01' }, 'end_date'],
      [{ report_type: 'trends', format: 'pdf', start_date: '2026-13-02' }, 'start_date'],
    ] as const)
      expect((await ask(payload)).body).toMatchObject({ code: 422, errors: [{ field }] })
  })
})

it('finds figures of conversions that are not those of the rows', async () => {
  const at = `campaign_id = ${moon.id} AND day = '2026-02-13'`
  expect(
    await foundWhenBroken(
      world,
      `UPDATE crm_campaign_days SET converted = converted + 1 WHERE ${at}`,
      `UPDATE crm_campaign_days SET converted = converted - 1 WHERE ${at}`,
    ),
  ).toEqual([`crm_campaign_days.converted: campaign ${moon.id} on 2026-02-13: 2 ≠ 1`])
  const [recipient] = await world.rows<{ id: number }>(
    `SELECT id FROM campaign_recipients WHERE converted_at IS NOT NULL ORDER BY id LIMIT 1`,
  )
  const click = `crm_clicks WHERE recipient_id = ${recipient?.id}`
  const [before] = await world.rows<{ at: Date }>(`SELECT clicked_at AS at FROM ${click}`)
  const set = (at: string) => `UPDATE crm_clicks SET clicked_at = '${at}' WHERE recipient_id = ${recipient?.id}`
  expect(await foundWhenBroken(world, set('2026-03-01Z'), set(before?.at.toISOString() ?? ''))).toEqual([
    expect.stringContaining(`campaign_recipients.converted_at: recipient ${recipient?.id}`),
  ])
})
