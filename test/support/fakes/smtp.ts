import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** A real SMTP server on a free port that keeps the mails it receives. */
export interface FakeSmtp {
  /** The raw mails, in the order of arrival. */
  readonly mails: string[]
  readonly url: string
  close(): Promise<void>
}

/** Starts an SMTP server; `options` change its answers. */
export async function startSmtp(options: SMTPServerOptions = {}): Promise<FakeSmtp> {
  const mails: string[] = []
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    onData(stream, _session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString())
        done()
      })
    },
    ...options,
  })
  // Tests cut connections on purpose.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    mails,
    url: `smtp://127.0.0.1:${port}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

/** The unfolded value of a header of a mail; '' if it has none. */
export function header(mail: string, name: string): string {
  const head = mail.slice(0, mail.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ')
  return new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1] ?? ''
}

/** The decoded text of the parts of a mail. */
export function bodyText(mail: string): string {
  const parts = mail.split(/^Content-Transfer-Encoding: /m).slice(1)
  const texts = parts.map((part) => {
    const [encoding = '', ...rest] = part.split('\r\n')
    const body =
      rest
        .slice(rest.indexOf('') + 1)
        .join('\r\n')
        .split(/\r\n--+_NmP/)[0] ?? ''
    if (encoding.startsWith('base64')) return Buffer.from(body, 'base64').toString()
    const bytes = body
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    return encoding.startsWith('quoted') ? Buffer.from(bytes, 'latin1').toString() : body
  })
  return texts.join('\n')
}
