import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type FakeSmtp, header, startSmtp } from '../support/fakes/smtp.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { call } from './client.ts'
import { underWay } from './history/record.ts'
import { addAdmin, addPeople, allowMessages } from './site.ts'

/** The long version sets PROOF_BROADCAST=10000 PROOF_KILLS=10. */
const PEOPLE = Number(process.env.PROOF_BROADCAST ?? 600)
const KILLS = Number(process.env.PROOF_KILLS ?? 4)
/** Seconds after which another worker takes the mails of a killed one. */
const LEASE = '3'

describe.runIf(onServer)('A broadcast whose workers are killed', () => {
  let database: TestDatabase
  let fleet: Fleet
  let smtp: FakeSmtp

  beforeAll(async () => {
    database = await openTestDatabase()
    fleet = await openFleet({ url: database.url ?? '' })
    smtp = await startSmtp()
  })

  afterAll(async () => {
    await fleet?.close()
    await smtp?.close()
    await database?.close()
  })

  test('is in every inbox once, is mailed to everybody with at most one repeated mail per kill, and has correct figures', async () => {
    const { db } = database
    const people = await addPeople(db, PEOPLE)
    await sql`UPDATE users SET email = username || '@example.com'`.execute(db)
    const admin = await addAdmin(db)
    await allowMessages(db)
    const env = { SMTP_URL: smtp.url, MAIL_FROM: 'Yuyue <no-reply@gym.example>', DELIVERY_LEASE_SECONDS: LEASE }
    const server = await fleet.start('server', env)
    const sent = await call(server.url, 'POST', '/api/v1/broadcasts', {
      token: admin.token,
      body: {
        type: 'notice.direct',
        data: { subject: '周末开放', body: '本周末照常开放。' },
        channels: ['email'],
        condition: { kind: 'role', in: ['venue:employee'] },
      },
    })
    expect(sent).toMatchObject({ status: 202, body: { total: PEOPLE } })

    const started = performance.now()
    const workers: Running[] = []
    for (let kill = 0; kill < KILLS; kill += 1) {
      const worker = await fleet.start('worker', env)
      workers.push(worker)
      const goal = smtp.mails.length + Math.floor((PEOPLE / (KILLS + 1)) * Math.random()) + 1
      // The first two kills hit the handing on, the later ones the mailing.
      if (kill > 1)
        await expect.poll(() => smtp.mails.length, { interval: 1, timeout: 60_000 }).toBeGreaterThanOrEqual(goal)
      await worker.kill()
    }
    const before = { mails: smtp.mails.length, at: performance.now() }
    workers.push(await fleet.start('worker', env))
    await expect.poll(() => underWay(db), { interval: 100, timeout: 120_000 }).toBe(0)
    if (process.env.PROOF_TIMES) {
      const seconds = (performance.now() - before.at) / 1000
      console.log('mails', smtp.mails.length, 'rate of the last worker', (smtp.mails.length - before.mails) / seconds)
      console.log('in all', (performance.now() - started) / 1000)
    }

    const inbox = await sql<{
      n: number
    }>`SELECT count(*)::int AS n FROM notification_messages WHERE type = 'notice.direct' GROUP BY user_id`.execute(db)
    expect(inbox.rows).toHaveLength(PEOPLE)
    expect(inbox.rows.every(({ n }) => n === 1)).toBe(true)
    const got = new Map<string, number>()
    for (const mail of smtp.mails) {
      const to = header(mail, 'To')
      got.set(to, (got.get(to) ?? 0) + 1)
    }
    expect(got.size).toBe(PEOPLE)
    expect(smtp.mails.length).toBeLessThanOrEqual(PEOPLE + KILLS)
    const done = await call(server.url, 'GET', `/api/v1/broadcasts/${sent.body.id}`, { token: admin.token })
    expect(done.body).toMatchObject({ state: 'done', total: PEOPLE, handed_on: PEOPLE })
    const stats = await call(server.url, 'GET', '/api/admin/notifications/stats?type=notice.direct', {
      token: admin.token,
    })
    const figures = (channel: string) =>
      stats.body.items
        .filter((item: { channel: string }) => item.channel === channel)
        .reduce((sum: number, item: { sent: number }) => sum + item.sent, 0)
    expect([figures('inbox'), figures('email')]).toEqual([PEOPLE, PEOPLE])
    for (const { output } of workers) expect(output()).not.toMatch(/ERROR|FATAL/)
    expect(people).toHaveLength(PEOPLE)
  }, 300_000)
})
