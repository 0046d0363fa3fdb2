import { connect, type Socket } from 'node:net'

/** What a load generator is told. */
export interface LoadOrder {
  readonly ports: readonly number[]
  /** In all; each sends its next request when the answer is there. */
  readonly connections: number
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly tokens: readonly string[]
  readonly slots: readonly number[]
  /** Shows every token to every server first: people who book have signed in. */
  readonly introduce: boolean
}

/** What it saw in the measured time. */
export interface LoadOutcome {
  readonly seconds: number
  /** Answers 201. */
  readonly booked: number
  /** By status and code. */
  readonly refused: Readonly<Record<string, number>>
  /** Milliseconds of the 201s. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** 201s before the measured time and after it. */
  readonly others: number
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** Books with random people in random slots for a while, as fast as the servers answer. */
async function generateLoad(order: LoadOrder): Promise<LoadOutcome> {
  const { tokens, slots, ports } = order
  if (order.introduce) await introduce(order)
  const connections = await openConnections(order)
  const begin = performance.now() + order.warmUpSeconds * 1000
  const end = begin + order.seconds * 1000
  const latencies: number[] = []
  const refused: Record<string, number> = {}
  let others = 0
  const book = async (ask: Ask): Promise<void> => {
    for (let sent = performance.now(); sent < end; sent = performance.now()) {
      const { status, body } = await ask(bookingOf(pick(tokens), pick(slots)))
      const now = performance.now()
      // What begins in the warm-up and ends after it counts: at the other end as much is cut off.
      const counts = now >= begin && now < end
      if (status !== 201) {
        if (counts) refused[codeOf(status, body)] = (refused[codeOf(status, body)] ?? 0) + 1
      } else if (counts) latencies.push(now - sent)
      else others += 1
    }
  }
  await Promise.all(connections.map(({ ask }) => book(ask)))
  for (const { socket } of connections) socket.destroy()
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN
  if (ports.length === 0 || latencies.length === 0) throw new Error(`no booking succeeded: ${JSON.stringify(refused)}`)
  return {
    seconds: order.seconds,
    booked: latencies.length,
    refused,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    others,
  }
}

function pick<T>(list: readonly T[]): T {
  const one = list[Math.floor(Math.random() * list.length)]
  if (one === undefined) throw new Error('nothing to pick from')
  return one
}

function bookingOf(token: string, slot: number): string {
  const body = `{"time_slot_id":${slot}}`
  return (
    `POST /api/v1/reservations HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
}

function codeOf(status: number, body: string): string {
  return `${status} ${/"code":"(\w+)"/.exec(body)?.[1] ?? ''}`.trim()
}

async function introduce({ ports, tokens, connections }: LoadOrder): Promise<void> {
  for (const port of ports) {
    let next = 0
    const open = await openConnections({ ports: [port], connections })
    await Promise.all(
      open.map(async ({ ask, socket }) => {
        for (let token = tokens[next++]; token !== undefined; token = tokens[next++]) {
          const request = `GET /api/v1/users/me HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`
          const { status } = await ask(request)
          if (status !== 200) throw new Error(`a person who is signed in got ${status}`)
        }
        socket.destroy()
      }),
    )
  }
}

type Ask = (request: string) => Promise<Answer>

interface Connection {
  readonly ask: Ask
  readonly socket: Socket
}

function openConnections({ ports, connections }: Pick<LoadOrder, 'ports' | 'connections'>): Promise<Connection[]> {
  return Promise.all(Array.from({ length: connections }, (_, n) => openConnection(ports[n % ports.length] ?? 0)))
}

/**
 * A keep-alive connection with one request at a time. Sockets and not an HTTP client: the generator shares the machine with what it
 * measures, and a client would take more of it than it gives.
 */
function openConnection(port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    let received = ''
    let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined
    const fail = (error: Error) => {
      reject(error)
      waiting?.reject(error)
    }
    socket.setEncoding('latin1')
    socket.setTimeout(30_000, () => socket.destroy(new Error('a server did not answer for 30 seconds')))
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('a server closed a connection')))
    socket.on('data', (chunk: string) => {
      received += chunk
      const answer = readAnswer(received)
      if (!answer) return
      received = ''
      const asker = waiting
      waiting = undefined
      asker?.resolve(answer)
    })
    socket.on('connect', () =>
      resolve({
        socket,
        ask: (request) =>
          new Promise((resolve, reject) => {
            waiting = { resolve, reject }
            socket.write(request)
          }),
      }),
    )
  })
}

/** One complete answer with a Content-Length (all of ours are that short), or undefined. In latin1 a character is a byte. */
function readAnswer(text: string): Answer | undefined {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return undefined
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
  if (length === undefined) throw new Error('an answer without a length')
  const body = head + 4
  if (text.length < body + Number(length)) return undefined
  return { status: Number(text.slice(9, 12)), body: text.slice(body) }
}

/** Runs as the generator's own process: takes one order from its parent, and hands back what it saw. */
export function serveLoad(): void {
  // Nobody is left to hand anything back to.
  process.once('disconnect', () => process.exit(1))
  process.once('message', (order: LoadOrder) => {
    generateLoad(order).then(
      (outcome) => process.send?.({ outcome }, () => process.exit(0)),
      (error: unknown) => process.send?.({ error: String(error) }, () => process.exit(1)),
    )
  })
}
