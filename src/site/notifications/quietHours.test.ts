import { describe, expect, test } from 'vitest'
import {
  admin,
  as,
  custom,
  deliveries,
  lin,
  mail,
  openEngine,
  recipients,
  sendAlarm,
  smtp,
  wang,
  world,
} from '../../../test/support/engine.ts'
import { header } from '../../../test/support/fakes/smtp.ts'

openEngine()

describe('quiet hours, holidays and caps', () => {
  const at = (text: string) => world.clock.set(new Date(`2026-03-${text}:00+08:00`))
  const mailsAfter = async (text: string) => {
    at(text)
    await world.drain()
    return smtp.mails.length
  }

  test('hold messages that are not urgent until the first allowed minute; the inbox shows them at once', async () => {
    at('02T22:00')
    await mail({ user_ids: [lin.id] })
    expect(await world.inbox(lin)).toHaveLength(1)
    expect(await mailsAfter('02T23:00')).toBe(0)
    expect(await mailsAfter('03T07:59')).toBe(0)
    expect(await mailsAfter('03T08:00')).toBe(1)
    expect(await mailsAfter('03T09:00')).toBe(1)
  })

  test('let urgent messages pass', async () => {
    at('02T23:30')
    await sendAlarm()
    expect(smtp.mails).toHaveLength(1)
    expect(header(smtp.mails[0] ?? '', 'List-Unsubscribe')).toBe('')
  })

  test('of holidays last until the morning after the last one', async () => {
    for (const day of ['03', '04']) {
      await as(admin, 'PUT', `/api/admin/notifications/holidays/2026-03-${day}`, { name: '假日' })
    }
    const year = await as(admin, 'GET', '/api/admin/notifications/holidays?year=2026')
    expect(year.body.items).toEqual([
      { date: '2026-03-03', name: '假日' },
      { date: '2026-03-04', name: '假日' },
    ])
    at('03T10:00')
    await mail({ user_ids: [lin.id] })
    expect(await mailsAfter('03T12:00')).toBe(0)
    expect(await mailsAfter('05T07:59')).toBe(0)
    expect(await mailsAfter('05T08:00')).toBe(1)
    expect((await as(admin, 'DELETE', '/api/admin/notifications/holidays/2026-03-04')).status).toBe(204)
    expect((await as(admin, 'DELETE', '/api/admin/notifications/holidays/2026-03-04')).status).toBe(404)
  })

  test('release held messages when they are changed', async () => {
    const path = '/api/admin/notifications'
    const waiting = async () =>
      (await deliveries()).filter(({ state }) => state === 'queued').map(({ reason }) => reason)
    await as(admin, 'PUT', `${path}/holidays/2026-03-03`, { name: '假日' })
    at('03T10:00')
    await mail({ user_ids: [lin.id] })
    expect(await mailsAfter('03T11:00')).toBe(0)
    expect(await waiting()).toEqual(['quiet_hours'])
    await as(admin, 'DELETE', `${path}/holidays/2026-03-03`)
    expect(await mailsAfter('03T11:00')).toBe(1)
    at('03T22:30')
    await mail({ user_ids: [lin.id] })
    expect(await mailsAfter('03T22:30')).toBe(1)
    const later = {
      quiet_hours: { start: '23:00', end: '08:00' },
      caps: (await as(admin, 'GET', `${path}/controls`)).body.caps,
    }
    await as(admin, 'PUT', `${path}/controls`, later)
    expect(await mailsAfter('03T22:30')).toBe(2)
    at('04T10:00')
    const one = { ...later, caps: { ...later.caps, notice: { limit: 1, hours: 24 } } }
    await as(admin, 'PUT', `${path}/controls`, one)
    await mail({ user_ids: [wang.id] })
    await mail({ user_ids: [wang.id] })
    expect(await mailsAfter('04T10:00')).toBe(3)
    expect(await waiting()).toEqual(['frequency_cap'])
    await as(admin, 'PUT', `${path}/controls`, later)
    expect(await mailsAfter('04T10:00')).toBe(4)
  })

  test('are applied again by every process notified of a change, to the messages held meanwhile', async () => {
    at('02T22:30')
    await mail({ user_ids: [lin.id] })
    await world.drain()
    at('02T23:00')
    await world.rows("SELECT pg_notify('notification_catalogue', 'policy')")
    const due = () => world.rows('SELECT next_try_at FROM deliveries')
    await expect.poll(due).toEqual([{ next_try_at: world.clock.now() }])
    expect(await mailsAfter('02T23:30')).toBe(0)
    expect(await mailsAfter('03T08:00')).toBe(1)
  })

  test('of frequency allow a number of messages per period, and send the rest later, each once', async () => {
    const caps = { reservation: null, account: null, notice: { limit: 2, hours: 3 }, system: null }
    await as(admin, 'PUT', '/api/admin/notifications/controls', { quiet_hours: null, caps })
    at('02T10:00')
    for (let n = 0; n < 5; n += 1) await mail({ user_ids: [lin.id] }, `第 ${n} 封`)
    await mail({ user_ids: [wang.id] })
    await world.drain()
    expect(recipients()).toEqual(['lin@example.com', 'lin@example.com', 'wang@example.com'])
    expect(await mailsAfter('02T12:59')).toBe(3)
    expect(await mailsAfter('02T13:00')).toBe(5)
    expect(await mailsAfter('02T15:59')).toBe(5)
    expect(await mailsAfter('02T16:00')).toBe(6)
    expect(await mailsAfter('03T16:00')).toBe(6)
  })

  test('of frequency count each message once for all its channels', async () => {
    const caps = { reservation: null, account: null, notice: { limit: 2, hours: 3 }, system: null }
    await as(admin, 'PUT', '/api/admin/notifications/controls', { quiet_hours: null, caps })
    await as(admin, 'PUT', `/api/v1/users/${lin.id}/contacts/wecom`, { member_id: 'lin' })
    await as(admin, 'POST', '/api/v1/notification-types', { ...custom, channels: ['email', 'im'] })
    at('02T10:00')
    for (const day of ['周一', '周二', '周三']) {
      await as(admin, 'POST', '/api/v1/broadcasts', {
        type: 'notice.closing',
        ...{ data: { hall: '游泳馆', day }, condition: { kind: 'users', ids: [lin.id] } },
      })
    }
    await world.drain()
    const sent = async () =>
      (await deliveries())
        .filter(({ state }) => state === 'sent')
        .map(({ channel }) => channel)
        .toSorted()
    expect(await sent()).toEqual(['email', 'email', 'im', 'im'])
    at('02T12:59')
    await world.drain()
    expect(await sent()).toHaveLength(4)
    at('02T13:00')
    await world.drain()
    expect(await sent()).toHaveLength(6)
  })
})
