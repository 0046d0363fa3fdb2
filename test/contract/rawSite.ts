import { connect } from 'node:net'
import type { App } from '../../src/kernel/http/app.ts'
import type { RawAnswer } from './envelopes.ts'

/** A listening process that accepts raw bytes. */
export interface RawSite {
  /** Sends a request without a body: the first line unchanged, a Host header, and these headers. */
  send(requestLine: string, ...headers: readonly string[]): Promise<RawAnswer>
  /** Sends bytes; returns everything that was received until the server hung up. */
  speak(bytes: string | Buffer): Promise<string>
}

/** Milliseconds after which the client gives up on a server that does not hang up. */
const PATIENCE = 5000

/** Listens on a free port; closing the application ends it. */
export async function rawSite(app: App): Promise<RawSite> {
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))

  const speak = (bytes: string | Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const parts: Buffer[] = []
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes))
      const tooLate = setTimeout(() => {
        socket.destroy()
        reject(new Error(`neither answered nor hung up within ${PATIENCE} ms`))
      }, PATIENCE)
      socket.on('data', (part) => parts.push(part))
      // Some tests make the server hang up while the client still writes.
      socket.on('error', () => {})
      socket.on('close', () => {
        clearTimeout(tooLate)
        resolve(Buffer.concat(parts).toString())
      })
    })

  return {
    speak,
    async send(requestLine, ...headers) {
      const lines = [requestLine, 'Host: localhost', 'Connection: close', ...headers]
      return parsed(await speak(`${lines.join('\r\n')}\r\n\r\n`))
    },
  }
}

/** The first answer of a connection. */
function parsed(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [status = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const body = rest.join('\r\n\r\n')
  const isChunked = headers['transfer-encoding'] === 'chunked'
  return { statusCode: Number(status.split(' ')[1] ?? 0), headers, body: isChunked ? unchunked(body) : body }
}

function unchunked(body: string): string {
  const chunks = body.split('\r\n')
  return chunks.filter((_, index) => index % 2 === 1).join('')
}
