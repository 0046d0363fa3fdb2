import { afterAll, describe, expect, it } from 'vitest'
import { openWorld } from '../../../test/support/world.ts'

const world = await openWorld({ OPERATION_LOG_KEEP_MONTHS: '2', LOGIN_LOG_KEEP_MONTHS: '2' })
afterAll(() => world.close())

const partitions = async (log: string) =>
  (
    await world.rows<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = '${log}'::regclass ORDER BY 1`,
    )
  ).map(({ name }) => name)

const write = async (at: string) => {
  await world.rows(`INSERT INTO operation_log (at, action, resource) VALUES ('${at}', 'thing.change', 'thing')`)
  await world.rows(`INSERT INTO login_log (name, result, address, user_agent, at)
    VALUES ('somebody', 'success', '192.0.2.1', '', '${at}')`)
}
const months = async (log: string) =>
  (
    await world.rows<{ at: string }>(
      `SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM') AS at
        FROM ${log}
        WHERE ${log === 'login_log' ? 'true' : `action = 'thing.change'`} ORDER BY at`,
    )
  ).map(({ at }) => at)

/** Runs the daily job of a day. */
const on = async (day: string) => {
  world.clock.advance((Date.parse(day) - world.clock.now().getTime()) / 60_000)
  await world.system.jobs.runNow('kernel.partitions')
  await world.system.jobs.runNow('kernel.log-retention')
  await world.drain()
}

describe('The logs', () => {
  it('lose whole expired months and nothing newer; entries older than the partitions go together', async () => {
    await write('2026-01-31T00:00:00Z')
    await write('2026-03-31T23:59:59Z')
    await on('2026-03-31T00:00:00Z')
    for (const log of ['operation_log', 'login_log']) {
      expect(await months(log)).toEqual(['2026-01', '2026-03'])
    }
    await on('2026-04-30T00:00:00Z')
    await write('2026-04-30T00:00:00Z')
    expect(await months('login_log')).toEqual(['2026-03', '2026-04'])
    await on('2026-05-31T23:00:00Z')
    expect(await months('login_log')).toEqual(['2026-03', '2026-04'])
    await on('2026-06-01T00:00:00Z')
    for (const log of ['operation_log', 'login_log']) {
      expect(await months(log)).toEqual(['2026-04'])
      expect(await partitions(log)).toEqual([
        `${log}_2026_04`,
        `${log}_2026_05`,
        `${log}_2026_06`,
        `${log}_2026_07`,
        `${log}_rest`,
      ])
    }
  })

  it('record what was dropped', async () => {
    const dropped = await world.rows<{ of: string; entries: number }>(
      `SELECT resource_id AS of, (changes->'entries'->>0)::int AS entries
        FROM operation_log WHERE action = 'login_log.drop' ORDER BY id`,
    )
    expect(dropped).toEqual([
      { of: 'login_log_rest', entries: 1 },
      { of: 'login_log_2026_03', entries: 1 },
    ])
  })

  it('are dropped once by any number of processes', async () => {
    await on('2026-07-01T00:00:00Z')
    await write('2026-07-01T00:00:00Z')
    world.clock.advance(70 * 24 * 60)
    await Promise.all([1, 2, 3].map(() => world.system.jobs.runNow('kernel.log-retention')))
    await world.drain()
    const dropped = await world.rows(
      `SELECT resource_id FROM operation_log WHERE action = 'login_log.drop' GROUP BY 1 HAVING count(*) > 1`,
    )
    expect(dropped).toEqual([])
    await write('2026-12-24T00:00:00Z')
    expect(await months('login_log')).toEqual(['2026-07', '2026-12'])
  })
})

describe('Logs without a retention limit', () => {
  it('stay', async () => {
    const other = await openWorld({ OPERATION_LOG_KEEP_MONTHS: '0', LOGIN_LOG_KEEP_MONTHS: '0' })
    await other.rows(`INSERT INTO operation_log (at, action, resource) VALUES ('2001-01-01', 'old', 'thing')`)
    await other.system.jobs.runNow('kernel.log-retention')
    expect(await other.rows(`SELECT action FROM operation_log WHERE action = 'old'`)).toHaveLength(1)
    await other.close()
  })
})
