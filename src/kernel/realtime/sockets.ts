import type { FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { OpenDatabase } from '../database/database.ts'
import { Unavailable } from '../errors.ts'
import type { App } from '../http/app.ts'
import type { Actor } from '../identity/actor.ts'
import { SESSIONS_CHANNEL } from '../identity/sessions/sessionStore.ts'
import type { Identity } from '../identity/sessions/sessions.ts'
import type { Kernel } from '../kernel.ts'

/** Close codes that we send. */
export const CLOSE = {
  goingAway: 1001,
  tooBig: 1009,
  failed: 1011,
  badFrame: 4400,
  unauthenticated: 4401,
  notFound: 4404,
  tooSlow: 4408,
  tooMany: 4429,
} as const

/** A client at the other end of a WebSocket. */
export interface Connection {
  /** Sends a JSON frame. If too much waits to be read by the client, its socket is closed instead. */
  send(frame: object): void
  /** Resolves when all sent frames have left this process, or the socket is closed. */
  flushed(): Promise<void>
  close(code: number, reason: string): void
}

/** A signed-in person at the other end of a WebSocket. */
export interface Peer extends Connection {
  readonly userId: number
  readonly actor: Actor
}

/** A device without an account that opens sockets by a token of its own, such as a display in a hall. */
export interface Device {
  /** Sockets with the same key count together towards the largest number of sockets per person. */
  readonly key: string
  /** Whether its token is still valid. Called with every heartbeat. It may throw Unavailable. */
  isValid(): Promise<boolean>
}

/** The handlers of a feature for one socket. */
export interface Conversation {
  /**
   * Handles a frame after the first one. It must not throw; it closes the peer with `CLOSE.badFrame` for a wrong frame.
   */
  onFrame?(frame: Readonly<Record<string, unknown>>): void
  onClose?(): void
}

export interface SocketLimits {
  /** Time limit for sending a token, in milliseconds. */
  readonly authMs: number
  /** Interval of pings and of token checks, in milliseconds. A peer that didn't answer the last ping is dropped. */
  readonly heartbeatMs: number
  /** Largest number of bytes that may wait for a peer to read. */
  readonly bufferedBytes: number
  /** Largest frame from a peer, in bytes. */
  readonly frameBytes: number
  /** Largest number of frames from a peer in ten seconds. */
  readonly frames: number
  /** Largest number of sockets per person. */
  readonly perUser: number
}

export const SOCKET_LIMITS: SocketLimits = {
  authMs: 5000,
  heartbeatMs: 30_000,
  bufferedBytes: 1_000_000,
  frameBytes: 16 * 1024,
  frames: 50,
  perUser: 20,
}

/** The WebSocket routes of a process. */
export interface Sockets {
  /**
   * Opens a WebSocket route. The token comes in the first frame (`{"type":"auth","token":…}`), as
   * `Sec-WebSocket-Protocol: bearer, <token>` or as `?token=`. `begin` is called with the signed-in peer and that first
   * frame (or the query parameters).
   */
  accept(
    app: App,
    path: string,
    begin: (peer: Peer, hello: Readonly<Record<string, unknown>>) => Promise<Conversation>,
  ): void
  /**
   * `accept` for a route that devices may open too. `deviceOf` finds the device of a token; a token that is no device's
   * is taken as that of a person.
   */
  acceptDevices<Kind extends Device>(
    app: App,
    path: string,
    deviceOf: (token: string) => Promise<Kind | undefined>,
    begin: (
      client: { readonly device: Kind; readonly connection: Connection } | { readonly peer: Peer },
      hello: Readonly<Record<string, unknown>>,
    ) => Promise<Conversation>,
  ): void
  /** Closes every socket (1001). */
  close(): Promise<void>
}

/** A client whose token was accepted. */
interface Admitted {
  /** Sockets with the same key count together: a person's id, or the key of a device. */
  readonly key: number | string
  /** The reason to close the socket; undefined while the token is valid. It may throw. */
  fault(): Promise<string | undefined>
  begin(connection: Connection, hello: Readonly<Record<string, unknown>>): Promise<Conversation>
}

/** Finds the client of a token, or the reason to refuse it. */
type Door = (token: string) => Promise<Admitted | string>

interface Open {
  readonly socket: WebSocket
  readonly client: Admitted
  answered: boolean
}

const FLOOD_WINDOW_MS = 10_000
const MUST_CHANGE = 'the password must be changed'
const GOODBYE_MS = 2000

/** Builds what all WebSocket routes share: signing in, heartbeats, limits, and the end of sessions. */
export async function createSockets(
  kernel: Pick<Kernel, 'log'>,
  identity: Pick<Identity, 'authenticate' | 'recheck'>,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
  limits: SocketLimits = SOCKET_LIMITS,
): Promise<Sockets> {
  const sockets = new Set<WebSocket>()
  const signedIn = new Map<number | string, Set<Open>>()

  const shut = (socket: WebSocket, code: number, reason: string) => {
    if (socket.readyState !== socket.OPEN) return
    socket.close(code, reason)
    // A peer that doesn't read won't answer the close frame either.
    setTimeout(() => socket.terminate(), GOODBYE_MS).unref()
  }

  /**
   * Checks again that the token is valid and has the same roles as when the socket was opened; otherwise the socket is
   * closed, and the next connection has the new roles. The check does not count as use of the session. A database that
   * can't be reached is no reason to close.
   */
  const recheck = async ({ socket, client }: Open) => {
    try {
      const fault = await client.fault()
      if (fault !== undefined) shut(socket, CLOSE.unauthenticated, fault)
    } catch (error) {
      if (!(error instanceof Unavailable)) shut(socket, CLOSE.unauthenticated, 'the session has ended')
    }
  }

  type Begin = Parameters<Sockets['accept']>[2]
  const personDoor =
    (begin: Begin): Door =>
    async (token) => {
      const actor = await identity.authenticate(token)
      if (actor.scope !== 'full') return MUST_CHANGE
      return {
        key: actor.userId,
        async fault() {
          const now = await identity.recheck(token)
          if (now.scope !== 'full') return MUST_CHANGE
          return now.roles.symmetricDifference(actor.roles).size > 0 ? 'the roles have changed' : undefined
        },
        begin: (connection, hello) => begin({ ...connection, userId: actor.userId, actor }, hello),
      }
    }

  const recheckAll = () => {
    for (const open of [...signedIn.values()].flatMap((all) => [...all])) void recheck(open)
  }

  const beat = () => {
    for (const all of signedIn.values()) {
      for (const open of all) {
        if (!open.answered) {
          open.socket.terminate()
          continue
        }
        open.answered = false
        open.socket.ping()
      }
    }
    recheckAll()
  }

  const connectionOf = (socket: WebSocket): Connection => {
    let last: Promise<void> = Promise.resolve()
    return {
      send(frame) {
        if (socket.readyState !== socket.OPEN) return
        if (socket.bufferedAmount > limits.bufferedBytes) {
          shut(socket, CLOSE.tooSlow, 'too slow')
          return
        }
        last = new Promise((resolve) => socket.send(JSON.stringify(frame), () => resolve()))
      },
      flushed: () => last,
      close: (code, reason) => shut(socket, code, reason),
    }
  }

  /** Adds a socket to those of its client. Returns false when there are too many. */
  const admit = (open: Open): boolean => {
    const all = signedIn.get(open.client.key) ?? new Set()
    if (all.size >= limits.perUser) return false
    signedIn.set(open.client.key, all.add(open))
    return true
  }

  const leave = (open: Open) => {
    const all = signedIn.get(open.client.key)
    all?.delete(open)
    if (all?.size === 0) signedIn.delete(open.client.key)
  }

  const stopListening = await database.listen(SESSIONS_CHANNEL, (payload) => {
    // Runs after the other listeners, one of which clears the cache of valid tokens.
    setImmediate(() => {
      for (const open of signedIn.get(Number(payload)) ?? []) void recheck(open)
    })
  })
  const stopWatching = database.listenState.onListening(() => setImmediate(recheckAll))
  const heart = setInterval(beat, limits.heartbeatMs)

  const openRoute = (app: App, path: string, door: Door) => {
    app.route({
      method: 'GET',
      url: path,
      websocket: true,
      config: { permission: 'public', operation: `GET ${path}` },
      handler: (socket, request) => {
        sockets.add(socket)
        socket.on('close', () => sockets.delete(socket))
        // A broken frame or connection: `close` follows.
        socket.on('error', () => {})
        converse(socket, request, door)
      },
    })
  }

  return {
    accept: (app, path, begin) => openRoute(app, path, personDoor(begin)),
    acceptDevices(app, path, deviceOf, begin) {
      const people = personDoor((peer, hello) => begin({ peer }, hello))
      openRoute(app, path, async (token) => {
        const device = await deviceOf(token)
        if (!device) return await people(token)
        return {
          key: device.key,
          fault: async () => ((await device.isValid()) ? undefined : 'the token has ended'),
          begin: (connection, hello) => begin({ device, connection }, hello),
        }
      })
    },
    async close() {
      clearInterval(heart)
      stopWatching()
      for (const socket of sockets) shut(socket, CLOSE.goingAway, 'stopping')
      await stopListening()
    },
  }

  function converse(socket: WebSocket, request: FastifyRequest, door: Door): void {
    let conversation: Conversation | undefined
    let signingIn = false
    let ended = false
    const mayReceive = floodGate(limits.frames)
    const tooLate = setTimeout(() => shut(socket, CLOSE.unauthenticated, 'no token in time'), limits.authMs)

    const signIn = async (token: string, hello: Readonly<Record<string, unknown>>) => {
      signingIn = true
      const client = await door(token).catch((error: unknown) => {
        const away = error instanceof Unavailable
        shut(socket, away ? CLOSE.failed : CLOSE.unauthenticated, away ? 'try again' : 'the token is not good')
      })
      clearTimeout(tooLate)
      if (!client || ended) return
      if (typeof client === 'string') return shut(socket, CLOSE.unauthenticated, client)
      const open: Open = { socket, client, answered: true }
      if (!admit(open)) return shut(socket, CLOSE.tooMany, 'too many connections')
      // An announcement during the look-up of the token did not reach this socket.
      void recheck(open)
      socket.on('pong', () => {
        open.answered = true
      })
      socket.on('close', () => leave(open))
      try {
        conversation = await client.begin(connectionOf(socket), hello)
        if (ended) conversation.onClose?.()
      } catch (err) {
        kernel.log.error({ err }, 'a WebSocket could not be served')
        shut(socket, CLOSE.failed, 'failed')
      }
    }

    socket.on('close', () => {
      ended = true
      clearTimeout(tooLate)
      conversation?.onClose?.()
    })
    socket.on('message', (bytes: Buffer, isBinary: boolean) => {
      if (socket.readyState !== socket.OPEN) return
      if (!mayReceive()) return shut(socket, CLOSE.tooMany, 'too many frames')
      if (bytes.length > limits.frameBytes) return shut(socket, CLOSE.tooBig, 'frame too big')
      const frame = isBinary ? undefined : parse(bytes.toString())
      if (!frame) return shut(socket, CLOSE.badFrame, 'not a JSON object')
      if (conversation?.onFrame) return conversation.onFrame(frame)
      if (signingIn) return
      if (frame.type !== 'auth' || typeof frame.token !== 'string') return shut(socket, CLOSE.badFrame, 'sign in first')
      void signIn(frame.token, frame)
    })

    const offered = offeredToken(request)
    if (offered) void signIn(offered.token, offered.hello)
  }
}

/** The token in the handshake, for clients that do not send it in the first frame. */
function offeredToken(
  request: FastifyRequest,
): { token: string; hello: Readonly<Record<string, unknown>> } | undefined {
  const query = new URL(request.raw.url ?? '', 'http://localhost').searchParams
  const [name, offered] = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((part) => part.trim())
  const token = (name === 'bearer' && offered) || query.get('token')
  return token ? { token, hello: Object.fromEntries(query) } : undefined
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined
  } catch {
    return undefined
  }
}

/** Returns a function that counts a frame, and returns false for more than `most` frames within ten seconds. */
function floodGate(most: number): () => boolean {
  let windowStart = performance.now()
  let count = 0
  return () => {
    const now = performance.now()
    if (now - windowStart > FLOOD_WINDOW_MS) {
      windowStart = now
      count = 0
    }
    count += 1
    return count <= most
  }
}
