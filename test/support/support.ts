import { once } from 'node:events'
import { expect } from 'vitest'
import { WebSocket } from 'ws'
import type { Person } from './world.ts'

/** A frame of `/ws/support/chat`. */
export interface ChatFrame {
  readonly type: string
  readonly id?: number
  readonly session_id?: number | null
  readonly status?: string
  readonly last_event_id?: number
  readonly cut?: boolean
  readonly client_id?: string
  readonly code?: string
  readonly user_id?: number
  readonly message?: { readonly author: string; readonly content: string; readonly event: string | null }
}

/** A client of `/ws/support/chat` that keeps all frames it receives. */
export interface ChatClient {
  readonly frames: readonly ChatFrame[]
  readonly closed: Promise<number>
  say(frame: object | string): void
  /** The texts of the messages, in the order in which they came. */
  contents(): readonly string[]
  /** The ids of the messages, in the order in which they came. */
  ids(): readonly number[]
  /** Waits for the first frame of a type, or the first with these members. */
  heard(type: string, like?: Partial<ChatFrame>): Promise<ChatFrame>
  leave(): void
}

const clients = new Set<WebSocket>()

/** Closes the sockets that tests left open. */
export function hangUp(): void {
  for (const client of clients) client.terminate()
  clients.clear()
}

/** Connects to `/ws/support/chat` of the process at `address` (http://…) and signs in. */
export async function chatClient(address: string, person: Person, hello: object = {}): Promise<ChatClient> {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/ws/support/chat`)
  clients.add(socket)
  const frames: ChatFrame[] = []
  socket.on('message', (text) => frames.push(JSON.parse(String(text))))
  socket.on('error', () => {})
  const closed = once(socket, 'close').then(([code]) => Number(code))
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'auth', token: person.token, ...hello }))
  const messages = () => frames.filter((frame) => frame.type === 'message')
  const find = (type: string, like: Partial<ChatFrame>) =>
    frames.find(
      (frame) =>
        frame.type === type && Object.entries(like).every(([name, value]) => Reflect.get(frame, name) === value),
    )
  const client: ChatClient = {
    frames,
    closed,
    say: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    contents: () => messages().map(({ message }) => message?.content ?? ''),
    ids: () => messages().map(({ id }) => id ?? 0),
    async heard(type, like = {}) {
      await expect.poll(() => find(type, like), { timeout: 5000 }).toBeDefined()
      return find(type, like) ?? { type }
    },
    leave: () => socket.terminate(),
  }
  await client.heard('ready')
  return client
}
