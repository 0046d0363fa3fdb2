import type pg from 'pg'
import { createDatabase, serverUrl } from './database.ts'
import { fill, makeSecrets } from './fixture.ts'
import { median } from './median.ts'
import { openSystem } from './system.ts'
import { table } from './table.ts'
import { type Sent, watchStatements } from './watch.ts'
import { written } from './written.ts'

const FULL = { campaigns: 200, recipients: 50_000, times: 15 }
const QUICK = { campaigns: 20, recipients: 5_000, times: 5 }
const MEMBERS = 100_000
const TAGS = 200
/** A tag is triggered once for every so many recipients. */
const TRIGGERED = 10
const DAYS = 366
const GOAL_MS = 100

/** How long an answer took, and its slowest statement. */
interface Measured {
  readonly name: string
  readonly ms: number
  readonly executionMs: number
  readonly blocks: number
  /** Large tables that a statement reads from end to end. */
  readonly scans: readonly string[]
}

/**
 * Fills a CRM with ten million recipients of campaigns and as many messages (100,000 with --quick) over a year, and
 * measures the analytics. Returns the report, and whether every answer came within the goal.
 */
export async function analytics(
  stack: AsyncDisposableStack,
  say: (line: string) => void,
  short: boolean,
): Promise<{ readonly report: string; readonly met: boolean }> {
  const { campaigns, recipients, times } = short ? QUICK : FULL
  const database = await createDatabase(serverUrl(process.env), 'analytics')
  stack.defer(database.drop)
  const secrets = makeSecrets()
  const { tokens } = await fill(database.pool, secrets.SECRET_KEY, { people: 1, venues: 1, days: 1, slotsPerDay: 1 })
  const begin = performance.now()
  await fillCampaigns(database.pool, campaigns, recipients)
  const rows = campaigns * recipients
  say(`${rows} recipients and messages written in ${((performance.now() - begin) / 1000).toFixed(0)} s`)
  const watch = watchStatements()
  const system = await openSystem({ ...secrets, DATA_DIR: 'memory', DATABASE_URL: database.url, PRODUCTS: 'crm' })
  const measured: Measured[] = []
  try {
    for (const [name, path] of await readsOf(database.pool)) {
      const took: number[] = []
      let sent: readonly Sent[] = []
      for (let time = 0; time < times; time += 1) {
        watch.sent.length = 0
        const started = performance.now()
        const answer = await system.app?.inject({
          method: 'GET',
          url: `/api/v1/analytics/${path}`,
          headers: { authorization: `Bearer ${tokens[0]}` },
        })
        took.push(performance.now() - started)
        if (answer?.statusCode !== 200) throw new Error(`${path}: ${answer?.body}`)
        sent = [...watch.sent]
      }
      const plans = await Promise.all(sent.map((statement) => explain(database.pool, statement)))
      const slowest = plans.toSorted((a, b) => b.executionMs - a.executionMs)[0]
      const scans = [...new Set(plans.flatMap((plan) => plan.scans))]
      const { executionMs = 0, blocks = 0 } = slowest ?? {}
      measured.push({ name, ms: median(took), executionMs, blocks, scans })
      say(`${name}: ${median(took).toFixed(1)} ms${scans.length > 0 ? `, reads all of ${scans.join(', ')}` : ''}`)
    }
  } finally {
    watch.stop()
    await system.close()
  }
  const met = measured.every(({ ms }) => ms < GOAL_MS)
  const heading = ['analytics', 'ms', 'slowest statement', 'blocks', 'reads all of']
  const lines = measured.map(({ name, ms, executionMs, blocks, scans }) => [
    ...[name, ms.toFixed(1), `${executionMs.toFixed(1)} ms`, String(blocks), scans.join(', ') || '–'],
  ])
  const goal = `Goal: every answer in less than ${GOAL_MS} ms: ${met ? 'met' : 'MISSED'}`
  return { met, report: `${rows} recipients and messages\n\n${table([heading, ...lines])}\n\n${goal}` }
}

/** The reads that are measured. */
async function readsOf(pool: pg.Pool): Promise<readonly (readonly [name: string, path: string])[]> {
  const { rows } = await pool.query<{ start: string; month: string; end: string }>(
    `SELECT (today - ${DAYS - 1})::text AS start, (today - 29)::text AS month, today::text AS end
     FROM (SELECT (now() AT TIME ZONE 'Asia/Taipei')::date AS today) t`,
  )
  const { start = '', month = '', end = '' } = rows[0] ?? {}
  const periods = [
    ['30 days', `start_date=${month}&end_date=${end}`],
    ['a year', `start_date=${start}&end_date=${end}`],
  ] as const
  const paths = ['overview', 'campaign-performance', 'trends', 'tag-distribution', 'message-volume', 'member-growth']
  return [
    ...paths.flatMap((path) => periods.map(([name, query]) => [`${path}, ${name}`, `${path}?${query}`] as const)),
    ['tag-distribution, since ever', 'tag-distribution'],
  ]
}

