import { once } from 'node:events'
import { createConnection, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy on this machine that can be made to fail. It passes all data on at first. */
export interface TcpProxy {
  readonly port: number
  /** Connections accepted so far. */
  accepted(): number
  /** Passes all data on again, including the data held back before. */
  pass(): Promise<void>
  /** Cuts every connection and refuses new ones, like a server that was stopped. */
  refuse(): Promise<void>
  /** Keeps all connections open, accepts new ones, and passes nothing on, like a broken network. */
  hold(): void
  close(): Promise<void>
}

/** Starts a proxy in front of a port of this machine. */
export async function startProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let held = false
  let accepted = 0
  let server: Server | undefined

  const join = (near: Socket) => {
    accepted += 1
    const far = createConnection({ port: target, host: '127.0.0.1' })
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [far, near] as const]) {
      from.setNoDelay(true)
      from.on('data', (bytes: Buffer) => to.write(bytes))
      from.on('end', () => to.end())
      // Tests cut connections on purpose.
      from.on('error', () => to.destroy())
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
      if (held) from.pause()
    }
  }
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  const listen = async (port: number): Promise<number> => {
    server = createServer({ pauseOnConnect: false }, join).listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }
  const stopListening = async () => {
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    server = undefined
    cut()
    await closed
  }

  const port = await listen(0)
  return {
    port,
    accepted: () => accepted,
    async pass() {
      held = false
      for (const pair of pairs) for (const socket of pair) socket.resume()
      if (!server) await listen(port)
    },
    refuse: stopListening,
    hold() {
      held = true
      for (const pair of pairs) for (const socket of pair) socket.pause()
    },
    close: stopListening,
  }
}
