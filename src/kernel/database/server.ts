import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { bossDatabase } from './boss.ts'
import type { Connection, DatabaseOptions } from './connection.ts'
import { isDatabaseAway, mapDatabaseError } from './constraints.ts'
import { serverListener } from './listener.ts'
import { typeParsers } from './parsers.ts'
import { prepareHotQueries, SESSION_SETTINGS } from './prepared.ts'
import { createServerHealth, type ServerHealth } from './serverHealth.ts'

/** Time limit of a statement, as a long one holds up others. Migrations switch it off for themselves. */
const statementTimeoutMs = 30_000
/** Time limit of an idle transaction: a forgotten one would hold its locks for ever. */
const idleInTransactionMs = 60_000
const connectionTimeoutMs = 5_000
/** Interval of checks whether a read replica can be reached. */
const watchMs = 5_000

/** The first query of a session. Its time-out covers a connection that is lost just after connecting. */
const sessionStart = { text: SESSION_SETTINGS, query_timeout: connectionTimeoutMs }

/** A server can't be used. The message is one line for people, with the server and the reason. */
export class DatabaseUnusable extends Error {
  constructor(url: string, cause: unknown) {
    const { host, pathname } = new URL(url)
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
    const why =
      reason instanceof Error ? reason.message || ('code' in reason ? String(reason.code) : '') : String(reason)
    super(`The database ${host}${pathname} cannot be used: ${why}`, { cause })
    this.name = 'DatabaseUnusable'
  }
}

/** A pool, and the health of its server. */
interface Guarded {
  readonly pool: pg.Pool
  readonly health: ServerHealth
  close(): Promise<void>
}

interface PoolOptions {
  readonly url: string
  /** Name of the server in log lines. */
  readonly name: string
  readonly size: number
  readonly log: DatabaseOptions['log']
  /** The pool to use while the server can't be reached. */
  readonly instead?: pg.Pool
}

/**
 * Creates a pool. While its server can't be reached, it refuses at once, or uses `instead`. When the server is found to
 * be away, all open connections are cut.
 */
function createPool({ url, name, size, log, instead }: PoolOptions): Guarded {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    application_name: 'yuyue',
    connectionTimeoutMillis: connectionTimeoutMs,
    idleTimeoutMillis: 60_000,
    // The server's limit instead of pg's `query_timeout`, whose timer would keep every row of a long result in memory
    // until the next full collection.
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    keepAlive: true,
    types: typeParsers,
    // Sets UTC among others, whatever the server is set to. pg-pool waits for it before it hands the client out.
    onConnect: (client) => client.query(sessionStart),
  })
  const clients = new Set<pg.PoolClient>()
  const health = createServerHealth({
    client: { connectionString: url, application_name: 'yuyue look' },
    name,
    meanwhile: instead ? 'the primary is asked instead' : 'requests are refused until it can',
    log,
    onAway: () => cut(clients),
    watchMs: instead && watchMs,
  })
  // The pool replaces an idle connection that breaks. Without a handler it would end the process.
  pool.on('error', () => health.suspect())
  pool.on('remove', (client) => clients.delete(client))
  // The pool only handles errors of idle clients. Without a handler, a client that breaks while in use would end the
  // process.
  pool.on('connect', (client) => {
    clients.add(client)
    client.on('error', () => health.suspect())
  })
  prepareHotQueries(pool)
  const connect = async (): Promise<pg.PoolClient> => {
    const refusal = health.refusal()
    if (refusal) return another(refusal)
    try {
      return await hand()
    } catch (error) {
      const mapped = mapDatabaseError(error)
      if (!isDatabaseAway(mapped)) throw mapped
      health.suspect()
      return another(health.refusal() ?? mapped)
    }
  }
  const another = (refusal: unknown): Promise<pg.PoolClient> => {
    if (!instead) throw refusal
    return instead.connect()
  }
  const hand: () => Promise<pg.PoolClient> = pool.connect.bind(pool)
  // `pool.query` calls this with a callback; all others use the promise.
  pool.connect = ((callback?: (error?: Error, client?: pg.PoolClient, done?: pg.PoolClient['release']) => void) => {
    if (!callback) return connect()
    connect().then((client) => callback(undefined, client, client.release), callback)
  }) as typeof pool.connect
  return {
    pool,
    health,
    async close() {
      health.close()
      const ended = pool.end()
      // A server that does not answer would not close its connections either.
      if (health.refusal()) cut(clients)
      await ended
    },
  }
}

function cut(clients: Iterable<pg.PoolClient>): void {
  for (const client of clients) client.connection.stream.destroy()
}

/** Waits until a server accepts a connection. @throws DatabaseUnusable when it refuses, or can't be reached in time */
async function enter(pool: pg.Pool, url: string, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    try {
      return (await pool.connect()).release()
    } catch (error) {
      if (isDatabaseAway(error) && Date.now() < deadline) await pause(250)
      else throw new DatabaseUnusable(url, error)
    }
  }
}

/** Connects to a PostgreSQL server. @throws DatabaseUnusable when it refuses, or can't be reached for `waitSeconds` */
export async function openServer(options: DatabaseOptions, url: string): Promise<Connection> {
  const { log, poolSize, readUrl, waitSeconds = 0 } = options
  const main = createPool({ url, name: 'the database', size: poolSize, log })
  const { pool } = main
  const replica =
    readUrl === undefined
      ? undefined
      : createPool({ url: readUrl, name: 'the read replica', size: poolSize, log, instead: pool })
  const readPool = replica?.pool ?? pool
  const listener = serverListener({
    client: { connectionString: url, application_name: 'yuyue listen', connectionTimeoutMillis: connectionTimeoutMs },
    log,
  })
  const close = async () => {
    await listener.close()
    await main.close()
    await replica?.close()
  }
  // The connection of the listener is checked all the time, so it reports losses first. Once it is back, the pool works
  // too.
  listener.state.onLost(main.health.suspect)
  listener.state.onListening(main.health.answered)
  try {
    await enter(pool, url, waitSeconds)
    if (readUrl !== undefined) await enter(readPool, readUrl, waitSeconds)
  } catch (error) {
    await close()
    throw error
  }
  return {
    kind: 'server',
    pool,
    readPool,
    listener,
    bossDatabase: bossDatabase(pool, async (channel, onNotification, onReconnect) => {
      const forget = listener.state.onListening(onReconnect)
      try {
        const stop = await listener.listen(channel, onNotification)
        // pg-boss expects one call after the subscription, and the connection may have been open already.
        onReconnect()
        return {
          async close() {
            forget()
            await stop()
          },
        }
      } catch (error) {
        forget()
        throw error
      }
    }),
    dump: () => Promise.reject(new Error('a server is backed up as rows: only the embedded database can be dumped')),
    close,
  }
}