/** Adds members, and campaigns over the past year with recipients, messages, triggered tags and the figures of days. */
async function fillCampaigns(pool: pg.Pool, campaigns: number, recipients: number): Promise<void> {
  const now = new Date()
  await pool.query(`UPDATE user_roles SET role = 'crm:admin'`)
  await pool.query(
    `INSERT INTO members (line_uid, line_display_name, source, created_at, followed_at)
     SELECT 'U' || n, '好友' || n, 'line', at, at
     FROM generate_series(1, $1::int) n, LATERAL (SELECT $2::timestamptz - n * interval '5 minutes' AS at) t`,
    [MEMBERS, now],
  )
  await pool.query(
    `WITH template AS (
       INSERT INTO message_templates (type, content, created_at) VALUES ('text', 'x', $2) RETURNING id
     )
     INSERT INTO campaigns (title, template_id, target_audience, status, sent_at, sent_count, recipient_count, created_at)
     SELECT '活動 ' || n, template.id, '{}', 'sent', $2::timestamptz - n * interval '1 day' * ${DAYS} / $1::int, $3, $3,
       $2::timestamptz
     FROM template, generate_series(1, $1::int) n`,
    [campaigns, now, recipients],
  )
  await pool.query(
    `INSERT INTO crm_batches (campaign_id, kind, state, next_try_at) SELECT id, 'push', 'done', $1 FROM campaigns`,
    [now],
  )
  await pool.query(
    `INSERT INTO interaction_tags (name, created_at) SELECT '標籤 ' || n, $2::timestamptz FROM generate_series(1, $1::int) n`,
    [TAGS, now],
  )
  const rows = campaigns * recipients
  await written(pool, rows, ['campaign_recipients', 'messages', 'tag_trigger_logs'], async (client) => {
    await client.query(
      `INSERT INTO campaign_recipients (campaign_id, member_id, sent_at, opened_at, clicked_at, status, batch_id, line_uid)
       SELECT c.id, 1 + (n * 7919 + c.id) % ${MEMBERS}, c.sent_at, CASE WHEN n % 2 = 0 THEN at END,
         CASE WHEN n % 4 = 0 THEN at END,
         CASE WHEN n % 4 = 0 THEN 'clicked' WHEN n % 2 = 0 THEN 'opened' ELSE 'sent' END, b.id, 'U'
       FROM campaigns c JOIN crm_batches b ON b.campaign_id = c.id CROSS JOIN generate_series(1, $1::int) n
       CROSS JOIN LATERAL (SELECT c.sent_at + n % 14 * interval '12 hours' AS at) t`,
      [recipients],
    )
    await client.query(
      `INSERT INTO messages (member_id, campaign_id, content, direction, message_type, sender_type, created_at)
       SELECT member_id, campaign_id, 'x', 'outgoing', 'text', 'campaign', sent_at FROM campaign_recipients`,
    )
    await client.query(
      `INSERT INTO tag_trigger_logs (member_id, tag_id, campaign_id, trigger_source, triggered_at)
       SELECT member_id, 1 + id % ${TAGS}, campaign_id, 'click', coalesce(clicked_at, sent_at) FROM campaign_recipients
       WHERE id % ${TRIGGERED} = 0`,
    )
    await client.query(
      `UPDATE interaction_tags t SET trigger_count = c.count
       FROM (SELECT tag_id, count(*) FROM tag_trigger_logs GROUP BY 1) c WHERE t.id = c.tag_id`,
    )
  })
  await fillDays(pool)
  await pool.query('VACUUM ANALYZE')
}

/** The figures of the days, as the program keeps them. */
async function fillDays(pool: pg.Pool): Promise<void> {
  const day = (column: string) => `(${column} AT TIME ZONE 'Asia/Taipei')::date`
  await pool.query(
    `INSERT INTO crm_campaign_days (campaign_id, day, sent, opened, clicked)
     SELECT campaign_id, day, sum(sent), sum(opened), sum(clicked) FROM (
       SELECT campaign_id, ${day('sent_at')} AS day, count(*) AS sent, 0 AS opened, 0 AS clicked
       FROM campaign_recipients GROUP BY 1, 2
       UNION ALL
       SELECT campaign_id, ${day('opened_at')}, 0, count(*), count(clicked_at)
       FROM campaign_recipients WHERE opened_at IS NOT NULL GROUP BY 1, 2
     ) d GROUP BY 1, 2`,
  )
  await pool.query(
    `INSERT INTO crm_message_days (day, direction, sender_type, slot, count)
     SELECT ${day('created_at')}, direction, sender_type, id % 16, count(*) FROM messages GROUP BY 1, 2, 3, 4`,
  )
}

/** Tables that no statement should read from end to end. */
const LARGE = /Seq Scan on (campaign_recipients|messages|tag_trigger_logs|members)\b/

async function explain(pool: pg.Pool, { text, values }: Sent) {
  if (!/^\s*(SELECT|WITH)/i.test(text)) return { executionMs: 0, blocks: 0, scans: [] as string[] }
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, BUFFERS) ${text}`, [...values])
  const plan = rows.map((row) => row['QUERY PLAN'])
  const executionMs = Number(plan.find((line) => line.startsWith('Execution Time'))?.match(/[\d.]+/)?.[0])
  const blocks = [...(plan.find((line) => line.includes('Buffers:')) ?? '').matchAll(/(?:hit|read)=(\d+)/g)]
    .map(([, count]) => Number(count))
    .reduce((sum, count) => sum + count, 0)
  const scans = plan.flatMap((line) => LARGE.exec(line)?.[1] ?? [])
  return { executionMs, blocks, scans }
}
