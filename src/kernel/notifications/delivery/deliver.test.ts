import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SMTPServerOptions } from 'smtp-server'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startSmtp } from '../../../../test/support/fakes/smtp.ts'
import { courierOf, fakeProvider, messageOptions, relayOf } from '../../../../test/support/messages.ts'
import { addUser, openWorld } from '../../../../test/support/world.ts'
import { notify } from '../../outbox/outbox.ts'
import { createMailer, fileMailer, smtpMailer } from '../providers/mailer.ts'
import type { Provider } from '../providers/provider.ts'
import type { Courier } from './deliver.ts'
import { reconsider } from './deliveryStore.ts'

const world = await openWorld({}, messageOptions())
const lin = await addUser(world, '林', 'lin@example.com')
beforeEach(() => world.clock.set(new Date('2026-03-14T01:00:00Z')))
afterEach(() =>
  world.rows(
    'TRUNCATE delivery_attempts, deliveries, notification_messages, suppressions, notification_pace RESTART IDENTITY',
  ),
)
afterAll(() => world.close())

async function queue(type = 'booking.confirmed'): Promise<void> {
  const data = { place: '羽毛球馆', time: '09:00', note: '' }
  await notify(world.kernel.db, world.clock.now(), { type, userIds: [lin], data })
  await relayOf(world).drain()
}

const delivery = async () =>
  (await world.rows('SELECT state, reason, attempts, provider_id FROM deliveries ORDER BY id'))[0]

const refuse = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode })

/** Runs `work` with a courier that uses a server of this kind. */
async function withSmtp(
  options: SMTPServerOptions,
  work: (courier: Courier, mails: string[], mailer: Provider) => Promise<void>,
): Promise<void> {
  const server = await startSmtp(options)
  const mailer = smtpMailer(server.url, 'Yuyue <no-reply@gym.example>', 1000)
  try {
    await work(courierOf(world, mailer), server.mails, mailer)
  } finally {
    await mailer.close()
    await server.close()
  }
}

