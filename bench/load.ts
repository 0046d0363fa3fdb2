import { connect, type Socket } from 'node:net'

/** One request. */
export interface Ask {
  /** Index of the person's token. */
  readonly token: number
  /** Method and path. */
  readonly line: string
  /** JSON text. */
  readonly body?: string
}

/** The task of a load generator. */
export interface LoadOrder {
  readonly ports: readonly number[]
  /** Number of connections. Each sends its next request after the answer. */
  readonly connections: number
  readonly warmUpSeconds: number
  /** The measured time. It ends earlier if there are no more requests. */
  readonly seconds: number
  readonly tokens: readonly string[]
  /**
   * Requests in order; each is sent once, by the next free connection. Requests of one kind have the same `line` up to
   * the first digit.
   */
  readonly asks: readonly Ask[]
  /** A path that is first requested with every token at every server, because people who book have logged in before. */
  readonly introduce?: string
  /** Whether all requests may be refused. Otherwise that is an error of the measurement. */
  readonly refusalsOnly?: boolean
  /** Least and greatest wait of a connection before each request, in milliseconds, evenly distributed. */
  readonly think?: readonly [number, number]
}

/** Latencies in milliseconds. */
export interface Latencies {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** The results of the measured time. */
export interface LoadOutcome {
  readonly seconds: number
  /** Requests that succeeded. */
  readonly granted: Latencies
  /** All requests that were answered. */
  readonly answered: Latencies
  /** All answered requests, by kind. */
  readonly kinds: Readonly<Record<string, Latencies>>
  /** Number of refused requests, by status and code. */
  readonly refused: Readonly<Record<string, number>>
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** Sends requests as fast as the servers answer, or as people think. */
async function generateLoad(order: LoadOrder): Promise<LoadOutcome> {
  if (order.introduce) await introduce(order, order.introduce)
  const connections = await openConnections(order)
  const requests = order.asks.values()
  const begin = performance.now() + order.warmUpSeconds * 1000
  const end = begin + order.seconds * 1000
  const kinds = new Map<string, number[]>()
  const granted: number[] = []
  const refused: Record<string, number> = {}
  const work = async (ask: Connection['ask']): Promise<void> => {
    for (;;) {
      if (order.think) await wait(order.think)
      const sent = performance.now()
      if (sent >= end) return
      const { value: next } = requests.next()
      if (!next) return
      const { status, body } = await ask(textOf(next, order.tokens))
      const now = performance.now()
      // Requests that begin in the warm-up and end after it count. In return those that end after the measured time
      // don't.
      if (now < begin || now >= end) continue
      const kind = kindOf(next)
      const latencies = kinds.get(kind) ?? []
      if (latencies.push(now - sent) === 1) kinds.set(kind, latencies)
      if (isGranted(status, body)) granted.push(now - sent)
      else refused[codeOf(status, body)] = (refused[codeOf(status, body)] ?? 0) + 1
    }
  }
  await Promise.all(connections.map(({ ask }) => work(ask)))
  const over = performance.now()
  for (const { socket } of connections) socket.destroy()
  if (granted.length === 0 && !order.refusalsOnly) throw new Error(`nothing was granted: ${JSON.stringify(refused)}`)
  return {
    seconds: (Math.min(over, end) - begin) / 1000,
    granted: latenciesOf(granted),
    answered: latenciesOf([...kinds.values()].flat()),
    kinds: Object.fromEntries([...kinds].map(([kind, latencies]) => [kind, latenciesOf(latencies)])),
    refused,
  }
}

function latenciesOf(latencies: number[]): Latencies {
  latencies.sort((a, b) => a - b)
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN
  return { count: latencies.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

function wait([least, most]: readonly [number, number]): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, least + Math.random() * (most - least)))
}

function textOf({ line, token, body }: Ask, tokens: readonly string[]): string {
  const head = `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${tokens[token]}\r\n`
  if (body === undefined) return `${head}\r\n`
  return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** The kind of a request: its line without numbers and query. */
function kindOf({ line }: Ask): string {
  return line.replace(/\?.*/, '').replace(/\d+(?=\/|$)/g, '…')
}

/** True for a successful request: by its status, or by the code in its body if every status is 200. */
function isGranted(status: number, body: string): boolean {
  return status < 300 && !/^\{"code":(?!(?:200|0)\b)/.test(body)
}

function codeOf(status: number, body: string): string {
  return `${status} ${/"code":"?(\w+)/.exec(body)?.[1] ?? ''}`.trim()
}

async function introduce({ ports, tokens, connections }: LoadOrder, path: string): Promise<void> {
  for (const port of ports) {
    let next = 0
    const open = await openConnections({ ports: [port], connections: Math.min(connections, 50) })
    await Promise.all(
      open.map(async ({ ask, socket }) => {
        while (next < tokens.length) {
          const { status } = await ask(textOf({ line: `GET ${path}`, token: next++ }, tokens))
          if (status !== 200) throw new Error(`a person who is signed in got ${status}`)
        }
        socket.destroy()
      }),
    )
  }
}

interface Connection {
  readonly ask: (request: string) => Promise<Answer>
  readonly socket: Socket
}

function openConnections({ ports, connections }: Pick<LoadOrder, 'ports' | 'connections'>): Promise<Connection[]> {
  return Promise.all(Array.from({ length: connections }, (_, n) => openConnection(ports[n % ports.length] ?? 0)))
}

/**
 * Opens a keep-alive connection that has one request at a time. It is a socket and not an HTTP client, because the
 * generator shares the machine with the measured program, and a client would take more of it.
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

/**
 * Parses one complete answer with a Content-Length (all of ours are that short), or returns undefined. In latin1 a
 * character is a byte.
 */
function readAnswer(text: string): Answer | undefined {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return undefined
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
  if (length === undefined) throw new Error('an answer without a length')
  const body = head + 4
  if (text.length < body + Number(length)) return undefined
  return { status: Number(text.slice(9, 12)), body: text.slice(body) }
}

/** Runs as the generator's own process: takes one order from its parent and sends back the results. */
export function serveLoad(): void {
  // The parent has ended.
  process.once('disconnect', () => process.exit(1))
  process.once('message', (order: LoadOrder) => {
    generateLoad(order).then(
      (outcome) => process.send?.({ outcome }, () => process.exit(0)),
      (error: unknown) => process.send?.({ error: String(error) }, () => process.exit(1)),
    )
  })
}
