import type pg from 'pg'
import { createDatabase, serverUrl } from './database.ts'
import { fill, makeSecrets } from './fixture.ts'
import { median } from './median.ts'
import { openSystem } from './system.ts'
import { table } from './table.ts'
import { type Sent, watchStatements } from './watch.ts'
import { written } from './written.ts'

const FULL = { days: 278, times: 15 }
const QUICK = { days: 6, times: 5 }
const PEOPLE = 100_000
const DEPARTMENTS = 30
const DOCTORS = 5
const SECTIONS = 3
/** Orders of each session. */
const ORDERS = 40
const GOAL_MS = 50

const [ADMIN, DOCTOR, PATIENT] = [1, 2, 3]

/** What is read, by whom. */
interface Read {
  readonly name: string
  readonly user: number
  readonly path: string
  /** It counts a large part of the orders, of the users, or of all orders of a doctor, so there is no goal for it. */
  readonly isBroad: boolean
}

/** How long an answer took, and its slowest statement. */
interface Measured extends Read {
  readonly ms: number
  /** Of the slowest statement, by EXPLAIN ANALYZE. */
  readonly executionMs: number
  readonly blocks: number
  /** Large tables that a statement reads from end to end. */
  readonly scans: readonly string[]
}

/**
 * Fills a hospital with five million orders (some 100,000 with --quick), of which some are for today, and measures what
 * is read of them. Returns the report, and whether every answer came within the goal.
 */
export async function hospital(
  stack: AsyncDisposableStack,
  say: (line: string) => void,
  short: boolean,
): Promise<{ readonly report: string; readonly met: boolean }> {
  const { days, times } = short ? QUICK : FULL
  const database = await createDatabase(serverUrl(process.env), 'hospital')
  stack.defer(database.drop)
  const secrets = makeSecrets()
  const { tokens } = await fill(database.pool, secrets.SECRET_KEY, {
    people: PEOPLE,
    venues: 1,
    days: 1,
    slotsPerDay: 1,
  })
  const begin = performance.now()
  const orders = await fillOrders(database.pool, days)
  say(`${orders} orders written in ${((performance.now() - begin) / 1000).toFixed(0)} s`)
  const watch = watchStatements()
  const system = await openSystem({ ...secrets, DATA_DIR: 'memory', DATABASE_URL: database.url, PRODUCTS: 'clinic' })
  const measured: Measured[] = []
  try {
    for (const read of await readsOf(database.pool)) {
      const took: number[] = []
      let sent: readonly Sent[] = []
      for (let time = 0; time < times; time += 1) {
        watch.sent.length = 0
        const started = performance.now()
        const answer = await system.app?.inject({
          method: 'GET',
          url: read.path,
          headers: { authorization: `Bearer ${tokens[read.user - 1]}` },
        })
        took.push(performance.now() - started)
        if (answer?.json().code !== 0) throw new Error(`${read.path}: ${answer?.body}`)
        sent = [...watch.sent]
      }
      const plans = await Promise.all(sent.map((statement) => explain(database.pool, statement)))
      const slowest = plans.toSorted((a, b) => b.executionMs - a.executionMs)[0]
      const scans = [...new Set(plans.flatMap((plan) => plan.scans))]
      const { executionMs = 0, blocks = 0 } = slowest ?? {}
      measured.push({ ...read, ms: median(took), executionMs, blocks, scans })
      say(`${read.name}: ${median(took).toFixed(1)} ms${scans.length > 0 ? `, reads all of ${scans.join(', ')}` : ''}`)
    }
  } finally {
    watch.stop()
    await system.close()
  }
  const met = measured.every(({ ms, isBroad }) => isBroad || ms < GOAL_MS)
  const goal = `Goal: every answer in less than ${GOAL_MS} ms, except broad lists (*): ${met ? 'met' : 'MISSED'}`
  return { met, report: `${present(measured, orders)}\n\n${goal}` }
}

/**
 * Adds departments, doctors, patients, and sessions of the past days and of today with their orders: of forty, four are
 * cancelled and two missed; those of today are confirmed. Nothing costs anything. Returns the number of orders.
 */
