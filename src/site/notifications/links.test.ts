import { describe, expect, test } from 'vitest'
import {
  admin,
  as,
  deliveries,
  lin,
  mail,
  openEngine,
  recipients,
  sendAlarm,
  smtp,
  world,
} from '../../../test/support/engine.ts'
import { bodyText, header } from '../../../test/support/fakes/smtp.ts'
import { addSlot, addVenue } from '../../../test/support/venue.ts'

openEngine()

interface Form {
  readonly type: string
  readonly body: string
}
const urlEncoded: Form = { type: 'application/x-www-form-urlencoded', body: 'List-Unsubscribe=One-Click' }
const multipart = (name: string, value: string, boundary = 'boundary-of-a-mail-provider'): Form => ({
  type: `multipart/form-data; boundary=${boundary}`,
  body: `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n--${boundary}--\r\n`,
})
const oneClick = (url: string, form: Form | undefined) =>
  world.app.inject({
    ...{ method: 'POST', url },
    ...(form && { payload: form.body, headers: { 'content-type': form.type } }),
  })

describe('links in mails', () => {
  async function oneMail(to: object = { user_ids: [lin.id] }) {
    await mail(to, '通知', '见 https://gym.example/news?a=1&b=2 。')
    await world.drain()
    const text = bodyText(smtp.mails.at(-1) ?? '')
    const path = (kind: string) => new RegExp(`https://gym\\.example(/${kind}/[\\w.-]+)`).exec(text)?.[1] ?? ''
    return { raw: smtp.mails.at(-1) ?? '', open: path('o'), click: path('t'), unsubscribe: path('u') }
  }

  test('record opens and clicks, and redirect only to our own targets', async () => {
    const links = await oneMail()
    expect(await world.call('GET', links.open)).toMatchObject({ status: 200, headers: { 'content-type': 'image/png' } })
    expect(await deliveries()).toMatchObject([{ state: 'opened' }])
    const followed = await world.call('GET', links.click)
    expect(followed).toMatchObject({ status: 302, headers: { location: 'https://gym.example/news?a=1&b=2' } })
    await world.call('GET', links.click)
    expect(await deliveries()).toMatchObject([{ state: 'clicked' }])
    const forged = `/t/${Buffer.from('1 https://evil.example').toString('base64url')}.${'A'.repeat(43)}`
    expect((await world.call('GET', forged)).status).toBe(404)
    expect(
      (
        await world.call(
          'GET',
          links.click.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
        )
      ).status,
    ).toBe(404)
    // A token is valid only for its kind.
    expect((await world.call('GET', links.unsubscribe.replace('/u/', '/t/'))).status).toBe(404)
    const { body } = await as(admin, 'GET', '/api/admin/notifications/stats?channel=email')
    expect(body.items).toMatchObject([
      { day: '2026-03-02', type: 'notice.direct', sent: 1, opened: 1, clicked: 1, open_rate: 1, unsubscribe_rate: 0 },
    ])
  })

  test('are counted from the earliest possible day when a month before the last lies before it', async () => {
    const { body } = await as(admin, 'GET', '/api/admin/notifications/stats?to=1900-01-05')
    expect(body).toEqual({ from: '1900-01-01', to: '1900-01-05', items: [] })
  })

  test('unsubscribe with one click, repeatably, without a log-in; viewing changes nothing', async () => {
    const links = await oneMail()
    const url = /<(.*)>/.exec(header(links.raw, 'List-Unsubscribe'))?.[1] ?? ''
    expect(url).toBe(`https://gym.example${links.unsubscribe}`)
    expect(header(links.raw, 'List-Unsubscribe-Post')).toBe('List-Unsubscribe=One-Click')
    expect((await world.call('GET', links.unsubscribe)).body).toContain('<form method="post"')
    await oneMail()
    expect(smtp.mails).toHaveLength(2)
    for (let n = 0; n < 2; n += 1) expect((await oneClick(links.unsubscribe, urlEncoded)).statusCode).toBe(200)
    await oneMail()
    expect(smtp.mails).toHaveLength(2)
    expect(await world.inbox(lin)).toHaveLength(3)
    const { body } = await as(admin, 'GET', '/api/admin/notifications/stats?channel=email')
    expect(body.items).toMatchObject([{ sent: 2, skipped: 1, unsubscribed: 1 }])
    expect((await world.call('POST', '/u/nonsense.token')).status).toBe(404)
  })

  test.each([
    ['a URL-encoded form', urlEncoded],
    ['a multipart form', multipart('List-Unsubscribe', 'One-Click')],
    ['a multipart form with a short boundary', multipart('List-Unsubscribe', 'One-Click', 'b')],
    ['no body', undefined],
    ['plain text', { type: 'text/plain', body: 'List-Unsubscribe=One-Click' }],
    ['bytes', { type: 'application/octet-stream', body: '\u0000\ufffd' }],
    ['JSON that is none', { type: 'application/json', body: '{' }],
    ['a field that is none of ours', multipart('more', 'x')],
    ['a scope that there is not', multipart('scope', 'some')],
    ['a form without a boundary', { type: 'multipart/form-data', body: 'x' }],
  ])('unsubscribe by a post of %s', async (_, form) => {
    const links = await oneMail()
    expect((await oneClick(links.unsubscribe, form)).statusCode).toBe(200)
    await oneMail()
    expect(smtp.mails).toHaveLength(1)
  })

  test.each([
    ['URL-encoded', { type: 'application/x-www-form-urlencoded', body: 'scope=all' }],
    ['multipart', multipart('scope', 'all')],
    ['JSON', { type: 'application/json', body: '{"scope": "all"}' }],
  ])('unsubscribe from everything by a form that says so: %s', async (_, form) => {
    const links = await oneMail()
    expect((await oneClick(links.unsubscribe, form)).statusCode).toBe(200)
    expect(await world.rows(`SELECT type FROM notification_preferences WHERE user_id = ${lin.id}`)).toEqual([
      { type: '*' },
    ])
  })

  test('unsubscribe from all optional mails, not from mandatory ones', async () => {
    const links = await oneMail()
    await world.call('POST', `${links.unsubscribe}?scope=all`)
    const slot = await addSlot(world, await addVenue(world), { hour: 11 })
    await as(lin, 'POST', '/api/v1/reservations', { time_slot_id: slot })
    await world.drain()
    expect(smtp.mails).toHaveLength(1)
    const [reservation] = await world.rows<{ id: number }>('SELECT max(id) AS id FROM reservations')
    await as(admin, 'DELETE', `/api/v1/reservations/${reservation?.id}?reason=x`)
    await world.drain()
    expect((await world.inbox(lin)).map(({ type }) => type)).toContain('reservation.cancelled_by_staff')
    expect(smtp.mails).toHaveLength(2)
  })

  test('of a bare address that a user has also unsubscribe that user from optional mails', async () => {
    const links = await oneMail({ addresses: ['lin@example.com'] })
    await world.call('POST', links.unsubscribe)
    await oneMail({ addresses: ['lin@example.com'] })
    await oneMail({ user_ids: [lin.id] })
    expect(smtp.mails).toHaveLength(1)
    await sendAlarm()
    expect(smtp.mails).toHaveLength(2)
    // Their preferences show it, and can undo it.
    const path = '/api/v1/users/me/notification-preferences'
    const { items } = (await as(lin, 'GET', path)).body
    const off = items.filter(({ channels }: { channels: { email: boolean } }) => !channels.email)
    expect(off.map(({ type }: { type: string }) => type)).toContain('notice.direct')
    await as(lin, 'PUT', path, { items: [{ type: 'notice.direct', channel: 'email', enabled: true }] })
    await oneMail({ user_ids: [lin.id] })
    expect(smtp.mails).toHaveLength(3)
  })

  test('of a bare address stop all mails to it', async () => {
    const links = await oneMail({ addresses: ['guest@example.com'] })
    await world.call('POST', links.unsubscribe)
    await oneMail({ addresses: ['guest@example.com', 'other@example.com'] })
    expect(recipients()).toEqual(['guest@example.com', 'other@example.com'])
    expect((await as(admin, 'GET', '/api/admin/notifications/suppressions')).body.items).toMatchObject([
      { channel: 'email', address: 'g***@example.com', reason: 'unsubscribed' },
    ])
  })
})
