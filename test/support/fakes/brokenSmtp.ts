import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** The stage at which the server fails: at the greeting, at a command, or after the mail itself. */
export type Stage = 'greeting' | 'EHLO' | 'STARTTLS' | 'MAIL' | 'RCPT' | 'DATA' | 'mail'

/** The server stops answering, closes the connection, or answers with this line. */
export type Fault = 'hang' | 'close' | (string & {})

export interface BrokenSmtp {
  readonly port: number
  /** Number of mails that were received completely. */
  readonly mails: number
  /** Number of mails that were accepted. */
  readonly taken: number
  /** Makes the server fail at this stage from now on; without a stage it works. */
  break(stage?: Stage, fault?: Fault): void
  close(): Promise<void>
}

/** Starts an SMTP server that can fail at one stage of every conversation. It stores no mail. */
export async function startBrokenSmtp(): Promise<BrokenSmtp> {
  const sockets = new Set<Socket>()
  let broken: { readonly stage: Stage; readonly fault: Fault } | undefined
  let mails = 0
  let taken = 0

  /** Answers at a stage, or fails there. */
  const answer = (socket: Socket, stage: Stage, usual: string) => {
    const fault = broken?.stage === stage ? broken.fault : undefined
    if (fault === 'hang') return
    if (fault === 'close') return void socket.destroy()
    if (fault === undefined && stage === 'mail') taken += 1
    socket.write(`${fault ?? usual}\r\n`)
  }
  const converse = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    let text = ''
    let inMail = false
    answer(socket, 'greeting', '220 fake ESMTP')
    socket.on('data', (bytes: Buffer) => {
      text += String(bytes)
      for (;;) {
        const end = text.indexOf(inMail ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const line = text.slice(0, end)
        text = text.slice(end + (inMail ? 5 : 2))
        if (inMail) {
          inMail = false
          mails += 1
          answer(socket, 'mail', '250 taken')
          continue
        }
        const verb = line.slice(0, 4).toUpperCase()
        if (verb === 'EHLO')
          answer(socket, 'EHLO', broken?.stage === 'STARTTLS' ? '250-fake\r\n250 STARTTLS' : '250 fake')
        else if (verb === 'STAR') answer(socket, 'STARTTLS', '220 go on')
        else if (verb === 'MAIL') answer(socket, 'MAIL', '250 ok')
        else if (verb === 'RCPT') answer(socket, 'RCPT', '250 ok')
        else if (verb === 'DATA') {
          inMail = broken?.stage !== 'DATA'
          answer(socket, 'DATA', '354 go on')
        } else if (verb === 'QUIT') socket.end('221 bye\r\n')
        else socket.write('250 ok\r\n')
      }
    })
  }

  const server = createServer(converse).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get mails() {
      return mails
    },
    get taken() {
      return taken
    },
    break(stage, fault = 'hang') {
      broken = stage && { stage, fault }
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
