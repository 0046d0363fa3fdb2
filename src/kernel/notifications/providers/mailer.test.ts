import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BrokenSmtp, startBrokenSmtp } from '../../../../test/support/fakes/brokenSmtp.ts'
import { smtpMailer } from './mailer.ts'
import type { Provider, ProviderMessage } from './provider.ts'

const mail: ProviderMessage = {
  id: 7,
  at: new Date('2026-03-14T01:00:00Z'),
  to: 'lin@example.com',
  toName: '林',
  subject: '预约成功',
  text: '您已预约',
}

let server: BrokenSmtp
let mailer: Provider
beforeEach(async () => {
  server = await startBrokenSmtp()
  mailer = smtpMailer(`smtp://127.0.0.1:${server.port}`, 'Yuyue <no-reply@gym.example>', 5000, 500)
})
afterEach(async () => {
  await mailer.close()
  await server.close()
})

describe('a refusal of the recipient', () => {
  test.each([
    ['550 no such mailbox', 'address'],
    ['551 unknown user', 'address'],
    ['550 5.1.1 user unknown in relay recipient table', 'address'],
    ['553 5.1.3 bad address syntax', 'address'],
    ['550 5.1.10 null MX', 'address'],
    ['554 5.1.1 no such person', 'address'],
  ])('%s speaks against the address: %s', (line, kind) => refusedAs(line, kind))

  test.each([
    ['550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org', 'ours'],
    ['550 5.7.26 unauthenticated mail is not accepted', 'ours'],
    ['554 5.7.1 relay access denied', 'ours'],
    ['550 relaying denied', 'ours'],
    ['550 5.4.1 relay not permitted', 'ours'],
    ['550 your host is on our blacklist', 'ours'],
    ['550 rejected by policy', 'ours'],
    ['553 5.1.8 bad sender system', 'ours'],
  ])('%s speaks against us: %s', (line, kind) => refusedAs(line, kind))

  test.each([
    ['550 5.2.1 mailbox disabled for now', 'message'],
    ['552 5.2.2 mailbox full', 'message'],
    ['554 transaction failed', 'message'],
  ])('%s speaks against this mail alone: %s', (line, kind) => refusedAs(line, kind))

  async function refusedAs(line: string, kind: string): Promise<void> {
    server.break('RCPT', line)
    await expect(mailer.send(mail)).rejects.toMatchObject({ kind })
  }
})

describe('a mail that the server has received completely', () => {
  test.each(['hang', 'close'])('may have been accepted if the server does not answer (%s)', async (fault) => {
    server.break('mail', fault)
    await expect(mailer.send(mail)).rejects.toMatchObject({ kind: 'unheard' })
  })

  test('has not been accepted if the server defers it', async () => {
    server.break('mail', '451 try later')
    await expect(mailer.send(mail)).rejects.toMatchObject({ kind: 'temporary' })
  })

  test('does not block other mails while the server is slow, and is given up when the mailer closes', async () => {
    const patient = smtpMailer(`smtp://127.0.0.1:${server.port}`, 'a@b.example')
    server.break('mail')
    const thoughtAbout = patient.send(mail).catch((error: unknown) => error)
    await expect.poll(() => server.mails).toBe(1)
    server.break()
    await patient.send({ ...mail, id: 8 })
    expect(server.taken).toBe(1)
    await patient.close()
    expect(await thoughtAbout).toMatchObject({ kind: 'unheard' })
  })
})

test.each(['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA'] as const)(
  'a server that hangs up at %s has taken nothing',
  async (stage) => {
    server.break(stage, 'close')
    await expect(mailer.send(mail)).rejects.toMatchObject({ kind: 'temporary' })
  },
)
