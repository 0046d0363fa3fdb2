import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { late } from '../../late.ts'
import { type Provider, type ProviderMessage, type RefusalKind, Refused } from './provider.ts'

const nodemailer = late<typeof import('nodemailer')>('nodemailer')

export interface MailerOptions {
  /** `smtp(s)://name:password@host:port`. Without it mails go to files; in production there is no mailer then. */
  readonly smtpUrl?: string | undefined
  /** `Yuyue <no-reply@example.com>` */
  readonly from: string
  readonly production: boolean
  /** `DATA_DIR/outbox` */
  readonly folder: string
}

/** Creates the configured mailer; undefined when none is configured (in production). */
export function createMailer(options: MailerOptions): Provider | undefined {
  if (options.smtpUrl !== undefined) return smtpMailer(options.smtpUrl, options.from)
  return options.production ? undefined : fileMailer(options.folder, options.from)
}

/** The pattern takes exactly one address: a comma would make two recipients of it. */
const EMAIL = { lane: 'email', channel: 'email', address: /^[^\s@,;<>"]+@[^\s@,;<>"]+$/ } as const

/** Time limit of each step before a mail: DNS look-up, connection, greeting. */
const STEP_TIMEOUT_MS = 20_000
/** A mail must be handed over completely within this many step time limits. */
const STEPS = 6
/** Time limit of the answer to a mail that was handed over (RFC 5321, 4.5.3.2.6). */
const ANSWER_TIMEOUT_MS = 10 * 60_000

/**
 * Sends by SMTP over one connection, which is kept open while it is used, and over a second one while the first waits
 * for an answer. Time limits are in milliseconds.
 */
export function smtpMailer(
  url: string,
  from: string,
  stepTimeoutMs = STEP_TIMEOUT_MS,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
): Provider {
  /** Callbacks for the moment when the last byte of a mail was sent, by the signal of the mail. */
  const afterLastByte = new WeakMap<AbortSignal, () => void>()
  let opened: ReturnType<typeof open> | undefined
  const open = () => {
    const transport = nodemailer().createTransport({
      url,
      pool: true,
      maxConnections: 2,
      // The courier retries, and counts its tries.
      maxRequeues: 0,
      connectionTimeout: stepTimeoutMs,
      greetingTimeout: stepTimeoutMs,
      dnsTimeout: stepTimeoutMs,
      socketTimeout: answerTimeoutMs,
      idleTimeout: stepTimeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    // Without a handler, an idle connection that breaks would end the process. The next mail opens another.
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

/** Writes each mail to a file instead of sending it: `20260314T013000Z-42.eml`. A repeated mail overwrites its file. */
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

/** Replaces the encoded body by the plain text, so that a person can read the file. */
function legible(message: string, text: string): string {
  const head = message.slice(0, message.indexOf('\r\n\r\n')).replace(/^(Content-Transfer-Encoding: ).*$/im, '$18bit')
  return `${head}\r\n\r\n${text.replace(/\r?\n/g, '\r\n')}\r\n`
}

function envelope(mail: ProviderMessage, from: string) {
  const domain = /@([\w.-]+)>?\s*$/.exec(from)?.[1] ?? 'localhost'
  return {
    from,
    // An object, because in a string a comma would make two recipients of it.
    to: { name: mail.toName, address: mail.to },
    subject: mail.subject,
    text: mail.text,
    ...(mail.html !== undefined && { html: mail.html }),
    messageId: `<yuyue.${mail.id}.${mail.at.getTime()}@${domain}>`,
    headers: {
      'Auto-Submitted': 'auto-generated',
      // RFC 8058: mail programs show an unsubscribe button that posts to the link.
      ...(mail.unsubscribeUrl !== undefined && {
        'List-Unsubscribe': `<${mail.unsubscribeUrl}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      }),
    },
  }
}

/** Converts an error of nodemailer to a refusal. `handedOver`: the server had received the whole mail. */
function refusal(error: unknown, handedOver: boolean): Refused {
  if (!(error instanceof Error)) return new Refused(String(error), 'temporary')
  const code = 'code' in error ? String(error.code) : ''
  const command = 'command' in error ? String(error.command) : ''
  const status = 'responseCode' in error ? Number(error.responseCode) : Number.NaN
  // A refused or missing log-in is a fault of our account, not of this mail.
  if (code === 'EAUTH' || [530, 534, 535, 538].includes(status)) return new Refused(error.message, 'ours')
  if (Number.isNaN(status)) {
    const otherwise = handedOver ? 'unheard' : 'temporary'
    return new Refused(error.message, code === 'EENVELOPE' ? 'message' : otherwise)
  }
  if (status < 500) return new Refused(error.message, 'temporary')
  if (command.startsWith('RCPT')) return new Refused(error.message, refusedRecipient(status, error.message))
  // Connection and sender refusals are not about this mail; 552 means it is too large.
  const aboutUs = command.startsWith('MAIL') ? status !== 552 : !command.startsWith('DATA')
  return new Refused(error.message, aboutUs ? 'ours' : 'message')
}

/**
 * The kind of refusal when the server refuses the recipient. The enhanced status code (RFC 3463) decides: 5.1 is about
 * the address (5.1.7 and 5.1.8: the sender's address), 5.7 about our permissions. Without such a code the text decides:
 * the status means an unknown mailbox only if no word of the text is about us.
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
