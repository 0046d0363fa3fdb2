import pg from 'pg'
import type { Logger } from 'pino'
import { isDatabaseAway } from './constraints.ts'

type Handler = (payload: string) => void

/** Whether notifications arrive. While they do not, caches that depend on them must not be used. */
export interface ListenState {
  readonly listening: boolean
  /**
   * Calls `then` each time listening (re)starts; read missed changes from the tables. Returns a function that stops it.
   */
  onListening(then: () => void): () => void
  /** Calls `then` when the connection is lost. Returns a function that stops it. */
  onLost(then: () => void): () => void
}

export interface Listener {
  /**
   * Calls `handler` with the payload of each NOTIFY on the channel. Returns a function that stops it.
   * @throws when the database can't be reached
   */
  listen(channel: string, handler: Handler): Promise<() => Promise<void>>
  readonly state: ListenState
  close(): Promise<void>
}

/** A channel as a quoted identifier: pg_notify takes the name as it is, but LISTEN would fold its case. */
export const channelName = (channel: string): string => `"${channel.replaceAll('"', '""')}"`

/** The handlers by channel and the state of a listener, independent of the source of notifications. */
export function subscriptions(log: Pick<Logger, 'error'>) {
  const handlers = new Map<string, Set<Handler>>()
  const started = new Set<() => void>()
  const lost = new Set<() => void>()
  let listening = false
  const watch = (watchers: Set<() => void>, then: () => void) => {
    // A new function, so that a function that is registered twice can be removed once.
    const entry = () => then()
    watchers.add(entry)
    return () => void watchers.delete(entry)
  }
  /** Calls a handler. An error is logged, so that it neither affects other handlers nor ends the process. */
  const call = (then: () => void) => {
    try {
      then()
    } catch (err) {
      log.error({ err }, 'a listener failed')
    }
  }
  const state: ListenState = {
    get listening() {
      return listening
    },
    onListening: (then) => watch(started, then),
    onLost: (then) => watch(lost, then),
  }
  return {
    state,
    channels: () => [...handlers.keys()],
    add(channel: string, handler: Handler) {
      const known = handlers.get(channel)
      if (known) known.add(handler)
      else handlers.set(channel, new Set([handler]))
    },
    /** Removes a handler. Returns true when it was the last one of its channel. */
    remove(channel: string, handler: Handler): boolean {
      const known = handlers.get(channel)
      if (!known?.delete(handler) || known.size > 0) return false
      return handlers.delete(channel)
    },
    deliver(channel: string, payload: string) {
      for (const handler of [...(handlers.get(channel) ?? [])]) call(() => handler(payload))
    },
    turn(on: boolean) {
      if (listening === on) return
      listening = on
      for (const watcher of [...(on ? started : lost)]) call(watcher)
    },
  }
}

/** A server that takes longer to answer `select 1` counts as lost. */
const answerTimeoutMs = 3_000
const longestBackOffMs = 2_000

export interface ServerListenerOptions {
  readonly client: pg.ClientConfig
  readonly log: Pick<Logger, 'error' | 'warn' | 'info'>
  /** Interval of checks whether the connection is alive: otherwise a silent drop would go unnoticed. */
  readonly heartbeatMs?: number
  /** Pause before the first reconnection, in milliseconds; it doubles up to 2 s. */
  readonly backOffMs?: number
}

/**
 * LISTEN on a server, over a connection of its own, as a pooled one would be handed to others. It is opened by the
 * first `listen`, and reopened with growing pauses when it is lost.
 */
export function serverListener(options: ServerListenerOptions): Listener {
  const { log, heartbeatMs = 3_000, backOffMs = 250 } = options
  const heard = subscriptions(log)
  let client: pg.Client | undefined
  let opening: Promise<pg.Client> | undefined
  let timer: NodeJS.Timeout | undefined
  let attempts = 0
  let closed = false

  const drop = (dropped: pg.Client, reason: unknown) => {
    if (client !== dropped) return
    client = undefined
    dropped.end().catch(() => {})
    if (closed) return
    log.warn({ err: reason }, 'the connection for notifications was lost')
    heard.turn(false)
    reopen()
  }

  const reopen = () => {
    clearTimeout(timer)
    const wait = Math.min(backOffMs * 2 ** attempts, longestBackOffMs) * (0.5 + Math.random() / 2)
    attempts += 1
    timer = setTimeout(() => {
      connect().catch((err: unknown) => {
        // The loss is already logged, and while the database is away this happens every second or two.
        if (!isDatabaseAway(err)) log.warn({ err }, 'no connection for notifications yet')
        if (!closed) reopen()
      })
    }, wait)
  }

  const beat = (beating: pg.Client) => {
    if (client !== beating || closed) return
    // The `query_timeout` of the client ends the wait for a server that does not answer.
    beating.query('select 1').then(
      () => {
        if (client === beating && !closed) timer = setTimeout(() => beat(beating), heartbeatMs)
      },
      (error: unknown) => drop(beating, error),
    )
  }

  const open = async (): Promise<pg.Client> => {
    const next = new pg.Client({ ...options.client, keepAlive: true, query_timeout: answerTimeoutMs })
    next.on('error', (error) => drop(next, error))
    next.on('end', () => drop(next, new Error('the server ended the connection')))
    next.on('notification', ({ channel, payload }) => heard.deliver(channel, payload ?? ''))
    try {
      await next.connect()
      // Channels may be added while this waits. Those missing in this list are added below.
      const channels = heard.channels()
      if (channels.length > 0) await next.query(channels.map((channel) => `listen ${channelName(channel)}`).join(';'))
      if (closed) throw new Error('the listener was closed')
      client = next
      for (const channel of heard.channels()) {
        if (!channels.includes(channel)) await next.query(`listen ${channelName(channel)}`)
      }
    } catch (error) {
      client = undefined
      next.end().catch(() => {})
      throw error
    }
    attempts = 0
    clearTimeout(timer)
    timer = setTimeout(() => beat(next), heartbeatMs)
    heard.turn(true)
    return next
  }

  const connect = (): Promise<pg.Client> => {
    if (client) return Promise.resolve(client)
    opening ??= open().finally(() => {
      opening = undefined
    })
    return opening
  }

  return {
    state: heard.state,
    async listen(channel, handler) {
      const entry: Handler = (payload) => handler(payload)
      heard.add(channel, entry)
      try {
        const connected = await connect()
        await connected.query(`listen ${channelName(channel)}`)
      } catch (error) {
        heard.remove(channel, entry)
        throw error
      }
      return async () => {
        if (heard.remove(channel, entry)) await client?.query(`unlisten ${channelName(channel)}`).catch(() => {})
      }
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await opening?.catch(() => {})
      const last = client
      client = undefined
      await last?.end().catch(() => {})
    },
  }
}