describe('a mail', () => {
  test('is handed to the SMTP server once', () =>
    withSmtp({}, async (courier, mails) => {
      await queue()
      expect(await courier.drain()).toBe(1)
      expect(await courier.drain()).toBe(0)
      expect(mails).toHaveLength(1)
      expect(mails[0]).toMatch(/^From: Yuyue <no-reply@gym.example>\r$/m)
      expect(mails[0]).toMatch(/^To: =\?UTF-8\?B\?5p6X\?= <lin@example.com>\r$/m)
      const messageId = /^Message-ID: (.*)\r$/m.exec(mails[0] ?? '')?.[1]
      expect(messageId).toBe('<yuyue.1.1773450000000@gym.example>')
      expect(await delivery()).toEqual({ state: 'sent', reason: null, attempts: 1, provider_id: messageId })
    }))

  test('that is deferred (4xx) is sent later with the same Message-ID, and no sooner', async () => {
    let busy = true
    await withSmtp(
      { onRcptTo: (_address, _session, done) => done(busy ? refuse(451, 'try later, lin@example.com') : null) },
      async (courier, mails) => {
        await queue()
        expect(await courier.drain()).toBe(1)
        expect(await delivery()).toMatchObject({
          state: 'queued',
          attempts: 1,
          reason: expect.stringContaining('451 try later, ***'),
        })
        busy = false
        world.clock.advance(0.3)
        expect(await courier.drain()).toBe(0)
        world.clock.advance(0.4)
        expect(await courier.drain()).toBe(1)
        expect(mails[0]).toContain('Message-ID: <yuyue.1.1773450000000@gym.example>')
        expect(await delivery()).toMatchObject({ state: 'sent', attempts: 2, reason: null })
      },
    )
  })

  test('is sent once when the server takes longer than a step may take', async () => {
    const mails: string[] = []
    const slow = (text: string, done: () => void) => {
      mails.push(text)
      setTimeout(done, 1500)
    }
    await withSmtp(
      { onData: (stream, _session, done) => void stream.toArray().then((parts) => slow(parts.join(''), done)) },
      async (courier) => {
        await queue()
        await courier.drain()
        expect(await delivery()).toMatchObject({ state: 'sent', attempts: 1 })
        expect(mails).toHaveLength(1)
      },
    )
  })

  test('that is refused permanently (5xx) is given up at once with the reason', () =>
    withSmtp(
      { onRcptTo: (_address, _session, done) => done(refuse(550, 'no such mailbox')) },
      async (courier, mails) => {
        await queue()
        expect(await courier.drain()).toBe(1)
        expect(await delivery()).toMatchObject({
          state: 'failed',
          attempts: 1,
          reason: expect.stringContaining('550 no such mailbox'),
        })
        world.clock.advance(60 * 24)
        expect(await courier.drain()).toBe(0)
        expect(mails).toEqual([])
      },
    ))

  test.each([
    ['refused', 'name:wrong@'],
    ['missing', ''],
  ])('is not given up because our own log-in is %s', async (_, login) => {
    const server = await startSmtp({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (_auth, _session, done) => done(refuse(535, 'who is that')),
    })
    const mailer = smtpMailer(server.url.replace('//', `//${login}`), 'a@b.example', 1000)
    await queue()
    await courierOf(world, mailer).drain()
    expect(await delivery()).toMatchObject({ state: 'queued', attempts: 1, reason: expect.stringMatching('535|530') })
    expect(JSON.stringify([await delivery(), world.lines])).not.toContain('wrong')
    await mailer.close()
    await server.close()
  })

  test('that a killed process had claimed is sent by another after five minutes', () =>
    withSmtp({}, async (courier, mails) => {
      await queue()
      const started = Promise.withResolvers<void>()
      const killed = courierOf(
        world,
        fakeProvider(() => {
          started.resolve()
          return new Promise(() => {})
        }),
      )
      void killed.drain()
      await started.promise
      expect(await courier.drain()).toBe(0)
      world.clock.advance(5)
      expect(await courier.drain()).toBe(1)
      expect(mails).toHaveLength(1)
      expect(await delivery()).toMatchObject({ state: 'sent', attempts: 1 })
    }))

  test('that is claimed after quiet hours is not rescheduled by another policy', async () => {
    world.clock.set(new Date('2026-03-14T15:00:00Z'))
    await queue()
    expect(await delivery()).toMatchObject({ state: 'queued', reason: 'quiet_hours' })
    world.clock.set(new Date('2026-03-15T00:00:00Z'))
    const started = Promise.withResolvers<void>()
    const slow = courierOf(
      world,
      fakeProvider(() => {
        started.resolve()
        return new Promise(() => {})
      }),
    )
    void slow.drain()
    await started.promise
    await reconsider(world.kernel.db, world.clock.now())
    expect(
      await courierOf(
        world,
        fakeProvider(async () => ({ providerId: 'twice' })),
      ).drain(),
    ).toBe(0)
  })

  test('recorded late does not overwrite the later record of another process', async () => {
    await queue()
    const late = Promise.withResolvers<{ providerId: string }>()
    const started = Promise.withResolvers<void>()
    const slow = courierOf(
      world,
      fakeProvider(() => {
        started.resolve()
        return late.promise
      }),
    )
    const slowDone = slow.drain()
    await started.promise
    world.clock.advance(6)
    await courierOf(
      world,
      fakeProvider(async () => ({ providerId: 'second' })),
    ).drain()
    late.reject(new Error('too late'))
    await slowDone
    expect(await delivery()).toMatchObject({ state: 'sent', provider_id: 'second' })
  })

  test('goes to no other recipient, whatever the address contains', async () => {
    await world.rows(`UPDATE users SET email = 'a@example.com,b@example.com' WHERE id = ${lin}`)
    await queue()
    await courierOf(
      world,
      fakeProvider(() => Promise.reject(new Error('sent'))),
    ).drain()
    expect(await delivery()).toMatchObject({ state: 'failed', reason: 'bad_address' })
    await world.rows(`UPDATE users SET email = 'lin@example.com' WHERE id = ${lin}`)
  })

  test('is skipped with the reason where mail cannot be sent', async () => {
    const mailer = createMailer({ smtpUrl: undefined, from: 'a@b.example', production: true, folder: '/nowhere' })
    expect(mailer).toBeUndefined()
    const data = { place: '羽毛球馆', time: '09:00', note: '' }
    await notify(world.kernel.db, world.clock.now(), { type: 'booking.confirmed', userIds: [lin], data })
    await relayOf(world, { providers: [] }).drain()
    expect(await delivery()).toMatchObject({ state: 'skipped', reason: 'not_configured' })
  })
})

describe('without an SMTP server, in development', () => {
  test('a mail is written to a readable file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outbox-'))
    const mailer = fileMailer(join(folder, 'outbox'), 'Yuyue <no-reply@localhost>')
    await queue()
    await courierOf(world, mailer).drain()
    const files = await readdir(join(folder, 'outbox'))
    expect(files).toEqual(['20260314T010000Z-1.eml'])
    const path = join(folder, 'outbox', files[0] ?? '')
    const [head = '', ...parts] = (await readFile(path, 'utf8')).split('\r\n\r\n')
    const body = parts.join('\r\n\r\n')
    expect(head).toContain('To: =?UTF-8?B?5p6X?= <lin@example.com>')
    expect(head).toContain('Date: Sat, 14 Mar 2026 01:00:00 +0000')
    expect(head).toContain('Content-Type: text/plain; charset=utf-8')
    expect(head).toContain('Content-Transfer-Encoding: 8bit')
    expect(body).toMatch(/^您已预约 羽毛球馆，09:00。\r\n\r\n--\r\n退订此类邮件: http\S+\/u\/\S+\r\n$/)
    expect((await stat(path)).mode & 0o077).toBe(0)
    expect(await delivery()).toMatchObject({ state: 'sent', provider_id: files[0] })
    await rm(folder, { recursive: true })
  })
})
