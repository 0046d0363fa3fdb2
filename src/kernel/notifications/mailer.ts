import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'

/** One mail to one person. */
export interface Mail {
  /** The delivery's id: the same for every try. */
  readonly id: number
  /** When the delivery was made; with `id` it names the mail. */
  readonly at: Date
  readonly to: string
  readonly toName: string
  readonly subject: string
  readonly text: string
}

/** The way mail leaves. */
export interface Mailer {
  /**
   * Hands a mail over; answers the name under which the other side has it.
   * @throws MailRefused
   */
  send(mail: Mail): Promise<{ readonly providerId: string }>
  close(): Promise<void>
}

/** The mail was not taken. */
export class MailRefused extends Error {
  /** True when another try can't help: no such mailbox, refused for good. */
  readonly permanent: boolean

  constructor(reason: string, permanent: boolean) {
    super(reason)
    this.name = 'MailRefused'
    this.permanent = permanent
  }
}

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
export function createMailer(options: MailerOptions): Mailer | undefined {
  if (options.smtpUrl !== undefined) return smtpMailer(options.smtpUrl, options.from)
  return options.production ? undefined : fileMailer(options.folder, options.from)
}

/** How long each step of a conversation may take, in milliseconds. */
const STEP_TIMEOUT_MS = 20_000

/** Sends by SMTP over one connection that is kept while it is used. */
export function smtpMailer(url: string, from: string, stepTimeoutMs = STEP_TIMEOUT_MS): Mailer {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: 1,
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
export function fileMailer(folder: string, from: string): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  return {
    async send(mail) {
      const built = await transport.sendMail({ ...envelope(mail, from), date: mail.at })
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

function envelope(mail: Mail, from: string) {
  const domain = /@([\w.-]+)>?\s*$/.exec(from)?.[1] ?? 'localhost'
  return {
    from,
    // As an object: in a text, a comma would make two recipients of it.
    to: { name: mail.toName, address: mail.to },
    subject: mail.subject,
    text: mail.text,
    messageId: `<yuyue.${mail.id}.${mail.at.getTime()}@${domain}>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}

/** Says of an error of nodemailer whether another try can help. */
function refusal(error: unknown): MailRefused {
  if (!(error instanceof Error)) return new MailRefused(String(error), false)
  const code = 'code' in error ? String(error.code) : ''
  const status = 'responseCode' in error ? Number(error.responseCode) : undefined
  // A log-in that is refused or missing says something of our account, not of this mail.
  const ours = code === 'EAUTH' || (status !== undefined && [530, 534, 535, 538].includes(status))
  const permanent = !ours && (status === undefined || Number.isNaN(status) ? code === 'EENVELOPE' : status >= 500)
  // Servers repeat the address in their answers.
  const reason = error.message.replace(/[^\s<>"']+@[^\s<>"']+/g, '***').slice(0, 300)
  return new MailRefused(reason, permanent)
}
