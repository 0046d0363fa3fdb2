import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { late } from '../../late.ts'
import { type Provider, type ProviderMessage, type RefusalKind, Refused } from './provider.ts'

const nodemailer = late<typeof import('nodemailer')>('nodemailer')

export interface MailerOptions {
  /** `smtp(s)://name:password@host:port`; without it mails go to files, in production nowhere. */
  readonly smtpUrl?: string | undefined
  /** `Yuyue <no-reply@example.com>` */
  readonly from: string
  readonly production: boolean
  /** `DATA_DIR/outbox` */
  readonly folder: string
}

/** The mailer a configuration asks for; undefined where mail can't leave. */
export function createMailer(options: MailerOptions): Provider | undefined {
  if (options.smtpUrl !== undefined) return smtpMailer(options.smtpUrl, options.from)
  return options.production ? undefined : fileMailer(options.folder, options.from)
}

/** One address and nothing else: in a list, a comma would make two recipients of it. */
const EMAIL = { lane: 'email', channel: 'email', address: /^[^\s@,;<>"]+@[^\s@,;<>"]+$/ } as const

/** How long looking up the server, the connection and its greeting may take each, in milliseconds. */
const STEP_TIMEOUT_MS = 20_000
/** So many times that until the whole mail is handed over. */
const STEPS = 6
/** How long the server may think about a mail it was handed: RFC 5321, 4.5.3.2.6. */
const ANSWER_TIMEOUT_MS = 10 * 60_000

/** Sends by SMTP over one connection that is kept while it is used; over a second one while the first waits for an answer. */
export function smtpMailer(
  url: string,
  from: string,
  stepTimeoutMs = STEP_TIMEOUT_MS,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
): Provider {
  /** What is to be done when the last byte of a mail has gone to the server. */
  const afterLastByte = new WeakMap<AbortSignal, () => void>()
  let opened: ReturnType<typeof open> | undefined
  const open = () => {
    const transport = nodemailer().createTransport({
      url,
      pool: true,
      maxConnections: 2,
      // Trying again is the courier's, which counts it.
      maxRequeues: 0,
      connectionTimeout: stepTimeoutMs,
      greetingTimeout: stepTimeoutMs,
      dnsTimeout: stepTimeoutMs,
      socketTimeout: answerTimeoutMs,
      idleTimeout: stepTimeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    // A pooled connection that breaks while nothing is sent must not end the process; the next mail opens another.
    transport.on('error', () => {})
    transport.use('stream', ({ data, message }, done) => {
      const after = data.signal && afterLastByte.get(data.signal)
      const open = message.createReadStream.bind(message)
      message.createReadStream = (options) => (after ? open(options).once('end', after) : open(options))
      done()
    })
    return transport
  }
  return {
    ...EMAIL,
    name: 'smtp',
    rings: true,
    async send(mail) {
      const patience = new AbortController()
      let timer = setTimeout(() => patience.abort(), STEPS * stepTimeoutMs)
      let handedOver = false
      afterLastByte.set(patience.signal, () => {
        handedOver = true
        clearTimeout(timer)
        timer = setTimeout(() => patience.abort(), answerTimeoutMs)
      })
      try {
        opened ??= open()
        const sent = await opened.sendMail({ ...envelope(mail, from), signal: patience.signal })
        return { providerId: sent.messageId }
      } catch (error) {
        throw refusal(error, handedOver)
      } finally {
        clearTimeout(timer)
      }
    },
    async close() {
      opened?.close({ force: true })
    },
  }
}

/** Writes each mail into a folder instead of sending it: `20260314T013000Z-42.eml`. The same mail is the same file. */
export function fileMailer(folder: string, from: string): Provider {
  const built = (mail: ProviderMessage) =>
    nodemailer()
      .createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
      .sendMail({ ...envelope({ ...mail, html: undefined }, from), date: mail.at })
  return {
    ...EMAIL,
    name: 'file',
    rings: false,
    async send(mail) {
      const { message } = await built(mail)
      const file = `${mail.at.toISOString().replace(/[-:]|\.\d+/g, '')}-${mail.id}.eml`
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFile(join(folder, `${file}.part`), legible(String(message), mail.text), { mode: 0o600 })
      await rename(join(folder, `${file}.part`), join(folder, file))
      return { providerId: file }
    },
    async close() {},
  }
}

/** The body as it is, so that a person can read the file. */
function legible(message: string, text: string): string {
  const head = message.slice(0, message.indexOf('\r\n\r\n')).replace(/^(Content-Transfer-Encoding: ).*$/im, '$18bit')
  return `${head}\r\n\r\n${text.replace(/\r?\n/g, '\r\n')}\r\n`
}

function envelope(mail: ProviderMessage, from: string) {
  const domain = /@([\w.-]+)>?\s*$/.exec(from)?.[1] ?? 'localhost'
  return {
    from,
    // As an object: in a text, a comma would make two recipients of it.
    to: { name: mail.toName, address: mail.to },
    subject: mail.subject,
    text: mail.text,
    ...(mail.html !== undefined && { html: mail.html }),
    messageId: `<yuyue.${mail.id}.${mail.at.getTime()}@${domain}>`,
    headers: {
      'Auto-Submitted': 'auto-generated',
      // RFC 8058: mail programs show a button that posts to the link.
      ...(mail.unsubscribeUrl !== undefined && {
        'List-Unsubscribe': `<${mail.unsubscribeUrl}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      }),
    },
  }
}

/** Says of an error of nodemailer whether another try can help. `handedOver`: the server had the whole mail. */
function refusal(error: unknown, handedOver: boolean): Refused {
  if (!(error instanceof Error)) return new Refused(String(error), 'temporary')
  const code = 'code' in error ? String(error.code) : ''
  const command = 'command' in error ? String(error.command) : ''
  const status = 'responseCode' in error ? Number(error.responseCode) : Number.NaN
  // A log-in that is refused or missing says something of our account, not of this mail.
  if (code === 'EAUTH' || [530, 534, 535, 538].includes(status)) return new Refused(error.message, 'ours')
  if (Number.isNaN(status)) {
    const otherwise = handedOver ? 'unheard' : 'temporary'
    return new Refused(error.message, code === 'EENVELOPE' ? 'message' : otherwise)
  }
  if (status < 500) return new Refused(error.message, 'temporary')
  if (command.startsWith('RCPT')) return new Refused(error.message, refusedRecipient(status, error.message))
  // Who refuses to talk to us, or to take anything from our sender, says nothing of this mail; 552 is its size.
  const aboutUs = command.startsWith('MAIL') ? status !== 552 : !command.startsWith('DATA')
  return new Refused(error.message, aboutUs ? 'ours' : 'message')
}

/**
 * What a refusal of the recipient speaks against. RFC 3463 says it: 5.1 the address (5.1.7 and 5.1.8 the sender's), 5.7 what we are allowed.
 * Without such a number the words must do: only where none of them is about us does the status mean an unknown mailbox.
 */
function refusedRecipient(status: number, said: string): RefusalKind {
  const [, subject, detail] = /\b5\d\d[ -]5\.(\d{1,3})\.(\d{1,3})\b/.exec(said) ?? []
  if (subject === '1') return detail === '7' || detail === '8' ? 'ours' : 'address'
  if (subject === '7' || /relay/i.test(said)) return 'ours'
  if (subject !== undefined) return 'message'
  if (ABOUT_US.test(said)) return 'ours'
  return [550, 551, 553].includes(status) ? 'address' : 'message'
}

const ABOUT_US = /\b(block|black|deny|denied|polic|reputation|spam|spf|dkim|dmarc|client host|rate|limit|authenticat)/i