async function fillOrders(pool: pg.Pool, days: number): Promise<number> {
  const now = new Date()
  await pool.query(
    `INSERT INTO hospital_area (name, create_time) SELECT '院区 ' || n, $1::timestamptz FROM generate_series(1, 3) n`,
    [now],
  )
  await pool.query(`INSERT INTO major_department (name, create_time) VALUES ('内科', $1)`, [now])
  await pool.query(
    `INSERT INTO minor_department (major_dept_id, name, create_time)
     SELECT 1, '科室 ' || n, $2::timestamptz FROM generate_series(1, $1::int) n`,
    [DEPARTMENTS, now],
  )
  await pool.query(
    `INSERT INTO clinic (area_id, minor_dept_id, name, create_time)
     SELECT 1 + minor_dept_id % 3, minor_dept_id, '门诊', create_time FROM minor_department`,
  )
  await pool.query(
    `INSERT INTO doctor (dept_id, name, create_time, user_id)
     SELECT m.minor_dept_id, '医生 ' || m.minor_dept_id || '.' || n, m.create_time,
       CASE WHEN m.minor_dept_id = 1 AND n = 1 THEN $2::bigint END
     FROM minor_department m, generate_series(1, $1::int) n`,
    [DOCTORS, DOCTOR],
  )
  await pool.query(
    `INSERT INTO patient (user_id, name, create_time) SELECT id, display_name, created_at FROM users ORDER BY id`,
  )
  await pool.query(`UPDATE user_roles SET role = 'clinic:admin' WHERE user_id = $1`, [ADMIN])
  await pool.query(`UPDATE user_roles SET role = 'clinic:doctor' WHERE user_id = $1`, [DOCTOR])
  const sold = ORDERS - 4
  const sessions = DEPARTMENTS * DOCTORS * SECTIONS * days
  await written(pool, sessions * ORDERS, ['registration_order', 'schedule'], async (client) => {
    await client.query(
      `INSERT INTO schedule (doctor_id, clinic_id, minor_dept_id, date, time_section, slot_type, total_slots,
         remaining_slots, last_no, price, completed, create_time, update_time)
       SELECT d.doctor_id, k.clinic_id, k.minor_dept_id, (now() AT TIME ZONE 'Asia/Shanghai')::date - n,
         (ARRAY['上午', '下午', '晚上'])[s], (ARRAY['普通', '专家', '特需'])[s], $2::int, $2::int - $3::int, $3::int, 0,
         CASE WHEN n > 0 THEN $3::int - 2 ELSE 0 END, $4::timestamptz, $4::timestamptz
       FROM generate_series($1::int - 1, 0, -1) n
       CROSS JOIN generate_series(1, ${SECTIONS}) s
       CROSS JOIN doctor d
       JOIN clinic k ON k.minor_dept_id = d.dept_id`,
      [days, ORDERS, sold, now],
    )
    await client.query(
      `INSERT INTO registration_order (patient_id, initiator_user_id, schedule_id, minor_dept_id, slot_date, slot_type,
         price, status, payment_status, payment_time, queue_no, completed_time, cancel_time, create_time, update_time)
       SELECT person, person, s.schedule_id, s.minor_dept_id, s.date, s.slot_type, 0, state,
         CASE WHEN state = 'cancelled' THEN 'cancelled' ELSE 'paid' END, at, CASE WHEN n <= $1 THEN n END,
         CASE WHEN state = 'completed' THEN s.date::timestamptz END, CASE WHEN state = 'cancelled' THEN at END, at, at
       FROM schedule s
       CROSS JOIN generate_series(1, ${ORDERS}) n
       CROSS JOIN LATERAL (
         SELECT
           1 + (s.schedule_id * ${ORDERS} + n) * 7919 % $2::int AS person,
           s.date::timestamptz - interval '3 days' AS at,
           CASE
             WHEN n > $1 THEN 'cancelled'
             WHEN s.completed = 0 THEN 'confirmed'
             WHEN n > $1 - 2 THEN 'no_show'
             ELSE 'completed'
           END AS state
       ) o
       ORDER BY s.schedule_id, n`,
      [sold, PEOPLE],
    )
  })
  await pool.query('VACUUM ANALYZE')
  return sessions * ORDERS
}

