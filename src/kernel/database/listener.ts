import pg from 'pg'
import type { Logger } from 'pino'
import { isDatabaseAway } from './constraints.ts'

type Handler = (payload: string) => void

/** Whether notifications arrive. While they do not, whoever caches by them has to ask the database. */
export interface ListenState {
  readonly listening: boolean
  /** Calls `then` each time listening (re)starts: what was missed in between has to be read from the tables. Answers how to stop. */
  onListening(then: () => void): () => void
  /** Calls `then` when the connection drops. Answers how to stop. */
  onLost(then: () => void): () => void
}

export interface Listener {
  /** Calls `handler` with the payload of each NOTIFY on the channel. Answers how to stop. Throws when the database can't be reached. */
  listen(channel: string, handler: Handler): Promise<() => Promise<void>>
  readonly state: ListenState
  close(): Promise<void>
}

/** A channel as an identifier: pg_notify takes the name as it is, LISTEN would fold it. */
export const channelName = (channel: string): string => `"${channel.replaceAll('"', '""')}"`

/** The handlers by channel and the watchers of a listener, whatever brings the notifications. */
export function subscriptions(log: Pick<Logger, 'error'>) {
  const handlers = new Map<string, Set<Handler>>()
  const started = new Set<() => void>()
  const lost = new Set<() => void>()
  let listening = false
  const watch = (watchers: Set<() => void>, then: () => void) => {
    // A function of its own, so that one that is given twice can be stopped once.
    const entry = () => then()
    watchers.add(entry)
    return () => void watchers.delete(entry)
  }
  /** One failing handler must not keep the others from hearing, nor end the process. */
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
    /** Takes a handler off; true when it was the channel's last. */
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

/** A server that lets `select 1` wait for longer is as good as gone. */
const answerTimeoutMs = 3_000
const longestBackOffMs = 2_000

export interface ServerListenerOptions {
  readonly client: pg.ClientConfig
  readonly log: Pick<Logger, 'error' | 'warn' | 'info'>
  /** How often the connection is asked whether it is alive: a silent drop would go unnoticed. */
  readonly heartbeatMs?: number
  /** The wait before the first reconnection; it doubles up to 2 s. */
  readonly backOffMs?: number
}

/**
 * LISTEN on a server: one connection of its own (a pooled one would be handed to others), opened with the first `listen`, reopened by itself
 * with a growing wait when it drops.
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
        // The loss has been said; while the database is away this comes every second or two.
        if (!isDatabaseAway(err)) log.warn({ err }, 'no connection for notifications yet')
        if (!closed) reopen()
      })
    }, wait)
  }

  const beat = (beating: pg.Client) => {
    if (client !== beating || closed) return
    // `query_timeout` of the configuration ends the wait for a server that does not answer.
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
      // Channels may be added while this waits: they are new to this list, or join when the client is there.
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
