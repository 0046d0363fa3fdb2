import { describe, expect, test } from 'vitest'
import {
  admin,
  as,
  custom,
  dead,
  deliveries,
  lin,
  mail,
  openEngine,
  recipients,
  sms,
  smtp,
  world,
} from '../../../test/support/engine.ts'
import { bodyText } from '../../../test/support/fakes/smtp.ts'

openEngine()

describe('addresses that change', () => {
  test('are notified, the former ones too', async () => {
    await as(lin, 'PUT', '/api/v1/users/me', { email: 'lin@new.example' })
    await world.drain()
    expect(recipients()).toEqual(['lin@example.com', 'lin@new.example'])
    for (const one of smtp.mails) expect(bodyText(one)).toContain('的邮箱已于 2026-03-02T08:00:00+08:00 变更')
    const { body } = await as(admin, 'GET', `/api/admin/notifications?user_id=${lin.id}&channel=email`)
    expect(body.items).toMatchObject([
      { type: 'account.contact_changed', state: 'sent' },
      { type: 'account.contact_changed', state: 'sent' },
    ])
    await as(lin, 'PUT', '/api/v1/users/me', { email: 'lin@new.example', locale: 'zh-CN' })
    await world.drain()
    expect(smtp.mails).toHaveLength(2)
  })

  test('can be phone numbers, notified by SMS', async () => {
    await as(lin, 'PUT', '/api/v1/users/me', { phone: '13800138001' })
    await as(lin, 'PUT', '/api/v1/users/me', { phone: null })
    await world.drain()
    expect(sms.asked.map(({ body }) => body.to)).toEqual(['+8613800138001'])
  })
})

describe('addresses that prove unusable', () => {
  test('are not tried again until the person changes them', async () => {
    dead.add('lin@example.com')
    await mail({ user_ids: [lin.id] })
    await world.drain()
    await mail({ user_ids: [lin.id] })
    await world.drain()
    expect(await deliveries()).toMatchObject([{ state: 'failed' }, { state: 'suppressed', reason: 'address_unusable' }])
    const change = async (email: string) => {
      await as(lin, 'PUT', '/api/v1/users/me', { email })
      await world.drain()
      // The message about the change.
      smtp.mails.length = 0
    }
    await change('lin@new.example')
    await mail({ user_ids: [lin.id] })
    await world.drain()
    expect(recipients()).toEqual(['lin@new.example'])
    // Back to the old address: it was entered again, so it is tried again.
    dead.clear()
    await change('lin@example.com')
    await mail({ user_ids: [lin.id] })
    await world.drain()
    expect(recipients()).toEqual(['lin@example.com'])
  })

  test('are replaced by the next channel', async () => {
    dead.add('lin@example.com')
    await as(admin, 'PUT', `/api/v1/users/${lin.id}/contacts/wecom`, { member_id: 'lin' })
    await as(admin, 'POST', '/api/v1/notification-types', custom)
    await as(admin, 'POST', '/api/v1/broadcasts', {
      ...{ type: 'notice.closing', data: custom.sample, condition: { kind: 'users', ids: [lin.id] } },
    })
    await world.drain()
    expect(await deliveries()).toMatchObject([
      { channel: 'email', state: 'failed' },
      { channel: 'im', state: 'sent' },
    ])
  })
})
