import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

// A property management system with the API that this program reads: for tests, and for the demo.

/**
 * What happens to a call. A number: that status; `cut`: the connection ends without an answer; `junk`: the answer is no
 * JSON; an object: it is the answer.
 */
export type PmsServerFault = number | 'cut' | 'junk' | object

/** A call that came in. */
export interface PmsCall {
  readonly path: string
  readonly cursor: string | null
  readonly limit: number
}

export interface PmsServer {
  readonly url: string
  readonly key: string
  /** The feeds of changes, oldest first: a changed guest is added again at the end. Rows may be anything. */
  readonly members: unknown[]
  readonly records: unknown[]
  readonly calls: PmsCall[]
  /** Most rows of an answer, whatever the call asks for. */
  most: number
  /** Decides about each call; undefined: it is answered as usual. */
  fault: (call: PmsCall) => PmsServerFault | undefined | Promise<PmsServerFault | undefined>
  close(): Promise<void>
}

/** Starts a PMS on a free port, or on `port`. Cursors are the number of rows that were read. */
export async function startPmsServer({
  key = 'pms-key',
  port = 0,
}: {
  readonly key?: string
  readonly port?: number
} = {}): Promise<PmsServer> {
  const send = (response: ServerResponse, status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  const feedOf = new Map<string, () => readonly unknown[]>([
    ['/api/members', () => pms.members],
    ['/api/consumption-records', () => pms.records],
  ])

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://pms')
    if (request.headers.authorization !== `Bearer ${key}`) return send(response, 401, { error: 'unknown key' })
    const call = {
      path: url.pathname,
      cursor: url.searchParams.get('cursor'),
      limit: Number(url.searchParams.get('limit') ?? 100),
    }
    pms.calls.push(call)
    const fault = await pms.fault(call)
    if (fault === 'cut') return request.socket.destroy()
    if (fault === 'junk') return response.end('<html>')
    if (typeof fault === 'number') return send(response, fault, { error: 'fault' })
    if (fault !== undefined) return send(response, 200, fault)
    const feed = feedOf.get(call.path)?.()
    if (!feed) return send(response, 404, { error: 'not found' })
    const from = Number(call.cursor ?? 0)
    if (!Number.isInteger(from) || from < 0) return send(response, 400, { error: 'cursor' })
    const items = feed.slice(from, from + Math.min(call.limit, pms.most))
    const next = from + items.length
    return send(response, 200, { items, next_cursor: String(next), has_more: next < feed.length })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const pms: PmsServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    key,
    members: [],
    records: [],
    calls: [],
    most: 1000,
    fault: () => undefined,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return pms
}