/** The reads that are measured. */
async function readsOf(pool: pg.Pool): Promise<readonly Read[]> {
  const { rows } = await pool.query<{ id: string; date: string; number: string }>(
    `SELECT s.schedule_id AS id, s.date::text AS date,
       to_char(o.create_time AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') || lpad((o.order_id % 100000000)::text, 8, '0') AS number
     FROM schedule s
     JOIN registration_order o ON o.schedule_id = s.schedule_id AND o.queue_no = 1
     WHERE s.doctor_id = 1
     ORDER BY s.date DESC, s.schedule_id
     LIMIT 1`,
  )
  const { id = '', date = '', number = '' } = rows[0] ?? {}
  const statistics: readonly (readonly [name: string, path: string])[] = [
    ['hospital', 'hospital/registrations?'],
    ['area', 'areas/1/registrations?'],
    ['department', 'departments/1/registrations?'],
    ['doctor', 'doctors/1/registrations?'],
    ['ranking of departments', 'departments/ranking?'],
    ['ranking of doctors', 'doctors/ranking?'],
    ['users', 'users?'],
    ['visits', 'visits?'],
  ]
  const as = (user: number, reads: readonly (readonly [name: string, path: string])[]): readonly Read[] =>
    reads.map(([name, path]) => ({ name, user, path, isBroad: name.endsWith('*') }))
  return [
    ...as(
      ADMIN,
      statistics.map(([name, path]) => [`statistics: ${name}, 30 days`, `/statistics/${path}date_range=30days`]),
    ),
    ...as(PATIENT, [
      ['own orders', '/patient/appointments'],
      ['orders made', '/patient/my-initiated-appointments'],
      ['own waiting list', '/patient/waitlist'],
      ['schedules of a department', `/patient/departments/1/schedules?start_date=${date}&end_date=${date}`],
    ]),
    ...as(DOCTOR, [
      ['queue of a session', `/doctor/consultation/queue?schedule_id=${id}`],
      ['workbench *', '/doctor/workbench/dashboard'],
      ['recent visits *', '/doctor/workbench/recent-consultations'],
    ]),
    ...as(ADMIN, [
      ['desk: orders of today', `/admin/orders?date=${date}`],
      ['desk: orders of a session', `/admin/orders?schedule_id=${id}`],
      ['desk: orders of a patient', '/admin/orders?patient_id=3'],
      ['desk: orders of a doctor', '/admin/orders?doctor_id=1'],
      ['desk: by order number', `/admin/orders?order_no=${number}`],
      ['desk: confirmed orders *', '/admin/orders?status=confirmed'],
      ['desk: missed visits *', '/admin/orders?status=no_show'],
      ['desk: all orders *', '/admin/orders'],
      ['patients *', '/admin/patients'],
      ['risks of users *', '/admin/anti-scalper/users'],
    ]),
  ]
}

/** Tables that no statement should read from end to end. */
const LARGE = /Seq Scan on (registration_order|schedule|patient|users)\b/

async function explain(pool: pg.Pool, { text, values }: Sent) {
  if (!/^\s*(SELECT|WITH)/i.test(text)) return { executionMs: 0, blocks: 0, scans: [] as string[] }
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, BUFFERS) ${text}`, [...values])
  const plan = rows.map((row) => row['QUERY PLAN'])
  const executionMs = Number(plan.find((line) => line.startsWith('Execution Time'))?.match(/[\d.]+/)?.[0])
  const blocks = [...(plan.find((line) => line.includes('Buffers:')) ?? '').matchAll(/(?:hit|read)=(\d+)/g)]
    .map(([, count]) => Number(count))
    .reduce((sum, count) => sum + count, 0)
  const scans = plan.flatMap((line) => LARGE.exec(line)?.[1] ?? [])
  if (process.env.BENCH_PLANS && executionMs > GOAL_MS / 2) console.error(plan.join('\n'))
  return { executionMs, blocks, scans }
}

function present(measured: readonly Measured[], orders: number): string {
  return table([
    [`${orders.toLocaleString('en')} orders`, 'answer ms', 'slowest statement ms', 'blocks', 'reads all of'],
    ...measured.map(({ name, ms, executionMs, blocks, scans }) => [
      name,
      ms.toFixed(1),
      executionMs.toFixed(1),
      String(blocks),
      scans.join(', '),
    ]),
  ])
}
