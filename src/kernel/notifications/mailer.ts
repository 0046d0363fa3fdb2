import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { type Parcel, type Provider, Refused } from './provider.ts'

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

/** How long each step of a conversation may take, in milliseconds. */
const STEP_TIMEOUT_MS = 20_000

/** Sends by SMTP over one connection that is kept while it is used. */
export function smtpMailer(url: string, from: string, stepTimeoutMs = STEP_TIMEOUT_MS): Provider {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: 1,
    // Trying again is the courier's, which counts it.
    maxRequeues: 0,
    connectionTimeout: stepTimeoutMs,
    greetingTimeout: stepTimeoutMs,
    socketTimeout: stepTimeoutMs,
    dnsTimeout: stepTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  // A pooled connection that breaks while nothing is sent must not end the process; the next mail opens another.
  transport.on('error', () => {})
  return {
    ...EMAIL,
    name: 'smtp',
    rings: true,
    async send(mail) {
      try {
        const sent = await transport.sendMail(envelope(mail, from))
        return { providerId: sent.messageId }
      } catch (error) {
        throw refusal(error)
      }
    },
    async close() {
      transport.close()
    },
  }
}

/** Writes each mail into a folder instead of sending it: `20260314T013000Z-42.eml`. The same mail is the same file. */
export function fileMailer(folder: string, from: string): Provider {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  return {
    ...EMAIL,
    name: 'file',
    rings: false,
    async send(mail) {
      const built = await transport.sendMail({ ...envelope({ ...mail, html: undefined }, from), date: mail.at })
      const file = `${mail.at.toISOString().replace(/[-:]|\.\d+/g, '')}-${mail.id}.eml`
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFile(join(folder, `${file}.part`), legible(String(built.message), mail.text), { mode: 0o600 })
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

function envelope(mail: Parcel, from: string) {
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

/** Says of an error of nodemailer whether another try can help. */
function refusal(error: unknown): Refused {
  if (!(error instanceof Error)) return new Refused(String(error), 'temporary')
  const code = 'code' in error ? String(error.code) : ''
  const command = 'command' in error ? String(error.command) : ''
  const status = 'responseCode' in error ? Number(error.responseCode) : Number.NaN
  // A log-in that is refused or missing says something of our account, not of this mail.
  if (code === 'EAUTH' || [530, 534, 535, 538].includes(status)) return new Refused(error.message, 'ours')
  if (Number.isNaN(status)) return new Refused(error.message, code === 'EENVELOPE' ? 'message' : 'temporary')
  if (status < 500) return new Refused(error.message, 'temporary')
  // Who refuses to talk to us, or to take anything from our sender, says nothing of this mail; 552 is its size.
  const aboutUs = command.startsWith('MAIL') ? status !== 552 : !/^(RCPT|DATA)/.test(command)
  if (aboutUs) return new Refused(error.message, 'ours')
  // Only what the server says of the recipient speaks against the address.
  const unknownMailbox = command.startsWith('RCPT') && [550, 551, 553].includes(status)
  return new Refused(error.message, unknownMailbox ? 'address' : 'message')
}
